/* Requests to the REST API. */
#include "broker/request.h"

#include "broker/rights.h"

#define PREFIX SPAN_LIT("flespi/rest/")

bool request_is_one(const struct broker *b, struct span topic)
{
    return b->serve && span_starts(topic, PREFIX);
}

int request_serve(struct client *c, const struct mqtt_publish *p)
{
    struct broker *b = c->bs->broker;
    struct span rest = span_from(p->topic, PREFIX.n);
    size_t n = span_find(rest, '/');
    struct broker_request request = {
        .broker = b,
        .login = &c->login,
        .method = span_head(rest, n),
        .uri = span_from(rest, n + 1),
        .body = p->payload,
        .qos = p->qos,
    };
    if (!request.method.n || !request.uri.n)
        return err_raise(ERR_BROKER_REQUEST_TOPIC);
    if (p->has_properties && mqtt_has(&p->properties, MQTT_PROP_RESPONSE_TOPIC))
        request.response_topic = p->properties.response_topic;
    if (p->has_properties && mqtt_has(&p->properties, MQTT_PROP_CORRELATION_DATA))
        request.correlation = p->properties.correlation_data;
    int err = request.response_topic.n ? rights_publish(b, request.response_topic) : 0;
    if (err == 0)
        b->serve(b->serve_context, &request);
    return err;
}
