/* Writes CONNECT and CONNACK (MQTT 5.0 3.1, 3.2). CONNACK is the broker's first answer; CONNECT is
 * for outgoing connections, tools and tests. */
#include "mqtt/codec_internal.h"

#define LEVEL_BRIDGE 0x80u

static struct span protocol_name(enum mqtt_version v)
{
    return v == MQTT_3_1 ? SPAN_LIT("MQIsdp") : SPAN_LIT("MQTT");
}

static size_t will_size(const struct mqtt_will *will, enum mqtt_version v)
{
    size_t size = mqtt_string_size(will->topic) + mqtt_string_size(will->payload);
    if (v == MQTT_5_0)
        size += mqtt_block_size(mqtt_properties_size(&will->properties, IN_WILL));
    return size;
}

static size_t connect_body(const struct mqtt_connect *p)
{
    size_t size = mqtt_string_size(protocol_name(p->version)) + 4; /* level, flags, keep alive */
    if (p->version == MQTT_5_0)
        size += mqtt_block_size(mqtt_properties_size(&p->properties, IN_CONNECT));
    size += mqtt_string_size(p->client_id);
    if (p->has_will)
        size += will_size(&p->will, p->version);
    if (p->has_user_name)
        size += mqtt_string_size(p->user_name);
    if (p->has_password)
        size += mqtt_string_size(p->password);
    return size;
}

size_t mqtt_size_connect(const struct mqtt_connect *p)
{
    return mqtt_packet_size(connect_body(p));
}

static uint8_t connect_flags(const struct mqtt_connect *p)
{
    unsigned flags = (unsigned)p->has_user_name << 7 | (unsigned)p->has_password << 6 |
                     (unsigned)p->has_will << 2 | (unsigned)p->is_clean << 1;
    if (p->has_will)
        flags |= (unsigned)p->will.is_retained << 5 | (unsigned)p->will.qos << 3;
    return (uint8_t)flags;
}

static uint8_t *put_will(uint8_t *out, const struct mqtt_will *will, enum mqtt_version v)
{
    if (v == MQTT_5_0)
        out = mqtt_put_block(out, &will->properties, IN_WILL);
    return mqtt_put_string(mqtt_put_string(out, will->topic), will->payload);
}

size_t mqtt_encode_connect(const struct mqtt_connect *p, uint8_t *out)
{
    uint8_t *at = mqtt_put_header(out, MQTT_CONNECT, 0, connect_body(p));
    at = mqtt_put_string(at, protocol_name(p->version));
    bool is_bridge = p->is_bridge && p->version != MQTT_5_0;
    at = mqtt_put_u8(at, (uint8_t)((unsigned)p->version | (is_bridge ? LEVEL_BRIDGE : 0)));
    at = mqtt_put_u8(at, connect_flags(p));
    at = mqtt_put_u16(at, p->keep_alive_s);
    if (p->version == MQTT_5_0)
        at = mqtt_put_block(at, &p->properties, IN_CONNECT);
    at = mqtt_put_string(at, p->client_id);
    if (p->has_will)
        at = put_will(at, &p->will, p->version);
    if (p->has_user_name)
        at = mqtt_put_string(at, p->user_name);
    if (p->has_password)
        at = mqtt_put_string(at, p->password);
    return (size_t)(at - out);
}

static size_t connack_body(const struct mqtt_connack *p, enum mqtt_version v)
{
    if (v != MQTT_5_0)
        return 2;
    return 2 + mqtt_block_size(mqtt_properties_size(&p->properties, IN_CONNACK));
}

size_t mqtt_size_connack(const struct mqtt_connack *p, enum mqtt_version v)
{
    return mqtt_packet_size(connack_body(p, v));
}

size_t mqtt_encode_connack(const struct mqtt_connack *p, enum mqtt_version v, uint8_t *out)
{
    /* MQTT 5.0 3.2.2-6: a refusal never says that a session is present; 3.1 has no such flag. */
    bool says_session = p->session_present && p->reason == MQTT_SUCCESS && v != MQTT_3_1;
    uint8_t *at = mqtt_put_header(out, MQTT_CONNACK, 0, connack_body(p, v));
    at = mqtt_put_u8(at, says_session);
    at = mqtt_put_u8(at, v == MQTT_5_0 ? p->reason : mqtt_return_code(p->reason));
    if (v == MQTT_5_0)
        at = mqtt_put_block(at, &p->properties, IN_CONNACK);
    return (size_t)(at - out);
}
