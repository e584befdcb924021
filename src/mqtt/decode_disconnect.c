/* DISCONNECT and AUTH (MQTT 5.0 3.14, 3.15): the same shape, different rules.
 *
 *     | reason (5.0, may be missing) | properties (5.0, may be missing) |
 */
#include "mqtt/codec_internal.h"

int mqtt_decode_disconnect(const struct mqtt_frame *f, enum mqtt_version v, bool from_client,
                           struct mqtt_disconnect *ret)
{
    ret->reason = MQTT_SUCCESS;
    mqtt_properties_none(&ret->properties);
    if (v != MQTT_5_0) {
        if (!from_client)
            return err_raise(ERR_MQTT_DISCONNECT_SENDER);
        return f->body.n == 0 ? 0 : err_raise(ERR_MQTT_DISCONNECT_BODY);
    }
    enum mqtt_carrier carrier = from_client ? IN_DISCONNECT : IN_DISCONNECT_BY_SERVER;
    struct reader r = reader_of(f->body);
    if (rd_left(&r) > 0)
        ret->reason = rd_u8(&r);
    if (!mqtt_reason_is_allowed(ret->reason, carrier))
        return err_raise(ERR_MQTT_DISCONNECT_REASON);
    if (rd_left(&r) > 0) {
        int err = mqtt_properties_decode(&r, carrier, &ret->properties);
        if (err < 0)
            return err;
    }
    return rd_is_done(&r) ? 0 : err_raise(ERR_MQTT_DISCONNECT_TRAILING);
}

int mqtt_decode_auth(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_disconnect *ret)
{
    ret->reason = MQTT_SUCCESS;
    mqtt_properties_none(&ret->properties);
    if (v != MQTT_5_0)
        return err_raise(ERR_MQTT_AUTH_VERSION);
    /* MQTT 5.0 3.15.2.1: "success" without properties may be left out, all of it or nothing. */
    if (f->body.n == 0)
        return 0;
    struct reader r = reader_of(f->body);
    ret->reason = rd_u8(&r);
    if (!mqtt_reason_is_allowed(ret->reason, IN_AUTH))
        return err_raise(ERR_MQTT_AUTH_REASON);
    int err = mqtt_properties_decode(&r, IN_AUTH, &ret->properties);
    if (err < 0)
        return err;
    if (!rd_is_done(&r))
        return err_raise(ERR_MQTT_AUTH_TRAILING);
    if (!mqtt_has(&ret->properties, MQTT_PROP_AUTH_METHOD))
        return err_raise(ERR_MQTT_AUTH_METHOD);
    return 0;
}
