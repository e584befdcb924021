/* Every refusal of the codec, one row or more for each line of mqtt.def: what is wrong, and the
 * exact error. The last test checks that no error of the table went unseen. */
#include "support.h"

#include "mqtt/topic.h"

#define C true  /* sent by a client */
#define S false /* sent by a server */

struct packet_case {
    const char *name;
    int err;
    enum mqtt_version v;
    bool from_client;
    const char *packet; /* see packet_of; with '=' in front the bytes as they are */
};

/* What nearly every CONNECT begins with. */
#define V31 "10 <MQIsdp> 03 "
#define V311 "10 <MQTT> 04 "
#define V5 "10 <MQTT> 05 "

static const struct packet_case packets[] = {
    /* Fixed header: MQTT-2.2.2-2 (3.1.1), MQTT-2.1.3-1 (5.0). */
    {"type 0", ERR_MQTT_TYPE_RESERVED, 5, C, "00"},
    {"CONNECT with flags", ERR_MQTT_FLAGS, 4, C, "11"},
    {"CONNACK with flags", ERR_MQTT_FLAGS, 4, S, "28"},
    {"PUBACK with flags", ERR_MQTT_FLAGS, 4, C, "42 0001"},
    {"PUBREC with flags", ERR_MQTT_FLAGS, 4, C, "51 0001"},
    {"PUBREL without its flags, MQTT-3.6.1-1", ERR_MQTT_FLAGS, 4, C, "60 0001"},
    {"PUBCOMP with flags", ERR_MQTT_FLAGS, 4, C, "72 0001"},
    {"SUBSCRIBE without its flags, MQTT-3.8.1-1", ERR_MQTT_FLAGS, 4, C, "80 0001 <a> 00"},
    {"SUBACK with flags", ERR_MQTT_FLAGS, 4, S, "92 0001 00"},
    {"UNSUBSCRIBE without its flags, MQTT-3.10.1-1", ERR_MQTT_FLAGS, 4, C, "a0 0001 <a>"},
    {"UNSUBACK with flags", ERR_MQTT_FLAGS, 4, S, "b2 0001"},
    {"PINGREQ with flags", ERR_MQTT_FLAGS, 4, C, "c1"},
    {"PINGRESP with flags", ERR_MQTT_FLAGS, 4, S, "d8"},
    {"DISCONNECT with flags, MQTT-3.14.1-1", ERR_MQTT_FLAGS, 4, C, "e1"},
    {"AUTH with flags, MQTT-3.15.1-1", ERR_MQTT_FLAGS, 5, C, "f2"},
    {"QoS 3, MQTT-3.3.1-4", ERR_MQTT_PUBLISH_QOS, 4, C, "36 <a> 0001"},
    {"QoS 3 with DUP", ERR_MQTT_PUBLISH_QOS, 5, C, "3f <a> 0001 00"},
    {"DUP at QoS 0, MQTT-3.3.1-2", ERR_MQTT_PUBLISH_DUP, 4, C, "38 <a>"},
    {"DUP and RETAIN at QoS 0", ERR_MQTT_PUBLISH_DUP, 5, C, "39 <a> 00"},
    {"length of 5 bytes, CVE-2026-21888", ERR_MQTT_LENGTH_TOO_LONG, 5, C, "=30 8080808001"},
    {"length whose 5th byte is still to come", ERR_MQTT_LENGTH_TOO_LONG, 5, C, "=30 ffffffff"},
    {"length in two bytes for one, MQTT-1.5.5-1", ERR_MQTT_LENGTH_OVERLONG, 5, C, "=c0 8000"},
    {"length in four bytes for three", ERR_MQTT_LENGTH_OVERLONG, 5, C, "=30 ffffff00"},

    /* Property blocks. */
    {"no property length", ERR_MQTT_PROPERTIES_LENGTH, 5, C, V5 "02 003c"},
    {"property length cut", ERR_MQTT_PROPERTIES_LENGTH, 5, C, "30 <a> 80"},
    {"property length overlong", ERR_MQTT_PROPERTIES_LENGTH, 5, C, "30 <a> 8000"},
    {"property length of 5 bytes", ERR_MQTT_PROPERTIES_LENGTH, 5, C, "30 <a> 8080808001"},
    {"properties past the packet", ERR_MQTT_PROPERTIES_SHORT, 5, C, "30 <a> 03 0101"},
    {"will properties past the packet", ERR_MQTT_PROPERTIES_SHORT, 5, C,
     V5 "06 003c [] <id> 7f <w> <x>"},
    {"property 0", ERR_MQTT_PROPERTY_UNKNOWN, 5, C, "30 <a> [00]"},
    {"property 4", ERR_MQTT_PROPERTY_UNKNOWN, 5, C, "30 <a> [0400]"},
    {"property 0x2b", ERR_MQTT_PROPERTY_UNKNOWN, 5, C, "30 <a> [2b00]"},
    {"property 0x7f", ERR_MQTT_PROPERTY_UNKNOWN, 5, C, "30 <a> [7f00]"},
    {"identifier of two bytes", ERR_MQTT_PROPERTY_UNKNOWN, 5, C, "30 <a> [810100]"},
    {"will delay in PUBLISH", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, C, "30 <a> [18 00000001]"},
    {"topic alias in a will, CVE-2023-3592", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, C,
     V5 "06 003c [] <id> [23 0001] <w> <x>"},
    {"payload format in CONNECT", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, C, V5 "02 003c [0101] <id>"},
    {"reason string in SUBSCRIBE", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, C, "82 0001 [1f <x>] <a> 00"},
    {"subscription id in UNSUBSCRIBE", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, C, "a2 0001 [0b01] <a>"},
    {"topic alias in PUBACK", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, C, "40 0001 00 [23 0001]"},
    {"will delay in CONNACK", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, S, "20 00 00 [18 00000001]"},
    {"session expiry in SUBACK", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, S, "90 0001 [11 00000001] 00"},
    {"authentication method in DISCONNECT", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, C, "e0 00 [15 <m>]"},
    {"session expiry in AUTH", ERR_MQTT_PROPERTY_NOT_ALLOWED, 5, C, "f0 18 [11 00000001]"},
    {"subscription id from a client, MQTT-3.3.4-6", ERR_MQTT_PROPERTY_SENDER, 5, C,
     "30 <a> [0b01]"},
    {"server reference from a client", ERR_MQTT_PROPERTY_SENDER, 5, C, "e0 00 [1c <x>]"},
    {"session expiry from a server, MQTT-3.14.2-2", ERR_MQTT_PROPERTY_SENDER, 5, S,
     "e0 00 [11 00000001]"},
    {"content type twice", ERR_MQTT_PROPERTY_REPEATED, 5, C, "30 <a> [03 <x> 03 <x>]"},
    {"session expiry twice", ERR_MQTT_PROPERTY_REPEATED, 5, C,
     V5 "02 003c [11 00000001 11 00000001] <id>"},
    {"subscription id twice in SUBSCRIBE", ERR_MQTT_PROPERTY_REPEATED, 5, C,
     "82 0001 [0b01 0b02] <a> 00"},
    {"topic alias twice from a server", ERR_MQTT_PROPERTY_REPEATED, 5, S,
     "30 <a> [23 0001 23 0001]"},
    {"byte missing", ERR_MQTT_PROPERTY_SHORT, 5, C, "30 <a> [01]"},
    {"two bytes cut", ERR_MQTT_PROPERTY_SHORT, 5, C, "30 <a> [23 00]"},
    {"four bytes cut", ERR_MQTT_PROPERTY_SHORT, 5, C, "30 <a> [02 000000]"},
    {"text cut", ERR_MQTT_PROPERTY_SHORT, 5, C, "30 <a> [03 0003 'ab']"},
    {"text whose length is cut", ERR_MQTT_PROPERTY_SHORT, 5, C, "30 <a> [03 00]"},
    {"binary cut", ERR_MQTT_PROPERTY_SHORT, 5, C, "30 <a> [09 0003 'ab']"},
    {"user property without value", ERR_MQTT_PROPERTY_SHORT, 5, C, "30 <a> [26 <x>]"},
    {"content type with U+0000", ERR_MQTT_PROPERTY_UTF8, 5, C, "30 <a> [03 0001 00]"},
    {"reason string not UTF-8", ERR_MQTT_PROPERTY_UTF8, 5, C, "40 0001 00 [1f 0001 ff]"},
    {"user property's name not UTF-8, MQTT-1.5.7-1", ERR_MQTT_USER_PROPERTY_UTF8, 5, C,
     "30 <a> [26 0001 ff <x>]"},
    {"user property's value a surrogate", ERR_MQTT_USER_PROPERTY_UTF8, 5, C,
     "30 <a> [26 <x> 0003 eda080]"},
    {"response topic with '#', MQTT-3.3.2-14", ERR_MQTT_RESPONSE_TOPIC, 5, C, "30 <a> [08 <b/#>]"},
    {"response topic with '+'", ERR_MQTT_RESPONSE_TOPIC, 5, C, "30 <a> [08 <+/b>]"},
    {"response topic empty", ERR_MQTT_RESPONSE_TOPIC, 5, C, "30 <a> [08 <>]"},
    {"response topic of a will with '+'", ERR_MQTT_RESPONSE_TOPIC, 5, C,
     V5 "06 003c [] <id> [08 <+>] <w> <x>"},
    {"subscription id cut", ERR_MQTT_SUBSCRIPTION_ID_LENGTH, 5, C, "82 0001 [0b80] <a> 00"},
    {"subscription id overlong", ERR_MQTT_SUBSCRIPTION_ID_LENGTH, 5, C, "82 0001 [0b8100] <a> 00"},
    {"subscription id of 5 bytes", ERR_MQTT_SUBSCRIPTION_ID_LENGTH, 5, C,
     "82 0001 [0b8080808001] <a> 00"},
    {"subscription id 0", ERR_MQTT_SUBSCRIPTION_ID_ZERO, 5, C, "82 0001 [0b00] <a> 00"},
    {"subscription id 0 from a server", ERR_MQTT_SUBSCRIPTION_ID_ZERO, 5, S, "30 <a> [0b00]"},
    {"payload format 2", ERR_MQTT_PAYLOAD_FORMAT_VALUE, 5, C, "30 <a> [0102]"},
    {"request problem information 2", ERR_MQTT_REQUEST_PROBLEM_INFO_VALUE, 5, C,
     V5 "02 003c [1702] <id>"},
    {"request response information 2", ERR_MQTT_REQUEST_RESPONSE_INFO_VALUE, 5, C,
     V5 "02 003c [1902] <id>"},
    {"receive maximum 0", ERR_MQTT_RECEIVE_MAXIMUM_ZERO, 5, C, V5 "02 003c [21 0000] <id>"},
    {"topic alias 0, MQTT-3.3.2-8", ERR_MQTT_TOPIC_ALIAS_ZERO, 5, C, "30 <a> [23 0000]"},
    {"maximum QoS 2", ERR_MQTT_MAXIMUM_QOS_VALUE, 5, S, "20 00 00 [2402]"},
    {"retain available 2", ERR_MQTT_RETAIN_AVAILABLE_VALUE, 5, S, "20 00 00 [2502]"},
    {"maximum packet size 0", ERR_MQTT_MAXIMUM_PACKET_SIZE_ZERO, 5, C,
     V5 "02 003c [27 00000000] <id>"},
    {"wildcards available 2", ERR_MQTT_WILDCARD_AVAILABLE_VALUE, 5, S, "20 00 00 [2802]"},
    {"identifiers available 2", ERR_MQTT_SUBSCRIPTION_ID_AVAILABLE_VALUE, 5, S, "20 00 00 [2902]"},
    {"shared available 2", ERR_MQTT_SHARED_AVAILABLE_VALUE, 5, S, "20 00 00 [2aff]"},
    {"data without method in CONNECT", ERR_MQTT_AUTH_DATA_ALONE, 5, C, V5 "02 003c [16 <x>] <id>"},
    {"data without method in AUTH", ERR_MQTT_AUTH_DATA_ALONE, 5, C, "f0 18 [16 <x>]"},

    /* CONNECT. */
    {"empty", ERR_MQTT_CONNECT_SHORT, 4, C, "10"},
    {"name cut", ERR_MQTT_CONNECT_SHORT, 4, C, "10 0004 'MQT'"},
    {"no level", ERR_MQTT_CONNECT_SHORT, 4, C, "10 <MQTT>"},
    {"keep alive cut", ERR_MQTT_CONNECT_SHORT, 4, C, V311 "02 00"},
    {"no client id, MQTT-3.1.3-3", ERR_MQTT_CONNECT_SHORT, 4, C, V311 "02 003c"},
    {"no will, MQTT-3.1.2-9", ERR_MQTT_CONNECT_SHORT, 4, C, V311 "06 003c <id>"},
    {"will without payload", ERR_MQTT_CONNECT_SHORT, 4, C, V311 "06 003c <id> <w>"},
    {"no user name, MQTT-3.1.2-19", ERR_MQTT_CONNECT_SHORT, 4, C, V311 "82 003c <id>"},
    {"no password, MQTT-3.1.2-21", ERR_MQTT_CONNECT_SHORT, 4, C, V311 "c2 003c <id> <u>"},
    {"password cut", ERR_MQTT_CONNECT_SHORT, 4, C, V311 "c2 003c <id> <u> 0002 'p'"},
    {"3.1: user name cut", ERR_MQTT_CONNECT_SHORT, 3, C, V31 "82 003c <id> 0002 'u'"},
    {"user name without flag, MQTT-3.1.2-18", ERR_MQTT_CONNECT_TRAILING, 4, C,
     V311 "02 003c <id> <u>"},
    {"will without flag, MQTT-3.1.2-11", ERR_MQTT_CONNECT_TRAILING, 5, C,
     V5 "02 003c [] <id> [] <w> <x>"},
    {"one byte more", ERR_MQTT_CONNECT_TRAILING, 3, C, V31 "02 003c <id> 00"},
    {"name HTTP", ERR_MQTT_PROTOCOL_NAME, 4, C, "10 <HTTP> 04 02 003c <id>"},
    {"name in lower case", ERR_MQTT_PROTOCOL_NAME, 4, C, "10 <mqtt> 04 02 003c <id>"},
    {"name empty", ERR_MQTT_PROTOCOL_NAME, 4, C, "10 <> 04 02 003c <id>"},
    {"name longer", ERR_MQTT_PROTOCOL_NAME, 4, C, "10 <MQTTT> 04 02 003c <id>"},
    {"level 6, MQTT-3.1.2-2", ERR_MQTT_PROTOCOL_LEVEL, 4, C, "10 <MQTT> 06 02 003c <id>"},
    {"MQTT with level 3", ERR_MQTT_PROTOCOL_LEVEL, 4, C, "10 <MQTT> 03 02 003c <id>"},
    {"MQIsdp with level 4", ERR_MQTT_PROTOCOL_LEVEL, 4, C, "10 <MQIsdp> 04 02 003c <id>"},
    {"a bridge with 5.0", ERR_MQTT_PROTOCOL_LEVEL, 5, C, "10 <MQTT> 85 02 003c [] <id>"},
    {"level 0", ERR_MQTT_PROTOCOL_LEVEL, 4, C, "10 <MQTT> 00 02 003c <id>"},
    {"reserved flag, MQTT-3.1.2-3", ERR_MQTT_CONNECT_RESERVED, 4, C, V311 "03 003c <id>"},
    {"reserved flag in 5.0", ERR_MQTT_CONNECT_RESERVED, 5, C, V5 "03 003c [] <id>"},
    {"will QoS 3, MQTT-3.1.2-14", ERR_MQTT_WILL_QOS, 4, C, V311 "1e 003c <id> <w> <x>"},
    {"will QoS 3 in 5.0", ERR_MQTT_WILL_QOS, 5, C, V5 "1e 003c [] <id> [] <w> <x>"},
    {"will QoS without will, MQTT-3.1.2-13", ERR_MQTT_WILL_FLAGS, 4, C, V311 "0a 003c <id>"},
    {"will retain without will, MQTT-3.1.2-15", ERR_MQTT_WILL_FLAGS, 5, C, V5 "22 003c [] <id>"},
    {"password alone, MQTT-3.1.2-22", ERR_MQTT_PASSWORD_ALONE, 4, C, V311 "42 003c <id> <p>"},
    {"password alone in 3.1", ERR_MQTT_PASSWORD_ALONE, 3, C, V31 "42 003c <id> <p>"},
    {"client id not UTF-8, MQTT-3.1.3-4", ERR_MQTT_CLIENT_ID_UTF8, 4, C, V311 "02 003c 0001 ff"},
    {"client id with U+0000", ERR_MQTT_CLIENT_ID_UTF8, 5, C, V5 "02 003c [] 0003 'a' 00 'b'"},
    {"will topic overlong UTF-8, MQTT-3.1.3-10", ERR_MQTT_WILL_TOPIC_UTF8, 4, C,
     V311 "06 003c <id> 0002 c080 <x>"},
    {"will topic a wildcard", ERR_MQTT_TOPIC_WILDCARD, 4, C, V311 "06 003c <id> <w/+> <x>"},
    {"will topic empty", ERR_MQTT_TOPIC_EMPTY, 5, C, V5 "06 003c [] <id> [] <> <x>"},
    {"will not the UTF-8 it claims", ERR_MQTT_WILL_PAYLOAD, 5, C,
     V5 "06 003c [] <id> [0101] <w> 0001 ff"},
    {"user name not UTF-8, MQTT-3.1.3-11", ERR_MQTT_USER_NAME_UTF8, 4, C,
     V311 "82 003c <id> 0001 80"},

    /* CONNACK. */
    {"empty", ERR_MQTT_CONNACK_LENGTH, 4, S, "20"},
    {"no code", ERR_MQTT_CONNACK_LENGTH, 4, S, "20 00"},
    {"one byte more", ERR_MQTT_CONNACK_LENGTH, 4, S, "20 00 00 00"},
    {"one byte more in 5.0", ERR_MQTT_CONNACK_LENGTH, 5, S, "20 00 00 [] 00"},
    {"flag 2, MQTT-3.2.2-1", ERR_MQTT_CONNACK_FLAGS, 5, S, "20 02 00 []"},
    {"return code 6", ERR_MQTT_CONNACK_REASON, 4, S, "20 00 06"},
    {"reason of a SUBACK, MQTT-3.2.2-8", ERR_MQTT_CONNACK_REASON, 5, S, "20 00 9e []"},
    {"reason 1", ERR_MQTT_CONNACK_REASON, 5, S, "20 00 01 []"},
    {"session present at refusal, MQTT-3.2.2-6", ERR_MQTT_CONNACK_SESSION, 5, S, "20 01 87 []"},
    {"session present at refusal, MQTT-3.2.2-4", ERR_MQTT_CONNACK_SESSION, 4, S, "20 01 05"},

    /* PUBLISH. */
    {"empty", ERR_MQTT_PUBLISH_SHORT, 4, C, "30"},
    {"topic cut", ERR_MQTT_PUBLISH_SHORT, 4, C, "30 0002 'a'"},
    {"no packet id", ERR_MQTT_PUBLISH_SHORT, 4, C, "32 <a>"},
    {"packet id cut", ERR_MQTT_PUBLISH_SHORT, 4, C, "34 <a> 00"},
    {"packet id 0, MQTT-2.3.1-1", ERR_MQTT_PUBLISH_ID, 4, C, "32 <a> 0000"},
    {"packet id 0 at QoS 2", ERR_MQTT_PUBLISH_ID, 5, S, "34 <a> 0000 []"},
    {"topic not UTF-8, CVE-2017-7653", ERR_MQTT_PUBLISH_TOPIC_UTF8, 4, C, "30 0002 'a' ff"},
    {"topic with U+0000, MQTT-4.7.3-2", ERR_MQTT_PUBLISH_TOPIC_UTF8, 4, C, "30 0003 'a' 00 'b'"},
    {"long topic with U+0000", ERR_MQTT_PUBLISH_TOPIC_UTF8, 4, C, "30 000a 'abcdefgh' 00 'i'"},
    {"topic with a surrogate, MQTT-1.5.3-1", ERR_MQTT_PUBLISH_TOPIC_UTF8, 5, C,
     "30 0003 edbfbf []"},
    {"no topic in 5.0, CVE-2021-34432", ERR_MQTT_PUBLISH_NO_TOPIC, 5, C, "30 <> [] 'x'"},
    {"no topic in 3.1.1, MQTT-4.7.3-1", ERR_MQTT_PUBLISH_NO_TOPIC, 4, C, "30 <> 'x'"},
    {"topic '+', MQTT-3.3.2-2", ERR_MQTT_TOPIC_WILDCARD, 4, C, "30 <+>"},
    {"topic with '#'", ERR_MQTT_TOPIC_WILDCARD, 5, C, "30 <long/enough/for/two/words/#> []"},
    {"topic with '+' in its first word", ERR_MQTT_TOPIC_WILDCARD, 5, C,
     "30 <a/+/and/two/words/more> []"},
    {"topic in Greek with '+'", ERR_MQTT_TOPIC_WILDCARD, 5, C, "30 0003 ceb1 '+' []"},
    {"payload not the UTF-8 it claims", ERR_MQTT_PUBLISH_PAYLOAD, 5, C, "30 <a> [0101] c0"},

    /* PUBACK, PUBREC, PUBREL, PUBCOMP. */
    {"empty", ERR_MQTT_ACK_LENGTH, 4, C, "40"},
    {"packet id cut", ERR_MQTT_ACK_LENGTH, 5, C, "50 00"},
    {"a reason in 3.1.1", ERR_MQTT_ACK_LENGTH, 4, C, "62 0001 00"},
    {"bytes after the properties", ERR_MQTT_ACK_LENGTH, 5, C, "70 0001 00 [] 00"},
    {"packet id 0", ERR_MQTT_ACK_ID, 4, C, "40 0000"},
    {"reason of SUBACK in PUBACK, MQTT-3.4.2-1", ERR_MQTT_ACK_REASON, 5, C, "40 0001 01"},
    {"reason 0x92 in PUBREC, MQTT-3.5.2-1", ERR_MQTT_ACK_REASON, 5, C, "50 0001 92"},
    {"reason 0x10 in PUBREL, MQTT-3.6.2-1", ERR_MQTT_ACK_REASON, 5, C, "62 0001 10"},
    {"reason 0x80 in PUBCOMP, MQTT-3.7.2-1", ERR_MQTT_ACK_REASON, 5, C, "70 0001 80"},
    {"reason that does not exist", ERR_MQTT_ACK_REASON, 5, C, "40 0001 ff"},
    {"PUBREL with DUP in 3.1.1", ERR_MQTT_PUBREL_FLAGS, 4, C, "6a 0001"},
    {"PUBREL with DUP in 5.0", ERR_MQTT_PUBREL_FLAGS, 5, C, "6a 0001"},

    /* SUBSCRIBE. */
    {"DUP in 3.1.1", ERR_MQTT_SUBSCRIBE_FLAGS, 4, C, "8a 0001 <a> 00"},
    {"empty", ERR_MQTT_SUBSCRIBE_SHORT, 4, C, "82"},
    {"no options", ERR_MQTT_SUBSCRIBE_SHORT, 4, C, "82 0001 <a>"},
    {"second filter cut", ERR_MQTT_SUBSCRIBE_SHORT, 5, C, "82 0001 [] <a> 00 0005 'b' 00"},
    {"packet id 0", ERR_MQTT_SUBSCRIBE_ID, 4, C, "82 0000 <a> 00"},
    {"no filter, MQTT-3.8.3-3", ERR_MQTT_SUBSCRIBE_EMPTY, 4, C, "82 0001"},
    {"no filter in 5.0", ERR_MQTT_SUBSCRIBE_EMPTY, 5, C, "82 0001 []"},
    {"filter not UTF-8, MQTT-3.8.3-1", ERR_MQTT_SUBSCRIBE_UTF8, 4, C, "82 0001 0001 ff 00"},
    {"second filter with U+0000", ERR_MQTT_SUBSCRIBE_UTF8, 4, C, "82 0001 <a> 00 0001 00 00"},
    {"option bits in 3.1.1, MQTT-3.8.3-4", ERR_MQTT_SUBSCRIBE_OPTIONS, 4, C, "82 0001 <a> 04"},
    {"option bit 6, MQTT-3.8.3-5", ERR_MQTT_SUBSCRIBE_OPTIONS, 5, C, "82 0001 [] <a> 40"},
    {"option bit 7", ERR_MQTT_SUBSCRIBE_OPTIONS, 5, C, "82 0001 [] <a> 80"},
    {"QoS 3", ERR_MQTT_SUBSCRIBE_QOS, 4, C, "82 0001 <a> 03"},
    {"QoS 3 in 5.0", ERR_MQTT_SUBSCRIBE_QOS, 5, C, "82 0001 [] <a> 03"},
    {"retain handling 3", ERR_MQTT_SUBSCRIBE_RETAIN_HANDLING, 5, C, "82 0001 [] <a> 30"},
    {"No Local when shared, MQTT-3.8.3-4", ERR_MQTT_SUBSCRIBE_NO_LOCAL, 5, C,
     "82 0001 [] <$share/g/a> 04"},

    /* UNSUBSCRIBE. */
    {"DUP in 5.0", ERR_MQTT_UNSUBSCRIBE_FLAGS, 5, C, "aa 0001 [] <a>"},
    {"packet id cut", ERR_MQTT_UNSUBSCRIBE_SHORT, 4, C, "a2 00"},
    {"filter cut", ERR_MQTT_UNSUBSCRIBE_SHORT, 4, C, "a2 0001 0002 'a'"},
    {"packet id 0", ERR_MQTT_UNSUBSCRIBE_ID, 4, C, "a2 0000 <a>"},
    {"no filter, MQTT-3.10.3-2", ERR_MQTT_UNSUBSCRIBE_EMPTY, 4, C, "a2 0001"},
    {"no filter in 5.0", ERR_MQTT_UNSUBSCRIBE_EMPTY, 5, C, "a2 0001 []"},
    {"filter not UTF-8, MQTT-3.10.3-1", ERR_MQTT_UNSUBSCRIBE_UTF8, 4, C, "a2 0001 0001 c3"},

    /* SUBACK and UNSUBACK. */
    {"empty", ERR_MQTT_SUBACK_SHORT, 4, S, "90"},
    {"packet id 0", ERR_MQTT_SUBACK_ID, 4, S, "90 0000 00"},
    {"no codes, CVE-2024-10525", ERR_MQTT_SUBACK_EMPTY, 4, S, "90 0001"},
    {"UNSUBACK without codes in 5.0", ERR_MQTT_SUBACK_EMPTY, 5, S, "b0 0001 []"},
    {"code 3, MQTT-3.9.3-2", ERR_MQTT_SUBACK_REASON, 4, S, "90 0001 00 03"},
    {"code 0x87 in 3.1.1", ERR_MQTT_SUBACK_REASON, 4, S, "90 0001 87"},
    {"code of PUBREL in 5.0", ERR_MQTT_SUBACK_REASON, 5, S, "90 0001 [] 92"},
    {"code 1 in UNSUBACK, MQTT-3.11.3-2", ERR_MQTT_SUBACK_REASON, 5, S, "b0 0001 [] 01"},
    {"UNSUBACK with a code in 3.1.1", ERR_MQTT_UNSUBACK_TRAILING, 4, S, "b0 0001 00"},

    /* PINGREQ, PINGRESP, DISCONNECT, AUTH. */
    {"PINGREQ with a body", ERR_MQTT_PING_BODY, 4, C, "c0 00"},
    {"PINGRESP with a body", ERR_MQTT_PING_BODY, 5, S, "d0 00"},
    {"DISCONNECT with a reason in 3.1.1", ERR_MQTT_DISCONNECT_BODY, 4, C, "e0 00"},
    {"DISCONNECT from a server in 3.1.1", ERR_MQTT_DISCONNECT_SENDER, 4, S, "e0"},
    {"bytes after the properties", ERR_MQTT_DISCONNECT_TRAILING, 5, C, "e0 00 [] 00"},
    {"reason 1, MQTT-3.14.2-1", ERR_MQTT_DISCONNECT_REASON, 5, C, "e0 01"},
    {"a client taking over", ERR_MQTT_DISCONNECT_REASON, 5, C, "e0 8e"},
    {"a server's will", ERR_MQTT_DISCONNECT_REASON, 5, S, "e0 04"},
    {"AUTH in 3.1.1", ERR_MQTT_AUTH_VERSION, 4, C, "f0"},
    {"bytes after the properties", ERR_MQTT_AUTH_TRAILING, 5, C, "f0 18 [15 <m>] 00"},
    {"reason 0x80, MQTT-3.15.2-1", ERR_MQTT_AUTH_REASON, 5, C, "f0 80 [15 <m>]"},
    {"no method", ERR_MQTT_AUTH_METHOD, 5, C, "f0 18 []"},
    {"reason alone", ERR_MQTT_PROPERTIES_LENGTH, 5, C, "f0 18"},
};

