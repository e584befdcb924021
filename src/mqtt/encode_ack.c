/* Writes PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5.0 3.4 to 3.7), in the shortest form that says
 * the same: two bytes of body for success, three for a bare reason. */
#include "mqtt/codec_internal.h"

#define IN_ACK (IN_PUBACK | IN_PUBREC | IN_PUBREL | IN_PUBCOMP)
#define FLAGS_PUBREL 2u

static size_t ack_body(const struct mqtt_ack *p, enum mqtt_version v, size_t properties)
{
    if (v != MQTT_5_0 || (p->reason == MQTT_SUCCESS && properties == 0))
        return 2;
    return properties == 0 ? 3 : 3 + mqtt_block_size(properties);
}

size_t mqtt_size_ack(const struct mqtt_ack *p, enum mqtt_version v)
{
    return mqtt_packet_size(ack_body(p, v, mqtt_properties_size(&p->properties, IN_ACK)));
}

size_t mqtt_encode_ack(enum mqtt_type type, const struct mqtt_ack *p, enum mqtt_version v,
                       uint8_t *out)
{
    size_t properties = mqtt_properties_size(&p->properties, IN_ACK);
    size_t body = ack_body(p, v, properties);
    uint8_t *at = mqtt_put_header(out, type, type == MQTT_PUBREL ? FLAGS_PUBREL : 0, body);
    at = mqtt_put_u16(at, p->packet_id);
    if (body > 2)
        at = mqtt_put_u8(at, p->reason);
    if (body > 3)
        at = mqtt_put_block(at, &p->properties, IN_ACK);
    return (size_t)(at - out);
}
