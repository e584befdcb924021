/* What the codec's tests share: packets written as text, one decoder and encoder for them all. */
#ifndef TRACKWIRE_TESTS_MQTT_SUPPORT_H
#define TRACKWIRE_TESTS_MQTT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mqtt/codec.h"

/* Bytes from text: hex digits; <text> a string with its length in front, 'text' without; [ ] a
 * property block with its length in front (below 128); blanks mean nothing. The memory is exactly
 * as long as the bytes, so that a sanitizer sees any read past them. Free with bytes_free. */
struct span bytes_of(const char *text);
/* The same for a packet: after the first byte the remaining length is filled in. */
struct span packet_of(const char *text);
/* A copy of `s` in memory of exactly its length. */
struct span bytes_copy(struct span s);
void bytes_free(struct span *bytes);

/* Any decoded packet. */
struct any_packet {
    struct mqtt_frame frame;
    union {
        struct mqtt_connect connect;
        struct mqtt_connack connack;
        struct mqtt_publish publish;
        struct mqtt_ack ack;
        struct mqtt_subscribe subscribe;
        struct mqtt_suback suback;
        struct mqtt_unsubscribe unsubscribe;
        struct mqtt_disconnect disconnect;
    };
};

/* Frames and decodes the first packet of `in`. The packet's length, 0 when more bytes are needed,
 * or the error. */
int decode_any(struct span in, enum mqtt_version v, bool from_client, struct any_packet *ret);
/* Decodes the body of a packet that was framed. */
int decode_framed(enum mqtt_version v, bool from_client, struct any_packet *p);
/* Encodes it again, with subscription identifiers; checks that size and length agree. */
struct span encode_any(const struct any_packet *p, enum mqtt_version v);
/* The property block of the packet (of CONNECT: not the will's), NULL when it has none. */
const struct mqtt_properties *properties_of(const struct any_packet *p);

#define assert_span(s, text) assert_span_(s, text, __FILE__, __LINE__)
void assert_span_(struct span s, const char *text, const char *file, int line);

#endif
