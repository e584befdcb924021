/* Writes PUBLISH (MQTT 5.0 3.3), once per subscriber and message: the hottest encoder. Straight
 * copies; properties cost something only when there are any. */
#include "mqtt/codec_internal.h"

/* Subscription identifiers are the receiver's and come apart from the message's properties, which
 * are shared by all receivers. */
static size_t properties_size(const struct mqtt_publish *p, const uint32_t *ids, size_t id_count)
{
    size_t size = p->has_properties ? mqtt_properties_size(&p->properties, IN_PUBLISH) : 0;
    for (size_t i = 0; i < id_count; i++)
        size += mqtt_varint_property_size(ids[i]);
    return size + p->encoded.n;
}

static size_t fields_size(const struct mqtt_publish *p)
{
    return mqtt_string_size(p->topic) + (p->qos ? 2 : 0) + p->payload.n;
}

size_t mqtt_size_publish(const struct mqtt_publish *p, enum mqtt_version v, const uint32_t *ids,
                         size_t id_count)
{
    size_t body = fields_size(p);
    if (v == MQTT_5_0)
        body += mqtt_block_size(properties_size(p, ids, id_count));
    return mqtt_packet_size(body);
}

size_t mqtt_encode_publish_head(const struct mqtt_publish *p, enum mqtt_version v,
                                const uint32_t *ids, size_t id_count, uint8_t *out)
{
    size_t properties = v == MQTT_5_0 ? properties_size(p, ids, id_count) : 0;
    size_t block = v == MQTT_5_0 ? mqtt_block_size(properties) : 0;
    unsigned flags = (unsigned)p->is_dup << 3 | (unsigned)p->qos << 1 | p->is_retained;
    uint8_t *at = mqtt_put_header(out, MQTT_PUBLISH, flags, fields_size(p) + block);
    at = mqtt_put_string(at, p->topic);
    if (p->qos)
        at = mqtt_put_u16(at, p->packet_id);
    if (v == MQTT_5_0)
        at = mqtt_put_varint(at, properties);
    if (properties && p->has_properties)
        at = mqtt_properties_put(at, &p->properties, IN_PUBLISH);
    for (size_t i = 0; properties && i < id_count; i++) {
        at = mqtt_put_u8(at, MQTT_PROP_SUBSCRIPTION_ID);
        at = mqtt_put_varint(at, ids[i]);
    }
    if (properties)
        at = mqtt_put_bytes(at, p->encoded);
    return (size_t)(at - out);
}

size_t mqtt_encode_publish(const struct mqtt_publish *p, enum mqtt_version v, const uint32_t *ids,
                           size_t id_count, uint8_t *out)
{
    size_t head = mqtt_encode_publish_head(p, v, ids, id_count, out);
    return (size_t)(mqtt_put_bytes(out + head, p->payload) - out);
}
