/* SUBACK and UNSUBACK (MQTT 5.0 3.9, 3.11). Read by tests, tools and our outgoing connections.
 *
 *     | packet id:2 | properties (5.0) | reason code per filter (not in UNSUBACK before 5.0) |
 */
#include "mqtt/codec_internal.h"

static bool is_reason(uint8_t reason, enum mqtt_type type, enum mqtt_version v)
{
    if (v == MQTT_5_0)
        return mqtt_reason_is_allowed(reason, (enum mqtt_carrier)(1 << type));
    return reason <= MQTT_GRANTED_QOS2 || reason == MQTT_UNSPECIFIED_ERROR;
}

static int check_reasons(struct span reasons, enum mqtt_type type, enum mqtt_version v)
{
    if (v != MQTT_5_0 && type == MQTT_UNSUBACK)
        return reasons.n == 0 ? 0 : err_raise(ERR_MQTT_UNSUBACK_TRAILING);
    if (reasons.n == 0)
        return err_raise(ERR_MQTT_SUBACK_EMPTY);
    for (size_t i = 0; i < reasons.n; i++) {
        if (!is_reason(reasons.p[i], type, v))
            return err_raise(ERR_MQTT_SUBACK_REASON);
    }
    return 0;
}

int mqtt_decode_suback(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_suback *ret)
{
    struct reader r = reader_of(f->body);
    ret->packet_id = rd_u16be(&r);
    mqtt_properties_none(&ret->properties);
    if (r.is_failed)
        return err_raise(ERR_MQTT_SUBACK_SHORT);
    if (ret->packet_id == 0)
        return err_raise(ERR_MQTT_SUBACK_ID);
    enum mqtt_carrier carrier = (enum mqtt_carrier)(1 << f->type);
    int err = v == MQTT_5_0 ? mqtt_properties_decode(&r, carrier, &ret->properties) : 0;
    if (err < 0)
        return err;
    ret->reasons = mqtt_rest_read(&r);
    return check_reasons(ret->reasons, f->type, v);
}
