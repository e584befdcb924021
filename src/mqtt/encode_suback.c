/* Writes SUBACK and UNSUBACK (MQTT 5.0 3.9, 3.11). Takes reason codes of 5.0 for every version: the
 * only failure that 3.x knows is 0x80. */
#include "mqtt/codec_internal.h"

#define IN_BOTH (IN_SUBACK | IN_UNSUBACK)
#define FAILURE 0x80u

static bool has_reasons(enum mqtt_type type, enum mqtt_version v)
{
    return type == MQTT_SUBACK || v == MQTT_5_0;
}

static size_t suback_body(enum mqtt_type type, const struct mqtt_suback *p, enum mqtt_version v)
{
    size_t block =
        v == MQTT_5_0 ? mqtt_block_size(mqtt_properties_size(&p->properties, IN_BOTH)) : 0;
    return 2 + block + (has_reasons(type, v) ? p->reasons.n : 0);
}

size_t mqtt_size_suback(enum mqtt_type type, const struct mqtt_suback *p, enum mqtt_version v)
{
    return mqtt_packet_size(suback_body(type, p, v));
}

size_t mqtt_encode_suback(enum mqtt_type type, const struct mqtt_suback *p, enum mqtt_version v,
                          uint8_t *out)
{
    uint8_t *at = mqtt_put_header(out, type, 0, suback_body(type, p, v));
    at = mqtt_put_u16(at, p->packet_id);
    if (v == MQTT_5_0) {
        at = mqtt_put_block(at, &p->properties, IN_BOTH);
        return (size_t)(mqtt_put_bytes(at, p->reasons) - out);
    }
    for (size_t i = 0; has_reasons(type, v) && i < p->reasons.n; i++)
        at = mqtt_put_u8(at, p->reasons.p[i] < FAILURE ? p->reasons.p[i] : FAILURE);
    return (size_t)(at - out);
}