struct topic_case {
    const char *name;
    int err;
    bool is_filter;
    struct span text;
};

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (const uint8_t *)("" literal), sizeof(literal) - 1                                         \
    }
static uint8_t slashes[70000]; /* filled by the test's setup */

static const struct topic_case topics[] = {
    {"empty, MQTT-4.7.3-1", ERR_MQTT_TOPIC_EMPTY, false, TEXT("")},
    {"65536 bytes, MQTT-4.7.3-3", ERR_MQTT_TOPIC_TOO_LONG, false, {slashes, 65536}},
    {"wildcard, MQTT-4.7.1-1", ERR_MQTT_TOPIC_WILDCARD, false, TEXT("a/+")},
    {"wildcard inside a level", ERR_MQTT_TOPIC_WILDCARD, false, TEXT("a#b")},
    {"U+0000", ERR_MQTT_TOPIC_NUL, false, TEXT("a\0b")},
    {"129 levels", ERR_MQTT_TOPIC_TOO_DEEP, false, {slashes, 128}},
    {"empty", ERR_MQTT_FILTER_EMPTY, true, TEXT("")},
    {"65536 bytes", ERR_MQTT_FILTER_TOO_LONG, true, {slashes, 65536}},
    {"U+0000", ERR_MQTT_FILTER_NUL, true, TEXT("a\0b")},
    {"'#' not last, MQTT-4.7.1-2", ERR_MQTT_FILTER_HASH, true, TEXT("a/#/b")},
    {"'#' before an empty level", ERR_MQTT_FILTER_HASH, true, TEXT("#/")},
    {"'#' not alone", ERR_MQTT_FILTER_HASH, true, TEXT("a/b#")},
    {"'##'", ERR_MQTT_FILTER_HASH, true, TEXT("##")},
    {"'+' not alone, MQTT-4.7.1-3", ERR_MQTT_FILTER_PLUS, true, TEXT("a+/b")},
    {"'++'", ERR_MQTT_FILTER_PLUS, true, TEXT("a/++")},
    {"129 levels", ERR_MQTT_FILTER_TOO_DEEP, true, {slashes, 128}},
    {"65,400 slashes, CVE-2019-11779", ERR_MQTT_FILTER_TOO_DEEP, true, {slashes, 65400}},
    {"$share//t, CVE-2025-68699", ERR_MQTT_SHARE_NAME_EMPTY, true, TEXT("$share//t")},
    {"$share/", ERR_MQTT_SHARE_NAME_EMPTY, true, TEXT("$share/")},
    {"$share/+/t, MQTT-4.8.2-2", ERR_MQTT_SHARE_NAME_WILDCARD, true, TEXT("$share/+/t")},
    {"$share/g#/t", ERR_MQTT_SHARE_NAME_WILDCARD, true, TEXT("$share/g#/t")},
    {"$share/ab", ERR_MQTT_SHARE_NO_FILTER, true, TEXT("$share/ab")},
    {"$share/g/", ERR_MQTT_SHARE_NO_FILTER, true, TEXT("$share/g/")},
    {"a bad filter in a group", ERR_MQTT_FILTER_HASH, true, TEXT("$share/g/a/#/b")},
};

