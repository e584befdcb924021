/* The MQTT control packets as structs. Spans point into the bytes that were decoded (or into what
 * the encoder was given): nothing here owns memory. Shared by all decoders and encoders. */
#ifndef TRACKWIRE_MQTT_PACKET_H
#define TRACKWIRE_MQTT_PACKET_H

#include "base/err.h"
#include "base/span.h"

enum mqtt_version {
    MQTT_3_1 = 3,
    MQTT_3_1_1 = 4,
    MQTT_5_0 = 5,
};

/* MQTT 5.0 2.1.2 */
enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};

#define MQTT_PACKET_MAX 268435460u   /* fixed header of 5 bytes and 268,435,455 more */
#define MQTT_TOPIC_LEVELS_MAX 128    /* deeper topics and filters are refused */
#define MQTT_USER_PROPERTIES_MAX 256 /* in one packet; more are refused (CVE-2021-41039) */
#define MQTT_SUBSCRIPTION_IDS_MAX 32 /* in one PUBLISH that we write */

/* MQTT 5.0 2.4 reason codes. */
enum mqtt_reason {
    MQTT_SUCCESS = 0x00,
    MQTT_GRANTED_QOS1 = 0x01,
    MQTT_GRANTED_QOS2 = 0x02,
    MQTT_DISCONNECT_WITH_WILL = 0x04,
    MQTT_NO_MATCHING_SUBSCRIBERS = 0x10,
    MQTT_NO_SUBSCRIPTION_EXISTED = 0x11,
    MQTT_CONTINUE_AUTHENTICATION = 0x18,
    MQTT_REAUTHENTICATE = 0x19,
    MQTT_UNSPECIFIED_ERROR = 0x80,
    MQTT_MALFORMED_PACKET = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_IMPLEMENTATION_SPECIFIC = 0x83,
    MQTT_UNSUPPORTED_VERSION = 0x84,
    MQTT_CLIENT_ID_NOT_VALID = 0x85,
    MQTT_BAD_USER_NAME = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_SERVER_UNAVAILABLE = 0x88,
    MQTT_SERVER_BUSY = 0x89,
    MQTT_BANNED = 0x8A,
    MQTT_SERVER_SHUTTING_DOWN = 0x8B,
    MQTT_BAD_AUTHENTICATION_METHOD = 0x8C,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8D,
    MQTT_SESSION_TAKEN_OVER = 0x8E,
    MQTT_FILTER_INVALID = 0x8F,
    MQTT_TOPIC_NAME_INVALID = 0x90,
    MQTT_PACKET_ID_IN_USE = 0x91,
    MQTT_PACKET_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    MQTT_TOPIC_ALIAS_INVALID = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_MESSAGE_RATE_TOO_HIGH = 0x96,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_ADMINISTRATIVE_ACTION = 0x98,
    MQTT_PAYLOAD_FORMAT_INVALID = 0x99,
    MQTT_RETAIN_NOT_SUPPORTED = 0x9A,
    MQTT_QOS_NOT_SUPPORTED = 0x9B,
    MQTT_USE_ANOTHER_SERVER = 0x9C,
    MQTT_SERVER_MOVED = 0x9D,
    MQTT_SHARED_NOT_SUPPORTED = 0x9E,
    MQTT_CONNECTION_RATE_EXCEEDED = 0x9F,
    MQTT_MAXIMUM_CONNECT_TIME = 0xA0,
    MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xA1,
    MQTT_WILDCARDS_NOT_SUPPORTED = 0xA2,
};

/* MQTT 5.0 2.2.2.2: property identifiers; all below 64, so a set of them is one word. */
enum mqtt_property {
    MQTT_PROP_PAYLOAD_FORMAT = 0x01,
    MQTT_PROP_MESSAGE_EXPIRY = 0x02,
    MQTT_PROP_CONTENT_TYPE = 0x03,
    MQTT_PROP_RESPONSE_TOPIC = 0x08,
    MQTT_PROP_CORRELATION_DATA = 0x09,
    MQTT_PROP_SUBSCRIPTION_ID = 0x0B,
    MQTT_PROP_SESSION_EXPIRY = 0x11,
    MQTT_PROP_ASSIGNED_CLIENT_ID = 0x12,
    MQTT_PROP_SERVER_KEEP_ALIVE = 0x13,
    MQTT_PROP_AUTH_METHOD = 0x15,
    MQTT_PROP_AUTH_DATA = 0x16,
    MQTT_PROP_REQUEST_PROBLEM_INFO = 0x17,
    MQTT_PROP_WILL_DELAY = 0x18,
    MQTT_PROP_REQUEST_RESPONSE_INFO = 0x19,
    MQTT_PROP_RESPONSE_INFO = 0x1A,
    MQTT_PROP_SERVER_REFERENCE = 0x1C,
    MQTT_PROP_REASON_STRING = 0x1F,
    MQTT_PROP_RECEIVE_MAXIMUM = 0x21,
    MQTT_PROP_TOPIC_ALIAS_MAXIMUM = 0x22,
    MQTT_PROP_TOPIC_ALIAS = 0x23,
    MQTT_PROP_MAXIMUM_QOS = 0x24,
    MQTT_PROP_RETAIN_AVAILABLE = 0x25,
    MQTT_PROP_USER = 0x26,
    MQTT_PROP_MAXIMUM_PACKET_SIZE = 0x27,
    MQTT_PROP_WILDCARD_AVAILABLE = 0x28,
    MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE = 0x29,
    MQTT_PROP_SHARED_AVAILABLE = 0x2A,
};

