/* Bytes to packets and back, for MQTT 3.1, 3.1.1 and 5.0, both directions. Pure: no allocation, no
 * I/O, no state. Strict: whatever the standard forbids is refused, each refusal with its own error,
 * counted by err_raise at the place that refuses; err_mqtt_reason() gives the reason code. Any
 * thread. */
#ifndef TRACKWIRE_MQTT_CODEC_H
#define TRACKWIRE_MQTT_CODEC_H

#include "mqtt/packet.h"

/* Cuts the first packet from `in`. Returns its whole length when it is all there, 0 when more bytes
 * are needed, or an error: reserved packet type, flags that the type does not allow (MQTT 5.0
 * 2.1.3), a remaining length of five bytes or written longer than needed (MQTT 5.0 1.5.5), a packet
 * over `packet_max` bytes (told by its header, before its body came). `ret->type` and `ret->flags`
 * are set from the first byte on, also when more are needed, so that a connection that must begin
 * with CONNECT can be closed at once; `ret->total` as soon as the fixed header is there, else 0. */
int mqtt_frame(struct span in, size_t packet_max, struct mqtt_frame *ret) MUST_USE;

/* Decoders take a frame that mqtt_frame cut (its flags are those that the type allows) and return 0
 * or an error; what they return points into the body. They fill `ret` as they go: after an error it
 * means nothing. `from_client` in properties and reason codes: a server decodes what clients may
 * send, tests and tools decode the rest. */

/* Exception: `ret->version` is set once the protocol level was accepted, else 0, also when the rest
 * is refused: it tells in which form to answer. An empty client id is for the caller to judge. In
 * MQTT 3.1 a user name or password that is announced and missing counts as not announced, as that
 * standard wants. */
int mqtt_decode_connect(const struct mqtt_frame *f, struct mqtt_connect *ret) MUST_USE;
int mqtt_decode_connack(const struct mqtt_frame *f, enum mqtt_version v,
                        struct mqtt_connack *ret) MUST_USE;
/* Refuses a topic that topic_name_check refuses, an empty topic without alias, subscription
 * identifiers when `from_client`. Validates UTF-8 of the topic. The payload is not looked at,
 * unless the payload format property says UTF-8. */
int mqtt_decode_publish(const struct mqtt_frame *f, enum mqtt_version v, bool from_client,
                        struct mqtt_publish *ret) MUST_USE;
int mqtt_decode_ack(const struct mqtt_frame *f, enum mqtt_version v, struct mqtt_ack *ret) MUST_USE;
/* Checks that the list of filters is whole, each valid UTF-8 and options legal, without judging
 * the filter's wildcards: that is topic_filter_parse, whose failure is a reason code in SUBACK. */
int mqtt_decode_subscribe(const struct mqtt_frame *f, enum mqtt_version v,
                          struct mqtt_subscribe *ret) MUST_USE;
int mqtt_decode_suback(const struct mqtt_frame *f, enum mqtt_version v,
                       struct mqtt_suback *ret) MUST_USE; /* also UNSUBACK (3.x: no reasons) */
int mqtt_decode_unsubscribe(const struct mqtt_frame *f, enum mqtt_version v,
                            struct mqtt_unsubscribe *ret) MUST_USE;
int mqtt_decode_disconnect(const struct mqtt_frame *f, enum mqtt_version v, bool from_client,
                           struct mqtt_disconnect *ret) MUST_USE;
/* The sender is not told: a server refuses reason 0x00 itself, which only servers send. */
int mqtt_decode_auth(const struct mqtt_frame *f, enum mqtt_version v,
                     struct mqtt_disconnect *ret) MUST_USE;
/* PINGREQ, PINGRESP: an empty body. */
int mqtt_decode_ping(const struct mqtt_frame *f) MUST_USE;

/* Walks a checked list. False at the end; `rest` starts as the packet's `filters`. */
bool mqtt_subscribe_next(struct span *rest, enum mqtt_version v, struct mqtt_subscription *ret);
bool mqtt_unsubscribe_next(struct span *rest, struct span *ret_filter);
/* Walk the user properties and the subscription identifiers in a decoded block; `rest` starts as
 * `properties.raw`. */
