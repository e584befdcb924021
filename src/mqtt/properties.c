/* Property blocks of MQTT 5.0 (2.2.2), both ways. One table says of each property where it may be,
 * how its value is written, which values are legal and which member of struct mqtt_properties holds
 * it; decoder, encoder and walkers only read the table. A new property is a new row.
 *
 *     | property length: varint | identifier | value | identifier | value | ... |
 */
#include "mqtt/codec_internal.h"

#include "base/utf8.h"

enum value_type {
    NO_PROPERTY,
    BYTE,
    TWO_BYTES,
    FOUR_BYTES,
    VARINT,
    TEXT,
    BINARY,
    PAIR, /* two texts; stays in `raw` */
};

struct property {
    enum value_type type;
    uint32_t carriers;
    uint16_t offset;   /* of the member in struct mqtt_properties */
    uint32_t min, max; /* of a number; max 0: any */
    int refusal;       /* of a number outside */
};

struct value {
    uint32_t number;
    struct span text, second;
};

#define IN_ANY_PUBLISH (IN_PUBLISH | IN_PUBLISH_BY_SERVER)
#define IN_ACKS (IN_PUBACK | IN_PUBREC | IN_PUBREL | IN_PUBCOMP | IN_SUBACK | IN_UNSUBACK)
#define IN_ANY_DISCONNECT (IN_DISCONNECT | IN_DISCONNECT_BY_SERVER)
#define IN_HANDSHAKE (IN_CONNECT | IN_CONNACK)
#define IN_ALL                                                                                     \
    (IN_WILL | IN_HANDSHAKE | IN_ANY_PUBLISH | IN_ACKS | IN_SUBSCRIBE | IN_UNSUBSCRIBE |           \
     IN_ANY_DISCONNECT | IN_AUTH)

/* A row of any value, and one of a number between `least` and `most`. */
#define ANY(type_, member_, carriers_)                                                             \
    {                                                                                              \
        .type = type_, .carriers = carriers_, .offset = offsetof(struct mqtt_properties, member_)  \
    }
#define NUMBER(type_, member_, carriers_, least, most, refusal_)                                   \
    {                                                                                              \
        .type = type_, .carriers = carriers_, .offset = offsetof(struct mqtt_properties, member_), \
        .min = least, .max = most, .refusal = refusal_                                             \
    }

