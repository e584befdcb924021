/* The framer: cuts packets out of the byte stream by their fixed header (MQTT 5.0 2.1). First step
 * of the codec, before anybody knows the connection's version; must not look into bodies.
 *
 *     | type:4 flags:4 | remaining length, 1 to 4 bytes | body ... |
 */
#include "mqtt/codec_internal.h"

/* Bit n of `flags`: the packet type allows the flags n. PUBLISH: all but QoS 3 and DUP at QoS 0.
 * MQTT 3.1 lets DUP be set on PUBREL, SUBSCRIBE and UNSUBSCRIBE; the decoders, which know the
 * version, refuse it in 3.1.1 and 5.0. */
static const struct {
    const char *name;
    uint16_t flags;
} types[16] = {
    [0] = {"reserved", 0},
    [MQTT_CONNECT] = {"CONNECT", 1 << 0},
    [MQTT_CONNACK] = {"CONNACK", 1 << 0},
    [MQTT_PUBLISH] = {"PUBLISH", 0x3C3F},
    [MQTT_PUBACK] = {"PUBACK", 1 << 0},
    [MQTT_PUBREC] = {"PUBREC", 1 << 0},
    [MQTT_PUBREL] = {"PUBREL", 1 << 2 | 1 << 10},
    [MQTT_PUBCOMP] = {"PUBCOMP", 1 << 0},
    [MQTT_SUBSCRIBE] = {"SUBSCRIBE", 1 << 2 | 1 << 10},
    [MQTT_SUBACK] = {"SUBACK", 1 << 0},
    [MQTT_UNSUBSCRIBE] = {"UNSUBSCRIBE", 1 << 2 | 1 << 10},
    [MQTT_UNSUBACK] = {"UNSUBACK", 1 << 0},
    [MQTT_PINGREQ] = {"PINGREQ", 1 << 0},
    [MQTT_PINGRESP] = {"PINGRESP", 1 << 0},
    [MQTT_DISCONNECT] = {"DISCONNECT", 1 << 0},
    [MQTT_AUTH] = {"AUTH", 1 << 0},
};

const char *mqtt_type_name(enum mqtt_type type)
{
    return (unsigned)type < 16 ? types[type].name : types[0].name;
}

static int refuse_first_byte(const struct mqtt_frame *f)
{
    if (f->type == 0)
        return err_raise(ERR_MQTT_TYPE_RESERVED);
    if (f->type != MQTT_PUBLISH)
        return err_raise(ERR_MQTT_FLAGS);
    bool is_qos_3 = (f->flags & 6) == 6;
    return err_raise(is_qos_3 ? ERR_MQTT_PUBLISH_QOS : ERR_MQTT_PUBLISH_DUP);
}

int mqtt_frame(struct span in, size_t packet_max, struct mqtt_frame *ret)
{
    *ret = (struct mqtt_frame){0};
    if (in.n == 0)
        return 0;
    struct reader r = reader_of(in);
    uint8_t first = rd_u8(&r);
    ret->type = (enum mqtt_type)(first >> 4);
    ret->flags = first & 15;
    if (!(types[ret->type].flags >> ret->flags & 1))
        return refuse_first_byte(ret);

    uint32_t length = 0;
    switch (mqtt_varint_read(&r, &length)) {
    case MQTT_VARINT_OK:
        break;
    case MQTT_VARINT_CUT:
        return 0;
    case MQTT_VARINT_TOO_LONG:
        return err_raise(ERR_MQTT_LENGTH_TOO_LONG);
    case MQTT_VARINT_OVERLONG:
        return err_raise(ERR_MQTT_LENGTH_OVERLONG);
    }
    ret->total = in.n - rd_left(&r) + length;
    if (ret->total > packet_max)
        return err_raise(ERR_MQTT_PACKET_TOO_LARGE);
    if (length > rd_left(&r))
        return 0;
    ret->body = rd_bytes(&r, length);
    return (int)ret->total;
}
