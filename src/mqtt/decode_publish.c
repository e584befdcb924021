/* PUBLISH (MQTT 5.0 3.3), the hottest decoder: every message passes here once. Touches the topic
 * once and the payload not at all, and leaves the members of the properties alone that the packet
 * does not have. Knows no aliases: an empty topic with one is the broker's to resolve.
 *
 *     | topic | packet id:2 (QoS > 0) | properties (5.0) | payload ... |
 */
#include "mqtt/codec_internal.h"

#include "base/utf8.h"
#include "mqtt/topic.h"

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* High bits of the bytes of `word` that are `byte`, for bytes below 0x80; a neighbour above a hit
 * may show up too. */
static inline uint64_t hits(uint64_t word, uint8_t byte)
{
    return (word ^ EVERY_BYTE(byte)) - EVERY_BYTE(1);
}

static inline bool is_plain_word(uint64_t word)
{
    uint64_t found = word | hits(word, 0) | hits(word, '#') | hits(word, '+');
    return !(found & EVERY_BYTE(0x80));
}

/* True for ASCII without NUL and wildcards, which most topics are: they need no second look. False
 * says only that one is needed. */
static bool is_plain(struct span topic)
{
    uint64_t word = EVERY_BYTE('/'); /* a plain character stands where the topic is shorter */
    if (topic.n < sizeof(word)) {
        memcpy(&word, topic.p, topic.n);
        return is_plain_word(word);
    }
    /* The last word ends with the topic and overlaps the one before. */
    const uint8_t *last = topic.p + topic.n - sizeof(word);
    for (const uint8_t *p = topic.p; p < last; p += sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        if (!is_plain_word(word))
            return false;
    }
    memcpy(&word, last, sizeof(word));
    return is_plain_word(word);
}

static int check_topic(const struct mqtt_publish *p)
{
    if (p->topic.n == 0) {
        bool has_alias = mqtt_has(&p->properties, MQTT_PROP_TOPIC_ALIAS);
        return has_alias ? 0 : err_raise(ERR_MQTT_PUBLISH_NO_TOPIC);
    }
    bool plain = is_plain(p->topic);
    if (!plain && !utf8_is_valid_mqtt(p->topic))
        return err_raise(ERR_MQTT_PUBLISH_TOPIC_UTF8);
    /* A shorter topic cannot be too deep. */
    return plain && p->topic.n < MQTT_TOPIC_LEVELS_MAX ? 0 : topic_name_check(p->topic);
}

static int decode_properties(struct reader *r, bool from_client, struct mqtt_publish *p)
{
    enum mqtt_carrier carrier = from_client ? IN_PUBLISH : IN_PUBLISH_BY_SERVER;
    int err = mqtt_properties_decode(r, carrier, &p->properties);
    p->has_properties = p->properties.present != 0;
    return err;
}

int mqtt_decode_publish(const struct mqtt_frame *f, enum mqtt_version v, bool from_client,
                        struct mqtt_publish *ret)
{
    struct reader r = reader_of(f->body);
    ret->qos = f->flags >> 1 & 3;
    ret->is_dup = f->flags >> 3 & 1;
    ret->is_retained = f->flags & 1;
    ret->topic = mqtt_string_read(&r);
    ret->packet_id = ret->qos ? rd_u16be(&r) : 0;
    if (r.is_failed)
        return err_raise(ERR_MQTT_PUBLISH_SHORT);
    if (ret->qos && ret->packet_id == 0)
        return err_raise(ERR_MQTT_PUBLISH_ID);
    ret->has_properties = false;
    ret->encoded = (struct span){NULL, 0};
    mqtt_properties_none(&ret->properties);
    int err = v == MQTT_5_0 ? decode_properties(&r, from_client, ret) : 0;
    if (err == 0)
        err = check_topic(ret);
    if (err < 0)
        return err;
    ret->payload = mqtt_rest_read(&r);
    bool is_text =
        mqtt_has(&ret->properties, MQTT_PROP_PAYLOAD_FORMAT) && ret->properties.payload_format == 1;
    return is_text && !utf8_is_valid(ret->payload) ? err_raise(ERR_MQTT_PUBLISH_PAYLOAD) : 0;
}
