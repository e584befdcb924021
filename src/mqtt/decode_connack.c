/* CONNACK (MQTT 5.0 3.2): what a server answers. Read by tests, tools and our outgoing connections;
 * return codes of 3.x become the reason codes of 5.0.
 *
 *     | 0:7 session present:1 | reason | properties (5.0) |
 */
#include "mqtt/codec_internal.h"

#define RETURN_CODE_MAX 5

static int decode_reason(uint8_t code, enum mqtt_version v, uint8_t *ret)
{
    bool is_listed =
        v == MQTT_5_0 ? mqtt_reason_is_allowed(code, IN_CONNACK) : code <= RETURN_CODE_MAX;
    if (!is_listed)
        return err_raise(ERR_MQTT_CONNACK_REASON);
    *ret = v == MQTT_5_0 ? code : mqtt_reason_of_return_code(code);
    return 0;
}

int mqtt_decode_connack(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_connack *ret)
{
    struct reader r = reader_of(f->body);
    uint8_t flags = rd_u8(&r);
    uint8_t code = rd_u8(&r);
    if (r.is_failed)
        return err_raise(ERR_MQTT_CONNACK_LENGTH);
    if (v == MQTT_3_1)
        flags = 0; /* a reserved byte there, without a rule */
    if (flags > 1)
        return err_raise(ERR_MQTT_CONNACK_FLAGS);
    int err = decode_reason(code, v, &ret->reason);
    if (err < 0)
        return err;
    ret->session_present = flags;
    if (ret->session_present && ret->reason != MQTT_SUCCESS)
        return err_raise(ERR_MQTT_CONNACK_SESSION);
    mqtt_properties_none(&ret->properties);
    if (v == MQTT_5_0)
        err = mqtt_properties_decode(&r, IN_CONNACK, &ret->properties);
    if (err < 0)
        return err;
    return rd_is_done(&r) ? 0 : err_raise(ERR_MQTT_CONNACK_LENGTH);
}