/* The properties of one packet. A member means something only when its bit is in `present`.
 * User properties and (from the second on) subscription identifiers stay in `raw`, in order;
 * mqtt_user_property_next and mqtt_subscription_id_next walk them. When encoding, the user
 * properties in `raw` are written if MQTT_PROP_USER is present; whatever else it holds is not, so a
 * decoded `raw` may be given as it is. */
struct mqtt_properties {
    uint64_t present; /* bit n: property with identifier n is there */
    uint8_t payload_format, request_problem_info, request_response_info, maximum_qos;
    uint8_t retain_available, wildcard_available, subscription_id_available, shared_available;
    uint16_t server_keep_alive, receive_maximum, topic_alias_maximum, topic_alias;
    uint32_t message_expiry, session_expiry, will_delay, maximum_packet_size;
    uint32_t subscription_id; /* the first one */
    uint16_t subscription_id_count, user_count;
    struct span content_type, response_topic, correlation_data, assigned_client_id, auth_method;
    struct span auth_data, response_info, server_reference, reason_string;
    struct span raw;
};

static inline bool mqtt_has(const struct mqtt_properties *p, enum mqtt_property id)
{
    return p->present >> id & 1;
}

struct mqtt_user_property {
    struct span name, value;
};

/* One packet as cut out of the stream. */
struct mqtt_frame {
    enum mqtt_type type;
    uint8_t flags;    /* low four bits of the first byte */
    struct span body; /* after the fixed header */
    size_t total;     /* bytes of header and body together; known before all of them are there */
};

struct mqtt_will {
    struct span topic, payload;
    uint8_t qos;
    bool is_retained;
    struct mqtt_properties properties;
};

struct mqtt_connect {
    enum mqtt_version version;
    bool is_clean;  /* Clean Session, Clean Start */
    bool is_bridge; /* protocol level | 0x80, mosquitto's way to mark a bridge */
    bool has_will, has_user_name, has_password;
    uint16_t keep_alive_s;
    struct span client_id, user_name, password;
    struct mqtt_properties properties;
    struct mqtt_will will;
};

struct mqtt_connack {
    bool session_present;
    uint8_t reason; /* v5 reason code; the encoder maps it to a return code for 3.x */
    struct mqtt_properties properties;
};

struct mqtt_publish {
    uint8_t qos;
    bool is_dup, is_retained;
    uint16_t packet_id; /* 0 at QoS 0 */
    struct span topic;  /* empty in v5 when an alias stands for it */
    struct span payload;
    struct mqtt_properties properties; /* only when has_properties */
    bool has_properties;               /* the packet's property block is not empty */
    /* Encoders only: properties that were encoded before and are written as they are, in 5.0; the
     * same for all receivers of a message. Decoders leave it empty. */
    struct span encoded;
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP; in 3.x the reason is 0. */
struct mqtt_ack {
    uint16_t packet_id;
    uint8_t reason;
    struct mqtt_properties properties;
};

struct mqtt_subscribe {
    uint16_t packet_id;
    struct mqtt_properties properties;
    struct span filters; /* walk with mqtt_subscribe_next; checked to be whole */
    size_t count;
};

struct mqtt_subscription {
    struct span filter;
    uint8_t qos;
    bool no_local, retain_as_published;
    uint8_t retain_handling; /* 0, 1, 2 */
};

struct mqtt_unsubscribe {
    uint16_t packet_id;
    struct mqtt_properties properties;
    struct span filters; /* walk with mqtt_unsubscribe_next */
    size_t count;
};

/* SUBACK and UNSUBACK. */
struct mqtt_suback {
    uint16_t packet_id;
    struct mqtt_properties properties;
    struct span reasons; /* one byte for each filter, v5 reason codes; 3.x: QoS or 0x80 */
};

/* DISCONNECT and AUTH. */
struct mqtt_disconnect {
    uint8_t reason;
    struct mqtt_properties properties;
};

#endif