static bool seen[ERR_INDEX_COUNT_];

static void check(const char *what, const char *name, int got, int want)
{
    if (got != want)
        fail_msg("%s, %s: %s, not %s", what, name, got < 0 ? err_name(got) : "accepted",
                 err_name(want));
    seen[-got] = true;
}

static int fill_slashes(void **state)
{
    (void)state;
    memset(slashes, '/', sizeof(slashes));
    return 0;
}

static void test_packets_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        const struct packet_case *c = &packets[i];
        struct any_packet p;
        bool is_raw = c->packet[0] == '=';
        struct span in = is_raw ? bytes_of(c->packet + 1) : packet_of(c->packet);
        uint64_t before = err_count(c->err);
        int got = decode_any(in, c->v, c->from_client, &p);
        check(mqtt_type_name(p.frame.type), c->name, got, c->err);
        assert_int_equal(err_count(c->err), before + 1);
        bytes_free(&in);
    }
}

static void test_topics_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        const struct topic_case *c = &topics[i];
        struct topic_filter filter;
        struct span text = bytes_copy(c->text);
        int got = c->is_filter ? topic_filter_parse(text, &filter) : topic_name_check(text);
        check(c->is_filter ? "filter" : "topic", c->name, got, c->err);
        bytes_free(&text);
    }
}

