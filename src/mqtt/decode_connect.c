/* CONNECT (MQTT 5.0 3.1), the first packet of a connection and the only one that says its version
 * itself. Judges what can be judged from the packet alone; whether this client may connect is the
 * broker's question.
 *
 *     | name | level | flags | keep alive:2 | properties (5.0) | client id |
 *     | will properties (5.0) | will topic | will payload | user name | password |
 */
#include "mqtt/codec_internal.h"

#include "base/utf8.h"
#include "mqtt/topic.h"

#define LEVEL_BRIDGE 0x80u

enum connect_flag {
    FLAG_RESERVED = 0x01,
    FLAG_CLEAN = 0x02,
    FLAG_WILL = 0x04,
    FLAG_WILL_QOS = 0x18,
    FLAG_WILL_RETAIN = 0x20,
    FLAG_PASSWORD = 0x40,
    FLAG_USER_NAME = 0x80,
};
#define WILL_QOS_SHIFT 3

/* Which names and levels belong together; the bridge bit is used with the levels of 3.x only. */
static const struct {
    struct span name;
    uint8_t level;
    bool may_be_bridge;
} protocols[] = {
    {{(const uint8_t *)"MQIsdp", 6}, MQTT_3_1, true},
    {{(const uint8_t *)"MQTT", 4}, MQTT_3_1_1, true},
    {{(const uint8_t *)"MQTT", 4}, MQTT_5_0, false},
};

static int decode_protocol(struct reader *r, struct mqtt_connect *c)
{
    struct span name = mqtt_string_read(r);
    uint8_t level = rd_u8(r);
    if (r->is_failed)
        return err_raise(ERR_MQTT_CONNECT_SHORT);
    bool is_name_known = false;
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (!span_equal(name, protocols[i].name))
            continue;
        is_name_known = true;
        bool is_bridge = protocols[i].may_be_bridge && (level & LEVEL_BRIDGE);
        if ((is_bridge ? level & ~LEVEL_BRIDGE : level) != protocols[i].level)
            continue;
        c->version = (enum mqtt_version)protocols[i].level;
        c->is_bridge = is_bridge;
        return 0;
    }
    return err_raise(is_name_known ? ERR_MQTT_PROTOCOL_LEVEL : ERR_MQTT_PROTOCOL_NAME);
}

static int decode_flags(uint8_t flags, struct mqtt_connect *c)
{
    /* MQTT 3.1 calls the bit unused and sets no rule. */
    if (flags & FLAG_RESERVED && c->version != MQTT_3_1)
        return err_raise(ERR_MQTT_CONNECT_RESERVED);
    /* MQTT 3.1 3.1: without the will flag the other bits of the will are disregarded. */
    if (!(flags & FLAG_WILL) && c->version == MQTT_3_1)
        flags &= (uint8_t) ~(FLAG_WILL_QOS | FLAG_WILL_RETAIN);
    if ((flags & FLAG_WILL_QOS) == FLAG_WILL_QOS)
        return err_raise(ERR_MQTT_WILL_QOS);
    if (!(flags & FLAG_WILL) && flags & (FLAG_WILL_QOS | FLAG_WILL_RETAIN))
        return err_raise(ERR_MQTT_WILL_FLAGS);
    if (flags & FLAG_PASSWORD && !(flags & FLAG_USER_NAME) && c->version != MQTT_5_0)
        return err_raise(ERR_MQTT_PASSWORD_ALONE);
    c->is_clean = flags & FLAG_CLEAN;
    c->has_will = flags & FLAG_WILL;
    c->has_user_name = flags & FLAG_USER_NAME;
    c->has_password = flags & FLAG_PASSWORD;
    c->will.qos = (uint8_t)((flags & FLAG_WILL_QOS) >> WILL_QOS_SHIFT);
    c->will.is_retained = flags & FLAG_WILL_RETAIN;
    return 0;
}

static int decode_will(struct reader *r, enum mqtt_version v, struct mqtt_will *will)
{
    if (v == MQTT_5_0) {
        int err = mqtt_properties_decode(r, IN_WILL, &will->properties);
        if (err < 0)
            return err;
    }
    will->topic = mqtt_string_read(r);
    will->payload = mqtt_string_read(r);
    if (r->is_failed)
        return err_raise(ERR_MQTT_CONNECT_SHORT);
    if (!utf8_is_valid_mqtt(will->topic))
        return err_raise(ERR_MQTT_WILL_TOPIC_UTF8);
    int err = topic_name_check(will->topic);
    if (err < 0)
        return err;
    bool is_text = mqtt_has(&will->properties, MQTT_PROP_PAYLOAD_FORMAT) &&
                   will->properties.payload_format == 1;
    return is_text && !utf8_is_valid(will->payload) ? err_raise(ERR_MQTT_WILL_PAYLOAD) : 0;
}

/* MQTT 3.1 3.1: the remaining length wins over the flags, a missing user name or password is no
 * error. */
static bool is_there(const struct reader *r, bool is_announced, enum mqtt_version v)
{
    return is_announced && (v != MQTT_3_1 || rd_left(r) > 0);
}

static int decode_login(struct reader *r, struct mqtt_connect *c)
{
    c->has_user_name = is_there(r, c->has_user_name, c->version);
    if (c->has_user_name)
        c->user_name = mqtt_string_read(r);
    c->has_password = is_there(r, c->has_password, c->version);
    if (c->has_password)
        c->password = mqtt_string_read(r);
    if (r->is_failed)
        return err_raise(ERR_MQTT_CONNECT_SHORT);
    return utf8_is_valid_mqtt(c->user_name) ? 0 : err_raise(ERR_MQTT_USER_NAME_UTF8);
}

static int decode_payload(struct reader *r, struct mqtt_connect *c)
{
    c->client_id = mqtt_string_read(r);
    if (r->is_failed)
        return err_raise(ERR_MQTT_CONNECT_SHORT);
    if (!utf8_is_valid_mqtt(c->client_id))
        return err_raise(ERR_MQTT_CLIENT_ID_UTF8);
    if (c->has_will) {
        int err = decode_will(r, c->version, &c->will);
        if (err < 0)
            return err;
    }
    int err = decode_login(r, c);
    if (err < 0)
        return err;
    return rd_is_done(r) ? 0 : err_raise(ERR_MQTT_CONNECT_TRAILING);
}

int mqtt_decode_connect(const struct mqtt_frame *f, struct mqtt_connect *ret)
{
    *ret = (struct mqtt_connect){0};
    struct reader r = reader_of(f->body);
    int err = decode_protocol(&r, ret);
    if (err < 0)
        return err;
    uint8_t flags = rd_u8(&r);
    ret->keep_alive_s = rd_u16be(&r);
    if (r.is_failed)
        return err_raise(ERR_MQTT_CONNECT_SHORT);
    err = decode_flags(flags, ret);
    if (err == 0 && ret->version == MQTT_5_0)
        err = mqtt_properties_decode(&r, IN_CONNECT, &ret->properties);
    return err < 0 ? err : decode_payload(&r, ret);
}