static const struct property table[64] = {
    [MQTT_PROP_PAYLOAD_FORMAT] =
        NUMBER(BYTE, payload_format, IN_WILL | IN_ANY_PUBLISH, 0, 1, ERR_MQTT_PAYLOAD_FORMAT_VALUE),
    [MQTT_PROP_MESSAGE_EXPIRY] = ANY(FOUR_BYTES, message_expiry, IN_WILL | IN_ANY_PUBLISH),
    [MQTT_PROP_CONTENT_TYPE] = ANY(TEXT, content_type, IN_WILL | IN_ANY_PUBLISH),
    [MQTT_PROP_RESPONSE_TOPIC] = ANY(TEXT, response_topic, IN_WILL | IN_ANY_PUBLISH),
    [MQTT_PROP_CORRELATION_DATA] = ANY(BINARY, correlation_data, IN_WILL | IN_ANY_PUBLISH),
    [MQTT_PROP_SUBSCRIPTION_ID] =
        NUMBER(VARINT, subscription_id, IN_SUBSCRIBE | IN_PUBLISH_BY_SERVER, 1, MQTT_BODY_MAX,
               ERR_MQTT_SUBSCRIPTION_ID_ZERO),
    [MQTT_PROP_SESSION_EXPIRY] = ANY(FOUR_BYTES, session_expiry, IN_HANDSHAKE | IN_DISCONNECT),
    [MQTT_PROP_ASSIGNED_CLIENT_ID] = ANY(TEXT, assigned_client_id, IN_CONNACK),
    [MQTT_PROP_SERVER_KEEP_ALIVE] = ANY(TWO_BYTES, server_keep_alive, IN_CONNACK),
    [MQTT_PROP_AUTH_METHOD] = ANY(TEXT, auth_method, IN_HANDSHAKE | IN_AUTH),
    [MQTT_PROP_AUTH_DATA] = ANY(BINARY, auth_data, IN_HANDSHAKE | IN_AUTH),
    [MQTT_PROP_REQUEST_PROBLEM_INFO] =
        NUMBER(BYTE, request_problem_info, IN_CONNECT, 0, 1, ERR_MQTT_REQUEST_PROBLEM_INFO_VALUE),
    [MQTT_PROP_WILL_DELAY] = ANY(FOUR_BYTES, will_delay, IN_WILL),
    [MQTT_PROP_REQUEST_RESPONSE_INFO] =
        NUMBER(BYTE, request_response_info, IN_CONNECT, 0, 1, ERR_MQTT_REQUEST_RESPONSE_INFO_VALUE),
    [MQTT_PROP_RESPONSE_INFO] = ANY(TEXT, response_info, IN_CONNACK),
    [MQTT_PROP_SERVER_REFERENCE] =
        ANY(TEXT, server_reference, IN_CONNACK | IN_DISCONNECT_BY_SERVER),
    [MQTT_PROP_REASON_STRING] =
        ANY(TEXT, reason_string, IN_CONNACK | IN_ACKS | IN_ANY_DISCONNECT | IN_AUTH),
    [MQTT_PROP_RECEIVE_MAXIMUM] = NUMBER(TWO_BYTES, receive_maximum, IN_HANDSHAKE, 1, UINT16_MAX,
                                         ERR_MQTT_RECEIVE_MAXIMUM_ZERO),
    [MQTT_PROP_TOPIC_ALIAS_MAXIMUM] = ANY(TWO_BYTES, topic_alias_maximum, IN_HANDSHAKE),
    [MQTT_PROP_TOPIC_ALIAS] =
        NUMBER(TWO_BYTES, topic_alias, IN_ANY_PUBLISH, 1, UINT16_MAX, ERR_MQTT_TOPIC_ALIAS_ZERO),
    [MQTT_PROP_MAXIMUM_QOS] =
        NUMBER(BYTE, maximum_qos, IN_CONNACK, 0, 1, ERR_MQTT_MAXIMUM_QOS_VALUE),
    [MQTT_PROP_RETAIN_AVAILABLE] =
        NUMBER(BYTE, retain_available, IN_CONNACK, 0, 1, ERR_MQTT_RETAIN_AVAILABLE_VALUE),
    [MQTT_PROP_USER] = ANY(PAIR, raw, IN_ALL),
    [MQTT_PROP_MAXIMUM_PACKET_SIZE] = NUMBER(FOUR_BYTES, maximum_packet_size, IN_HANDSHAKE, 1,
                                             UINT32_MAX, ERR_MQTT_MAXIMUM_PACKET_SIZE_ZERO),
    [MQTT_PROP_WILDCARD_AVAILABLE] =
        NUMBER(BYTE, wildcard_available, IN_CONNACK, 0, 1, ERR_MQTT_WILDCARD_AVAILABLE_VALUE),
    [MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE] = NUMBER(BYTE, subscription_id_available, IN_CONNACK, 0,
                                                   1, ERR_MQTT_SUBSCRIPTION_ID_AVAILABLE_VALUE),
    [MQTT_PROP_SHARED_AVAILABLE] =
        NUMBER(BYTE, shared_available, IN_CONNACK, 0, 1, ERR_MQTT_SHARED_AVAILABLE_VALUE),
};

/* The identifier is a varint by the letter of the standard, but none is defined above 0x2A: a
 * first byte of more, so also of a longer identifier, names no property. */
static const struct property *property_of(uint8_t id)
{
    return id < 64 && table[id].type != NO_PROPERTY ? &table[id] : NULL;
}

/* Reads a value of the type; what is missing shows in `r`, a bad varint is false. */
static bool read_value(struct reader *r, enum value_type type, struct value *ret)
{
    switch (type) {
    case BYTE:
        ret->number = rd_u8(r);
        return true;
    case TWO_BYTES:
        ret->number = rd_u16be(r);
        return true;
    case FOUR_BYTES:
        ret->number = rd_u32be(r);
        return true;
    case VARINT:
        return mqtt_varint_read(r, &ret->number) == MQTT_VARINT_OK;
    case PAIR:
        ret->text = mqtt_string_read(r);
        ret->second = mqtt_string_read(r);
        return true;
    case TEXT:
    case BINARY:
        ret->text = mqtt_string_read(r);
        return true;
    case NO_PROPERTY:
        break;
    }
    return false;
}

static int check_value(uint8_t id, const struct property *property, const struct value *value)
{
    if (property->type == TEXT && !utf8_is_valid_mqtt(value->text))
        return err_raise(ERR_MQTT_PROPERTY_UTF8);
    if (property->type == PAIR &&
        (!utf8_is_valid_mqtt(value->text) || !utf8_is_valid_mqtt(value->second)))
        return err_raise(ERR_MQTT_USER_PROPERTY_UTF8);
    if (property->max && (value->number < property->min || value->number > property->max))
        return err_raise(property->refusal);
    if (id == MQTT_PROP_RESPONSE_TOPIC) {
        struct span topic = value->text;
        if (topic.n == 0 || span_find(topic, '#') < topic.n || span_find(topic, '+') < topic.n)
            return err_raise(ERR_MQTT_RESPONSE_TOPIC);
    }
    return 0;
}