/* A packet over the limit is refused by its header, before its body came (CVE-2023-0809). */
static void test_large_packet_is_refused_early(void **state)
{
    (void)state;
    struct mqtt_frame f;
    struct span in = bytes_of("10 ffffff7f");
    check("CONNECT", "of 256 MB", mqtt_frame(in, 65536, &f), ERR_MQTT_PACKET_TOO_LARGE);
    assert_int_equal(f.type, MQTT_CONNECT);
    assert_int_equal(f.total, MQTT_PACKET_MAX);
    assert_int_equal(mqtt_frame(in, MQTT_PACKET_MAX, &f), 0);
    bytes_free(&in);
}

/* 257 user properties, and tens of thousands (CVE-2021-41039): refused at the same place. */
static void test_user_properties_are_limited(void **state)
{
    (void)state;
    static const size_t counts[] = {MQTT_USER_PROPERTIES_MAX + 1, 50000};
    for (size_t i = 0; i < 2; i++) {
        static uint8_t raw[50000 * 7], out[sizeof(raw) + 64];
        struct mqtt_user_property user = {SPAN_LIT("n"), SPAN_LIT("v")};
        size_t n = 0;
        for (size_t k = 0; k < counts[i]; k++)
            n += mqtt_put_user_property(&user, raw + n);
        struct mqtt_publish p = {.topic = SPAN_LIT("t"), .has_properties = true};
        p.properties.present = UINT64_C(1) << MQTT_PROP_USER;
        p.properties.raw = span_of(raw, n);
        n = mqtt_encode_publish(&p, MQTT_5_0, NULL, 0, out);
        struct any_packet any;
        check("PUBLISH", "user properties", decode_any(span_of(out, n), MQTT_5_0, C, &any),
              ERR_MQTT_USER_PROPERTIES_LIMIT);
    }
}

