/* PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5.0 3.4 to 3.7): one shape. Whether the identifier is
 * one that waits for this acknowledgement is the session's question.
 *
 *     | packet id:2 | reason (5.0, may be missing) | properties (5.0, may be missing) |
 */
#include "mqtt/codec_internal.h"

#define FLAG_DUP 8u

static int decode_reason(struct reader *r, enum mqtt_type type, struct mqtt_ack *ack)
{
    enum mqtt_carrier carrier = (enum mqtt_carrier)(1 << type);
    if (rd_left(r) > 0)
        ack->reason = rd_u8(r);
    if (!mqtt_reason_is_allowed(ack->reason, carrier))
        return err_raise(ERR_MQTT_ACK_REASON);
    return rd_left(r) > 0 ? mqtt_properties_decode(r, carrier, &ack->properties) : 0;
}

int mqtt_decode_ack(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_ack *ret)
{
    if (f->flags & FLAG_DUP && v != MQTT_3_1)
        return err_raise(ERR_MQTT_PUBREL_FLAGS);
    struct reader r = reader_of(f->body);
    ret->packet_id = rd_u16be(&r);
    ret->reason = MQTT_SUCCESS;
    mqtt_properties_none(&ret->properties);
    if (r.is_failed)
        return err_raise(ERR_MQTT_ACK_LENGTH);
    if (ret->packet_id == 0)
        return err_raise(ERR_MQTT_ACK_ID);
    int err = v == MQTT_5_0 ? decode_reason(&r, f->type, ret) : 0;
    if (err < 0)
        return err;
    return rd_is_done(&r) ? 0 : err_raise(ERR_MQTT_ACK_LENGTH);
}
