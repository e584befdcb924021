/* Writes SUBSCRIBE and UNSUBSCRIBE (MQTT 5.0 3.8, 3.10), for outgoing connections, tools and
 * tests. */
#include "mqtt/codec_internal.h"

#define FLAGS 2u

static size_t request_body(const struct mqtt_properties *p, struct span filters,
                           enum mqtt_version v, uint32_t carrier)
{
    size_t block = v == MQTT_5_0 ? mqtt_block_size(mqtt_properties_size(p, carrier)) : 0;
    return 2 + block + filters.n;
}

size_t mqtt_size_subscribe(const struct mqtt_subscribe *p, enum mqtt_version v)
{
    return mqtt_packet_size(request_body(&p->properties, p->filters, v, IN_SUBSCRIBE));
}

size_t mqtt_encode_subscribe(const struct mqtt_subscribe *p, enum mqtt_version v, uint8_t *out)
{
    size_t body = request_body(&p->properties, p->filters, v, IN_SUBSCRIBE);
    uint8_t *at = mqtt_put_header(out, MQTT_SUBSCRIBE, FLAGS, body);
    at = mqtt_put_u16(at, p->packet_id);
    if (v == MQTT_5_0)
        at = mqtt_put_block(at, &p->properties, IN_SUBSCRIBE);
    return (size_t)(mqtt_put_bytes(at, p->filters) - out);
}

size_t mqtt_put_subscription(const struct mqtt_subscription *s, enum mqtt_version v, uint8_t *out)
{
    unsigned options = s->qos;
    if (v == MQTT_5_0)
        options |= (unsigned)s->no_local << 2 | (unsigned)s->retain_as_published << 3 |
                   (unsigned)s->retain_handling << 4;
    uint8_t *at = mqtt_put_string(out, s->filter);
    return (size_t)(mqtt_put_u8(at, (uint8_t)options) - out);
}

size_t mqtt_size_unsubscribe(const struct mqtt_unsubscribe *p, enum mqtt_version v)
{
    return mqtt_packet_size(request_body(&p->properties, p->filters, v, IN_UNSUBSCRIBE));
}

size_t mqtt_encode_unsubscribe(const struct mqtt_unsubscribe *p, enum mqtt_version v, uint8_t *out)
{
    size_t body = request_body(&p->properties, p->filters, v, IN_UNSUBSCRIBE);
    uint8_t *at = mqtt_put_header(out, MQTT_UNSUBSCRIBE, FLAGS, body);
    at = mqtt_put_u16(at, p->packet_id);
    if (v == MQTT_5_0)
        at = mqtt_put_block(at, &p->properties, IN_UNSUBSCRIBE);
    return (size_t)(mqtt_put_bytes(at, p->filters) - out);
}