/* Puts the value into its member. Of repeated subscription identifiers the first stays there. */
static void store_value(struct mqtt_properties *p, uint8_t id, const struct property *property,
                        const struct value *value)
{
    void *member = (uint8_t *)p + property->offset;
    switch (property->type) {
    case BYTE:
        *(uint8_t *)member = (uint8_t)value->number;
        break;
    case TWO_BYTES:
        *(uint16_t *)member = (uint16_t)value->number;
        break;
    case VARINT:
        if (p->subscription_id_count == 0)
            *(uint32_t *)member = value->number;
        if (p->subscription_id_count < UINT16_MAX)
            p->subscription_id_count++;
        break;
    case FOUR_BYTES:
        *(uint32_t *)member = value->number;
        break;
    case TEXT:
    case BINARY:
        *(struct span *)member = value->text;
        break;
    case PAIR:
        p->user_count++;
        break;
    case NO_PROPERTY:
        break;
    }
    p->present |= UINT64_C(1) << id;
}

/* Carriers with the other sender of the same type of packet; 0 when the sender does not matter. */
static uint32_t other_sender(enum mqtt_carrier carrier)
{
    switch (carrier) {
    case IN_PUBLISH:
        return IN_PUBLISH_BY_SERVER;
    case IN_DISCONNECT:
        return IN_DISCONNECT_BY_SERVER;
    case IN_DISCONNECT_BY_SERVER:
        return IN_DISCONNECT;
    default:
        return 0;
    }
}

static bool may_repeat(uint8_t id, enum mqtt_carrier carrier)
{
    return id == MQTT_PROP_USER ||
           (id == MQTT_PROP_SUBSCRIPTION_ID && carrier == IN_PUBLISH_BY_SERVER);
}

/* May a property be here (again)? */
static int admit(const struct property *property, uint8_t id, enum mqtt_carrier carrier,
                 const struct mqtt_properties *p)
{
    if (!property)
        return err_raise(ERR_MQTT_PROPERTY_UNKNOWN);
    if (!(property->carriers & carrier)) {
        bool is_others = property->carriers & other_sender(carrier);
        return err_raise(is_others ? ERR_MQTT_PROPERTY_SENDER : ERR_MQTT_PROPERTY_NOT_ALLOWED);
    }
    if (mqtt_has(p, id) && !may_repeat(id, carrier))
        return err_raise(ERR_MQTT_PROPERTY_REPEATED);
    if (id == MQTT_PROP_USER && p->user_count == MQTT_USER_PROPERTIES_MAX)
        return err_raise(ERR_MQTT_USER_PROPERTIES_LIMIT);
    return 0;
}

static int decode_property(struct reader *r, enum mqtt_carrier carrier, struct mqtt_properties *p)
{
    uint8_t id = rd_u8(r);
    const struct property *property = property_of(id);
    int err = admit(property, id, carrier, p);
    if (err < 0)
        return err;
    struct value value = {0};
    if (!read_value(r, property->type, &value))
        return err_raise(ERR_MQTT_SUBSCRIPTION_ID_LENGTH);
    if (r->is_failed)
        return err_raise(ERR_MQTT_PROPERTY_SHORT);
    err = check_value(id, property, &value);
    if (err < 0)
        return err;
    store_value(p, id, property, &value);
    return 0;
}

int mqtt_properties_decode(struct reader *r, enum mqtt_carrier carrier, struct mqtt_properties *ret)
{
    mqtt_properties_none(ret);
    uint32_t length = 0;
    if (mqtt_varint_read(r, &length) != MQTT_VARINT_OK)
        return err_raise(ERR_MQTT_PROPERTIES_LENGTH);
    if (length == 0)
        return 0;
    ret->raw = rd_bytes(r, length);
    if (r->is_failed)
        return err_raise(ERR_MQTT_PROPERTIES_SHORT);
    struct reader block = reader_of(ret->raw);
    while (rd_left(&block) > 0) {
        int err = decode_property(&block, carrier, ret);
        if (err < 0)
            return err;
    }
    if (mqtt_has(ret, MQTT_PROP_AUTH_DATA) && !mqtt_has(ret, MQTT_PROP_AUTH_METHOD))
        return err_raise(ERR_MQTT_AUTH_DATA_ALONE);
    return 0;
}