/* A topic of 129 levels in a PUBLISH, past the decoder's short way for plain topics. */
static void test_deep_topic_in_publish(void **state)
{
    (void)state;
    uint8_t out[300];
    struct mqtt_publish p = {.topic = {slashes, 128}};
    size_t n = mqtt_encode_publish(&p, MQTT_3_1_1, NULL, 0, out);
    struct any_packet any;
    check("PUBLISH", "129 levels", decode_any(span_of(out, n), MQTT_3_1_1, C, &any),
          ERR_MQTT_TOPIC_TOO_DEEP);
    p.topic.n = 127;
    n = mqtt_encode_publish(&p, MQTT_3_1_1, NULL, 0, out);
    assert_true(decode_any(span_of(out, n), MQTT_3_1_1, C, &any) > 0);
}

/* The broker answers in the form of the version, also when the rest of CONNECT is refused. */
static void test_refused_connect_tells_its_version(void **state)
{
    (void)state;
    static const struct {
        const char *packet;
        int version;
    } cases[] = {
        {V5 "03 003c [] <id>", MQTT_5_0},
        {V311 "03 003c <id>", MQTT_3_1_1},
        {V31 "42 003c <id> <p>", MQTT_3_1},
        {"10 <MQTT> 06 02 003c <id>", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct any_packet p;
        struct span in = packet_of(cases[i].packet);
        assert_true(decode_any(in, MQTT_5_0, C, &p) < 0);
        assert_int_equal(p.connect.version, cases[i].version);
        bytes_free(&in);
    }
}

static void test_every_error_was_seen(void **state)
{
    (void)state;
    static const int all[] = {
#define X(name, class, mqtt_reason, http_status, text) name,
#include "base/errors/mqtt.def"
#undef X
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (!seen[-all[i]])
            fail_msg("%s was never raised", err_name(all[i]));
    }
}

/* What a v5 peer is told is a reason code that DISCONNECT, CONNACK or SUBACK may carry. */
static void test_errors_answer_with_codes(void **state)
{
    (void)state;
    static const struct {
        int err;
        uint8_t reason;
    } cases[] = {
        {ERR_MQTT_FLAGS, 0x81},
        {ERR_MQTT_PROPERTY_REPEATED, 0x82},
        {ERR_MQTT_PROTOCOL_LEVEL, 0x84},
        {ERR_MQTT_FILTER_HASH, 0x8F},
        {ERR_MQTT_TOPIC_WILDCARD, 0x90},
        {ERR_MQTT_TOPIC_ALIAS_ZERO, 0x94},
        {ERR_MQTT_PACKET_TOO_LARGE, 0x95},
        {ERR_MQTT_USER_PROPERTIES_LIMIT, 0x97},
        {ERR_MQTT_PUBLISH_PAYLOAD, 0x99},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(err_mqtt_reason(cases[i].err), cases[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_are_refused),
        cmocka_unit_test(test_topics_are_refused),
        cmocka_unit_test(test_large_packet_is_refused_early),
        cmocka_unit_test(test_user_properties_are_limited),
        cmocka_unit_test(test_deep_topic_in_publish),
        cmocka_unit_test(test_refused_connect_tells_its_version),
        cmocka_unit_test(test_every_error_was_seen),
        cmocka_unit_test(test_errors_answer_with_codes),
    };
    return cmocka_run_group_tests(tests, fill_slashes, NULL);
}
