/* Fuzz target of the MQTT codec. The input is a stream of packets; each goes through the decoder of
 * its type in all versions and directions. What decodes is encoded and decoded again: the second
 * round must give the same bytes as the first, and for 3.1.1, which has one way to write a packet,
 * the bytes that came in. Topics and filters among them go through their checks. */
#include "support.h"

#include "mqtt/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        __builtin_trap();
}

/* A filter that is legal stays legal without its group, and matches itself when it is a name. */
static void check_filter(struct span text)
{
    struct topic_filter whole, plain;
    if (topic_filter_parse(text, &whole) < 0)
        return;
    check(whole.filter.n > 0);
    check(topic_name_check(whole.filter) == 0 || whole.has_wildcard);
    check(whole.has_wildcard || topic_matches(whole.filter, whole.filter));
    if (whole.group.n)
        check(topic_filter_parse(whole.filter, &plain) == 0 || whole.filter.p[0] == '$');
}

static void check_filters(const struct any_packet *p, enum mqtt_version v)
{
    if (p->frame.type == MQTT_SUBSCRIBE) {
        struct span rest = p->subscribe.filters;
        struct mqtt_subscription s;
        size_t count = 0;
        for (; mqtt_subscribe_next(&rest, v, &s); count++)
            check_filter(s.filter);
        check(count == p->subscribe.count && rest.n == 0);
    }
    if (p->frame.type == MQTT_UNSUBSCRIBE) {
        struct span rest = p->unsubscribe.filters;
        struct span filter;
        size_t count = 0;
        for (; mqtt_unsubscribe_next(&rest, &filter); count++)
            check_filter(filter);
        check(count == p->unsubscribe.count && rest.n == 0);
    }
}

static void check_properties(const struct mqtt_properties *p)
{
    struct span rest = p->raw;
    struct mqtt_user_property user;
    size_t count = 0;
    while (mqtt_user_property_next(&rest, &user))
        count++;
    check(count == p->user_count && count <= MQTT_USER_PROPERTIES_MAX);
    check(mqtt_has(p, MQTT_PROP_USER) == (count > 0));
}

static bool is_canonical(const struct any_packet *p, enum mqtt_version v)
{
    return (p->frame.type == MQTT_CONNECT ? p->connect.version : v) == MQTT_3_1_1;
}

static void check_packet(struct span in, enum mqtt_version v, bool from_client)
{
    struct any_packet first, second;
    int n = decode_any(in, v, from_client, &first);
    if (n <= 0)
        return;
    const struct mqtt_properties *properties = properties_of(&first);
    if (properties)
        check_properties(properties);
    check_filters(&first, v);

    struct span once = encode_any(&first, v);
    check(once.n <= first.frame.total);
    check(!is_canonical(&first, v) || span_equal(once, span_head(in, (size_t)n)));
    check(decode_any(once, v, from_client, &second) == (int)once.n);
    if (properties)
        check(properties_of(&second)->present == properties->present);
    struct span twice = encode_any(&second, v);
    check(span_equal(once, twice));
    bytes_free(&once);
    bytes_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {data, size};
    struct mqtt_frame f;
    int n;
    while ((n = mqtt_frame(in, size, &f)) > 0) {
        check((size_t)n == f.total && f.total <= in.n);
        for (int v = MQTT_3_1; v <= MQTT_5_0; v++) {
            check_packet(span_head(in, f.total), (enum mqtt_version)v, true);
            check_packet(span_head(in, f.total), (enum mqtt_version)v, false);
        }
        in = span_from(in, f.total);
    }
    check(n == 0 || err_class(n) != ERR_CLASS_INTERNAL);
    return 0;
}
