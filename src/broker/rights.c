/* Publishing rights. Standard and master tokens may publish to every topic of their account but
 * those that the platform (flespi: "messages to a topic that starts with flespi/ are discarded")
 * and the server (MQTT 5.0 4.7.2) keep for themselves. */
#include "broker/rights.h"

int rights_publish(const struct broker *b, struct span topic)
{
    if (topic.n && topic.p[0] == '$')
        return err_raise(ERR_BROKER_DOLLAR_TOPIC);
    if (b->config.is_prefix_reserved && span_starts(topic, SPAN_LIT("flespi/")))
        return err_raise(ERR_BROKER_RESERVED_TOPIC);
    return 0;
}
