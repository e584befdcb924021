/* The table of reason codes (MQTT 5.0 2.4): names, the packets that may carry each, and the return
 * code that MQTT 3 has for it (MQTT 3.1.1 3.2.2.3). Pure data, asked by decoders and the broker. */
#include "mqtt/codec_internal.h"

/* Return codes of 3.x. */
enum {
    ACCEPTED,
    BAD_VERSION,
    BAD_CLIENT_ID,
    UNAVAILABLE,
    BAD_LOGIN,
    NOT_AUTHORIZED,
};

#define IN_BOTH_DISCONNECTS (IN_DISCONNECT | IN_DISCONNECT_BY_SERVER)
#define IN_RECEIPTS (IN_PUBACK | IN_PUBREC)
#define IN_RELEASES (IN_PUBREL | IN_PUBCOMP)
#define IN_BOTH_SUBACKS (IN_SUBACK | IN_UNSUBACK)

/* The senders of DISCONNECT are those of MQTT 5.0 3.14.2.1; 0x8C is missing there, but 2.4 lists it
 * for DISCONNECT. Where 3.x has no return code that fits, refusals which trying again may cure say
 * "unavailable" and the others "not authorized". */
static const struct reason {
    const char *name;
    uint32_t carriers;
    uint8_t return_code;
} reasons[256] = {
    [MQTT_SUCCESS] = {"Success",
                      IN_CONNACK | IN_RECEIPTS | IN_RELEASES | IN_BOTH_SUBACKS |
                          IN_BOTH_DISCONNECTS | IN_AUTH,
                      ACCEPTED},
    [MQTT_GRANTED_QOS1] = {"Granted QoS 1", IN_SUBACK, ACCEPTED},
    [MQTT_GRANTED_QOS2] = {"Granted QoS 2", IN_SUBACK, ACCEPTED},
    [MQTT_DISCONNECT_WITH_WILL] = {"Disconnect with Will Message", IN_DISCONNECT, ACCEPTED},
    [MQTT_NO_MATCHING_SUBSCRIBERS] = {"No matching subscribers", IN_RECEIPTS, ACCEPTED},
    [MQTT_NO_SUBSCRIPTION_EXISTED] = {"No subscription existed", IN_UNSUBACK, ACCEPTED},
    [MQTT_CONTINUE_AUTHENTICATION] = {"Continue authentication", IN_AUTH, ACCEPTED},
    [MQTT_REAUTHENTICATE] = {"Re-authenticate", IN_AUTH, ACCEPTED},
    [MQTT_UNSPECIFIED_ERROR] = {"Unspecified error",
                                IN_CONNACK | IN_RECEIPTS | IN_BOTH_SUBACKS | IN_BOTH_DISCONNECTS,
                                UNAVAILABLE},
    [MQTT_MALFORMED_PACKET] = {"Malformed Packet", IN_CONNACK | IN_BOTH_DISCONNECTS,
                               NOT_AUTHORIZED},
    [MQTT_PROTOCOL_ERROR] = {"Protocol Error", IN_CONNACK | IN_BOTH_DISCONNECTS, NOT_AUTHORIZED},
    [MQTT_IMPLEMENTATION_SPECIFIC] = {"Implementation specific error",
                                      IN_CONNACK | IN_RECEIPTS | IN_BOTH_SUBACKS |
                                          IN_BOTH_DISCONNECTS,
                                      UNAVAILABLE},
    [MQTT_UNSUPPORTED_VERSION] = {"Unsupported Protocol Version", IN_CONNACK, BAD_VERSION},
    [MQTT_CLIENT_ID_NOT_VALID] = {"Client Identifier not valid", IN_CONNACK, BAD_CLIENT_ID},
    [MQTT_BAD_USER_NAME] = {"Bad User Name or Password", IN_CONNACK, BAD_LOGIN},
    [MQTT_NOT_AUTHORIZED] = {"Not authorized",
                             IN_CONNACK | IN_RECEIPTS | IN_BOTH_SUBACKS | IN_DISCONNECT_BY_SERVER,
                             NOT_AUTHORIZED},
    [MQTT_SERVER_UNAVAILABLE] = {"Server unavailable", IN_CONNACK, UNAVAILABLE},
    [MQTT_SERVER_BUSY] = {"Server busy", IN_CONNACK | IN_DISCONNECT_BY_SERVER, UNAVAILABLE},
    [MQTT_BANNED] = {"Banned", IN_CONNACK, NOT_AUTHORIZED},
    [MQTT_SERVER_SHUTTING_DOWN] = {"Server shutting down", IN_DISCONNECT_BY_SERVER, UNAVAILABLE},
    [MQTT_BAD_AUTHENTICATION_METHOD] = {"Bad authentication method",
                                        IN_CONNACK | IN_DISCONNECT_BY_SERVER, NOT_AUTHORIZED},
    [MQTT_KEEP_ALIVE_TIMEOUT] = {"Keep Alive timeout", IN_DISCONNECT_BY_SERVER, UNAVAILABLE},
    [MQTT_SESSION_TAKEN_OVER] = {"Session taken over", IN_DISCONNECT_BY_SERVER, UNAVAILABLE},
    [MQTT_FILTER_INVALID] = {"Topic Filter invalid", IN_BOTH_SUBACKS | IN_DISCONNECT_BY_SERVER,
                             NOT_AUTHORIZED},
    [MQTT_TOPIC_NAME_INVALID] = {"Topic Name invalid",
                                 IN_CONNACK | IN_RECEIPTS | IN_BOTH_DISCONNECTS, NOT_AUTHORIZED},
    [MQTT_PACKET_ID_IN_USE] = {"Packet Identifier in use", IN_RECEIPTS | IN_BOTH_SUBACKS,
                               UNAVAILABLE},
    [MQTT_PACKET_ID_NOT_FOUND] = {"Packet Identifier not found", IN_RELEASES, UNAVAILABLE},
    [MQTT_RECEIVE_MAXIMUM_EXCEEDED] = {"Receive Maximum exceeded", IN_BOTH_DISCONNECTS,
                                       UNAVAILABLE},
    [MQTT_TOPIC_ALIAS_INVALID] = {"Topic Alias invalid", IN_BOTH_DISCONNECTS, NOT_AUTHORIZED},
    [MQTT_PACKET_TOO_LARGE] = {"Packet too large", IN_CONNACK | IN_BOTH_DISCONNECTS,
                               NOT_AUTHORIZED},
    [MQTT_MESSAGE_RATE_TOO_HIGH] = {"Message rate too high", IN_BOTH_DISCONNECTS, UNAVAILABLE},
    [MQTT_QUOTA_EXCEEDED] = {"Quota exceeded",
                             IN_CONNACK | IN_RECEIPTS | IN_SUBACK | IN_BOTH_DISCONNECTS,
                             UNAVAILABLE},
    [MQTT_ADMINISTRATIVE_ACTION] = {"Administrative action", IN_BOTH_DISCONNECTS, UNAVAILABLE},
    [MQTT_PAYLOAD_FORMAT_INVALID] = {"Payload format invalid",
                                     IN_CONNACK | IN_RECEIPTS | IN_BOTH_DISCONNECTS,
                                     NOT_AUTHORIZED},
    [MQTT_RETAIN_NOT_SUPPORTED] = {"Retain not supported", IN_CONNACK | IN_DISCONNECT_BY_SERVER,
                                   NOT_AUTHORIZED},
    [MQTT_QOS_NOT_SUPPORTED] = {"QoS not supported", IN_CONNACK | IN_DISCONNECT_BY_SERVER,
                                NOT_AUTHORIZED},
    [MQTT_USE_ANOTHER_SERVER] = {"Use another server", IN_CONNACK | IN_DISCONNECT_BY_SERVER,
                                 UNAVAILABLE},
    [MQTT_SERVER_MOVED] = {"Server moved", IN_CONNACK | IN_DISCONNECT_BY_SERVER, UNAVAILABLE},
    [MQTT_SHARED_NOT_SUPPORTED] = {"Shared Subscriptions not supported",
                                   IN_SUBACK | IN_DISCONNECT_BY_SERVER, NOT_AUTHORIZED},
    [MQTT_CONNECTION_RATE_EXCEEDED] = {"Connection rate exceeded",
                                       IN_CONNACK | IN_DISCONNECT_BY_SERVER, UNAVAILABLE},
    [MQTT_MAXIMUM_CONNECT_TIME] = {"Maximum connect time", IN_DISCONNECT_BY_SERVER, UNAVAILABLE},
    [MQTT_SUBSCRIPTION_IDS_NOT_SUPPORTED] = {"Subscription Identifiers not supported",
                                             IN_SUBACK | IN_DISCONNECT_BY_SERVER, NOT_AUTHORIZED},
    [MQTT_WILDCARDS_NOT_SUPPORTED] = {"Wildcard Subscriptions not supported",
                                      IN_SUBACK | IN_DISCONNECT_BY_SERVER, NOT_AUTHORIZED},
};

static const uint8_t reason_of_return_code[] = {
    [ACCEPTED] = MQTT_SUCCESS,
    [BAD_VERSION] = MQTT_UNSUPPORTED_VERSION,
    [BAD_CLIENT_ID] = MQTT_CLIENT_ID_NOT_VALID,
    [UNAVAILABLE] = MQTT_SERVER_UNAVAILABLE,
    [BAD_LOGIN] = MQTT_BAD_USER_NAME,
    [NOT_AUTHORIZED] = MQTT_NOT_AUTHORIZED,
};

bool mqtt_reason_is_allowed(uint8_t reason, enum mqtt_carrier carrier)
{
    return (reasons[reason].carriers & carrier) != 0;
}

uint8_t mqtt_reason_of_return_code(uint8_t return_code)
{
    return reason_of_return_code[return_code];
}

uint8_t mqtt_return_code(uint8_t reason)
{
    return reasons[reason].name ? reasons[reason].return_code : UNAVAILABLE;
}

const char *mqtt_reason_name(uint8_t reason)
{
    return reasons[reason].name ? reasons[reason].name : "Unknown reason code";
}