/* The next value of the property `wanted` in a block; false at its end, or where it is broken. */
static bool next_value(struct span *rest, enum mqtt_property wanted, struct value *ret)
{
    if (rest->n == 0)
        return false;
    struct reader r = reader_of(*rest);
    uint8_t id = 0;
    while (id != wanted && rd_left(&r) > 0) {
        id = rd_u8(&r);
        const struct property *property = property_of(id);
        if (!property || !read_value(&r, property->type, ret) || r.is_failed)
            return false;
    }
    *rest = mqtt_rest_read(&r);
    return id == wanted;
}

bool mqtt_user_property_next(struct span *rest, struct mqtt_user_property *ret)
{
    struct value value = {0};
    if (!next_value(rest, MQTT_PROP_USER, &value))
        return false;
    *ret = (struct mqtt_user_property){value.text, value.second};
    return true;
}

bool mqtt_subscription_id_next(struct span *rest, uint32_t *ret)
{
    struct value value = {0};
    if (!next_value(rest, MQTT_PROP_SUBSCRIPTION_ID, &value))
        return false;
    *ret = value.number;
    return true;
}

size_t mqtt_size_user_property(const struct mqtt_user_property *p)
{
    return 1 + mqtt_string_size(p->name) + mqtt_string_size(p->value);
}

static uint8_t *put_user_property(uint8_t *out, const struct mqtt_user_property *p)
{
    out = mqtt_put_u8(out, MQTT_PROP_USER);
    return mqtt_put_string(mqtt_put_string(out, p->name), p->value);
}

size_t mqtt_put_user_property(const struct mqtt_user_property *p, uint8_t *out)
{
    return (size_t)(put_user_property(out, p) - out);
}

/* Identifiers of the properties to write, one bit each. */
static uint64_t identifiers(const struct mqtt_properties *p, uint32_t carriers)
{
    uint64_t set = 0;
    for (uint64_t left = p->present; left; left &= left - 1) {
        unsigned id = (unsigned)__builtin_ctzll(left);
        if (table[id].carriers & carriers)
            set |= UINT64_C(1) << id;
    }
    return set;
}

/* The block whose user properties are to be written; empty when none are. */
static struct span user_block(const struct mqtt_properties *p, uint64_t set)
{
    return set >> MQTT_PROP_USER & 1 ? p->raw : (struct span){NULL, 0};
}

static size_t member_size(const struct mqtt_properties *p, const struct property *property)
{
    const void *member = (const uint8_t *)p + property->offset;
    switch (property->type) {
    case BYTE:
        return 2;
    case TWO_BYTES:
        return 3;
    case FOUR_BYTES:
        return 5;
    case VARINT:
        return mqtt_varint_property_size(*(const uint32_t *)member);
    case TEXT:
    case BINARY:
        return 1 + mqtt_string_size(*(const struct span *)member);
    case PAIR:
    case NO_PROPERTY:
        break;
    }
    return 0;
}

size_t mqtt_properties_size(const struct mqtt_properties *p, uint32_t carriers)
{
    uint64_t set = identifiers(p, carriers);
    size_t size = 0;
    for (uint64_t left = set; left; left &= left - 1)
        size += member_size(p, &table[__builtin_ctzll(left)]);
    struct span rest = user_block(p, set);
    struct mqtt_user_property user;
    while (mqtt_user_property_next(&rest, &user))
        size += mqtt_size_user_property(&user);
    return size;
}

static uint8_t *put_member(uint8_t *out, const struct mqtt_properties *p, unsigned id)
{
    const void *member = (const uint8_t *)p + table[id].offset;
    if (table[id].type == PAIR)
        return out;
    out = mqtt_put_u8(out, (uint8_t)id);
    switch (table[id].type) {
    case BYTE:
        return mqtt_put_u8(out, *(const uint8_t *)member);
    case TWO_BYTES:
        return mqtt_put_u16(out, *(const uint16_t *)member);
    case FOUR_BYTES:
        return mqtt_put_u32(out, *(const uint32_t *)member);
    case VARINT:
        return mqtt_put_varint(out, *(const uint32_t *)member);
    case TEXT:
    case BINARY:
        return mqtt_put_string(out, *(const struct span *)member);
    case PAIR:
    case NO_PROPERTY:
        break;
    }
    return out;
}

uint8_t *mqtt_properties_put(uint8_t *out, const struct mqtt_properties *p, uint32_t carriers)
{
    uint64_t set = identifiers(p, carriers);
    for (uint64_t left = set; left; left &= left - 1)
        out = put_member(out, p, (unsigned)__builtin_ctzll(left));
    struct span rest = user_block(p, set);
    struct mqtt_user_property user;
    while (mqtt_user_property_next(&rest, &user))
        out = put_user_property(out, &user);
    return out;
}