bool mqtt_user_property_next(struct span *rest, struct mqtt_user_property *ret);
bool mqtt_subscription_id_next(struct span *rest, uint32_t *ret);

/* Encoders write at `out`, which has room for the packet's size as told by the matching
 * mqtt_size_*, and return the bytes written. Sizes include the fixed header; a size is 0 when the
 * packet cannot be written (over 268,435,455 bytes, or a text over 65,535). Properties that the
 * packet may not carry are left out. */
size_t mqtt_size_connect(const struct mqtt_connect *p);
size_t mqtt_encode_connect(const struct mqtt_connect *p, uint8_t *out);
size_t mqtt_size_connack(const struct mqtt_connack *p, enum mqtt_version v);
size_t mqtt_encode_connack(const struct mqtt_connack *p, enum mqtt_version v, uint8_t *out);
/* `p->properties` counts only when p->has_properties; subscription identifiers to write are given
 * apart, `id_count` of them (v5). The topic alias is written like every other property: whoever
 * forwards a packet takes the sender's alias out of `present` first. */
size_t mqtt_size_publish(const struct mqtt_publish *p, enum mqtt_version v, const uint32_t *ids,
                         size_t id_count);
size_t mqtt_encode_publish(const struct mqtt_publish *p, enum mqtt_version v, const uint32_t *ids,
                           size_t id_count, uint8_t *out);
/* The same without the payload's bytes, which the caller sends behind it. */
size_t mqtt_encode_publish_head(const struct mqtt_publish *p, enum mqtt_version v,
                                const uint32_t *ids, size_t id_count, uint8_t *out);
size_t mqtt_size_ack(const struct mqtt_ack *p, enum mqtt_version v);
/* `type` is MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL or MQTT_PUBCOMP. */
size_t mqtt_encode_ack(enum mqtt_type type, const struct mqtt_ack *p, enum mqtt_version v,
                       uint8_t *out);
size_t mqtt_size_subscribe(const struct mqtt_subscribe *p, enum mqtt_version v);
/* `p->filters` is copied as it is: build it with mqtt_put_subscription. */
size_t mqtt_encode_subscribe(const struct mqtt_subscribe *p, enum mqtt_version v, uint8_t *out);
size_t mqtt_put_subscription(const struct mqtt_subscription *s, enum mqtt_version v, uint8_t *out);
size_t mqtt_size_unsubscribe(const struct mqtt_unsubscribe *p, enum mqtt_version v);
size_t mqtt_encode_unsubscribe(const struct mqtt_unsubscribe *p, enum mqtt_version v, uint8_t *out);
/* `type` is MQTT_SUBACK or MQTT_UNSUBACK. */
size_t mqtt_size_suback(enum mqtt_type type, const struct mqtt_suback *p, enum mqtt_version v);
size_t mqtt_encode_suback(enum mqtt_type type, const struct mqtt_suback *p, enum mqtt_version v,
                          uint8_t *out);
/* `type` is MQTT_DISCONNECT or MQTT_AUTH. */
size_t mqtt_size_disconnect(const struct mqtt_disconnect *p, enum mqtt_version v);
size_t mqtt_encode_disconnect(enum mqtt_type type, const struct mqtt_disconnect *p,
                              enum mqtt_version v, uint8_t *out);
/* `type` is MQTT_PINGREQ or MQTT_PINGRESP: always two bytes. */
size_t mqtt_encode_ping(enum mqtt_type type, uint8_t *out);
/* For building `properties.raw`: one user property. */
size_t mqtt_size_user_property(const struct mqtt_user_property *p);
size_t mqtt_put_user_property(const struct mqtt_user_property *p, uint8_t *out);

/* MQTT 3.1.1 3.2.2.3 return code for a v5 CONNACK reason; the nearest where 3.x has none. */
uint8_t mqtt_return_code(uint8_t reason);
/* "Not authorized": the standard's name of a reason code, for logs and reason strings. */
const char *mqtt_reason_name(uint8_t reason);
const char *mqtt_type_name(enum mqtt_type type);

#endif
