/* What the decoders and encoders of this folder share: primitive fields, property blocks, the table
 * of reason codes. Not for other folders. */
#ifndef TRACKWIRE_MQTT_CODEC_INTERNAL_H
#define TRACKWIRE_MQTT_CODEC_INTERNAL_H

#include "base/reader.h"
#include "mqtt/codec.h"

#define MQTT_BODY_MAX 268435455u
/* Added to a body's size when it can be written in no packet: makes the sum too large. */
#define MQTT_BODY_IMPOSSIBLE (MQTT_BODY_MAX + 1u)

/* Where a property may be, and who may send a reason code: one bit each. Bit n is packet type n,
 * and where the sender matters, the client's packet of that type. */
enum mqtt_carrier {
    IN_WILL = 1 << 0,
    IN_CONNECT = 1 << MQTT_CONNECT,
    IN_CONNACK = 1 << MQTT_CONNACK,
    IN_PUBLISH = 1 << MQTT_PUBLISH,
    IN_PUBACK = 1 << MQTT_PUBACK,
    IN_PUBREC = 1 << MQTT_PUBREC,
    IN_PUBREL = 1 << MQTT_PUBREL,
    IN_PUBCOMP = 1 << MQTT_PUBCOMP,
    IN_SUBSCRIBE = 1 << MQTT_SUBSCRIBE,
    IN_SUBACK = 1 << MQTT_SUBACK,
    IN_UNSUBSCRIBE = 1 << MQTT_UNSUBSCRIBE,
    IN_UNSUBACK = 1 << MQTT_UNSUBACK,
    IN_DISCONNECT = 1 << MQTT_DISCONNECT,
    IN_AUTH = 1 << MQTT_AUTH,
    IN_PUBLISH_BY_SERVER = 1 << 16,
    IN_DISCONNECT_BY_SERVER = 1 << 17,
};

/* True when the standard lists `reason` for that packet (and sender). */
bool mqtt_reason_is_allowed(uint8_t reason, enum mqtt_carrier carrier);
/* The v5 reason code that says what a return code of 3.x says; `return_code` is 0 to 5. */
uint8_t mqtt_reason_of_return_code(uint8_t return_code);

/* Reads the property length and the properties after it. On success `ret` is whole and `r` behind
 * the block. */
int mqtt_properties_decode(struct reader *r, enum mqtt_carrier carrier,
                           struct mqtt_properties *ret) MUST_USE;
/* Bytes of the properties in `p` that `carriers` may hold, without the property length in front;
 * the others are left out. Of `p->raw` only the user properties count. */
size_t mqtt_properties_size(const struct mqtt_properties *p, uint32_t carriers);
/* Writes just these and returns the place behind them. */
uint8_t *mqtt_properties_put(uint8_t *out, const struct mqtt_properties *p, uint32_t carriers);

/* No properties, without touching the members that only `present` gives a meaning. */
static inline void mqtt_properties_none(struct mqtt_properties *p)
{
    p->present = 0;
    p->subscription_id_count = 0;
    p->user_count = 0;
    p->raw = (struct span){NULL, 0};
}

enum mqtt_varint {
    MQTT_VARINT_OK,
    MQTT_VARINT_CUT,      /* the reader ended first */
    MQTT_VARINT_TOO_LONG, /* the fourth byte says that a fifth follows */
    MQTT_VARINT_OVERLONG, /* the last byte adds nothing (MQTT 5.0 1.5.5) */
};

/* Variable byte integer: seven bits a byte, least significant first, high bit: more follow. */
static inline enum mqtt_varint mqtt_varint_read(struct reader *r, uint32_t *ret)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = rd_u8(r);
        if (r->is_failed)
            return MQTT_VARINT_CUT;
        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *ret = value;
            return byte == 0 && shift > 0 ? MQTT_VARINT_OVERLONG : MQTT_VARINT_OK;
        }
    }
    return MQTT_VARINT_TOO_LONG;
}

/* Text or binary data with its length in front; an empty span on failure. */
static inline struct span mqtt_string_read(struct reader *r)
{
    uint16_t n = rd_u16be(r);
    return rd_bytes(r, n);
}

static inline struct span mqtt_rest_read(struct reader *r)
{
    return rd_bytes(r, rd_left(r));
}

static inline size_t mqtt_varint_size(size_t value)
{
    return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4;
}

static inline size_t mqtt_string_size(struct span s)
{
    return s.n <= UINT16_MAX ? 2 + s.n : MQTT_BODY_IMPOSSIBLE;
}

/* Properties of `size` bytes with their length in front. */
static inline size_t mqtt_block_size(size_t size)
{
    return mqtt_varint_size(size) + size;
}

static inline size_t mqtt_varint_property_size(uint32_t value)
{
    return value <= MQTT_BODY_MAX ? 1 + mqtt_varint_size(value) : MQTT_BODY_IMPOSSIBLE;
}

/* The whole packet's size, 0 when its body is too large. */
static inline size_t mqtt_packet_size(size_t body)
{
    return body <= MQTT_BODY_MAX ? 1 + mqtt_varint_size(body) + body : 0;
}

/* The put functions write at `out` and return the place behind what they wrote. */
static inline uint8_t *mqtt_put_u8(uint8_t *out, uint8_t value)
{
    *out = value;
    return out + 1;
}

static inline uint8_t *mqtt_put_u16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return out + 2;
}

static inline uint8_t *mqtt_put_u32(uint8_t *out, uint32_t value)
{
    out = mqtt_put_u16(out, (uint16_t)(value >> 16));
    return mqtt_put_u16(out, (uint16_t)value);
}

static inline uint8_t *mqtt_put_varint(uint8_t *out, size_t value)
{
    for (; value > 127; value >>= 7)
        *out++ = (uint8_t)(value | 0x80);
    *out++ = (uint8_t)value;
    return out;
}

static inline uint8_t *mqtt_put_bytes(uint8_t *out, struct span s)
{
    if (s.n)
        memcpy(out, s.p, s.n);
    return out + s.n;
}

static inline uint8_t *mqtt_put_string(uint8_t *out, struct span s)
{
    return mqtt_put_bytes(mqtt_put_u16(out, (uint16_t)s.n), s);
}

/* Properties with their length in front. */
static inline uint8_t *mqtt_put_block(uint8_t *out, const struct mqtt_properties *p,
                                      uint32_t carriers)
{
    out = mqtt_put_varint(out, mqtt_properties_size(p, carriers));
    return mqtt_properties_put(out, p, carriers);
}

/* The fixed header; `body` is at most MQTT_BODY_MAX. */
static inline uint8_t *mqtt_put_header(uint8_t *out, enum mqtt_type type, unsigned flags,
                                       size_t body)
{
    return mqtt_put_varint(mqtt_put_u8(out, (uint8_t)((unsigned)type << 4 | flags)), body);
}

#endif
