/* Every property of MQTT 5.0 in every packet: taken where the standard's table 2-4 allows it, with
 * its value in its member and the same bytes when written again; refused elsewhere. */
#include "support.h"

#include <stdio.h>

enum place {
    CONNECT,
    WILL,
    CONNACK,
    PUBLISH, /* from a client */
    PUBLISH_BY_SERVER,
    PUBACK,
    PUBREC,
    PUBREL,
    PUBCOMP,
    SUBSCRIBE,
    SUBACK,
    UNSUBSCRIBE,
    UNSUBACK,
    DISCONNECT, /* from a client */
    DISCONNECT_BY_SERVER,
    AUTH,
    PLACE_COUNT,
};

/* Packets; the properties go where the star is. */
static const struct {
    bool from_client;
    const char *packet;
} places[PLACE_COUNT] = {
    [CONNECT] = {true, "10 <MQTT> 05 02 003c [*] <id>"},
    [WILL] = {true, "10 <MQTT> 05 06 003c [] <id> [*] <w> <x>"},
    [CONNACK] = {false, "20 00 00 [*]"},
    [PUBLISH] = {true, "30 <a> [*] 'payload'"},
    [PUBLISH_BY_SERVER] = {false, "30 <a> [*] 'payload'"},
    [PUBACK] = {true, "40 0001 00 [*]"},
    [PUBREC] = {true, "50 0001 00 [*]"},
    [PUBREL] = {true, "62 0001 00 [*]"},
    [PUBCOMP] = {true, "70 0001 00 [*]"},
    [SUBSCRIBE] = {true, "82 0001 [*] <a> 00"},
    [SUBACK] = {false, "90 0001 [*] 00"},
    [UNSUBSCRIBE] = {true, "a2 0001 [*] <a>"},
    [UNSUBACK] = {false, "b0 0001 [*] 00"},
    [DISCONNECT] = {true, "e0 00 [*]"},
    [DISCONNECT_BY_SERVER] = {false, "e0 00 [*]"},
    [AUTH] = {true, "f0 18 [15 <m> *]"},
};

#define BIT(place) (1u << (place))
#define MESSAGES (BIT(WILL) | BIT(PUBLISH) | BIT(PUBLISH_BY_SERVER))
#define ACKS (BIT(PUBACK) | BIT(PUBREC) | BIT(PUBREL) | BIT(PUBCOMP) | BIT(SUBACK) | BIT(UNSUBACK))
#define BOTH_DISCONNECTS (BIT(DISCONNECT) | BIT(DISCONNECT_BY_SERVER))
#define HANDSHAKE (BIT(CONNECT) | BIT(CONNACK))
#define AT(member) offsetof(struct mqtt_properties, member)

/* A value, its member, and the value there; `size` 0: a span, whose text is `text`. */
static const struct property {
    unsigned id;
    const char *bytes;
    unsigned places;
    size_t at, size;
    uint32_t number;
    const char *text;
} properties[] = {
    {0x01, "01 01", MESSAGES, AT(payload_format), 1, 1, NULL},
    {0x02, "02 01020304", MESSAGES, AT(message_expiry), 4, 0x01020304, NULL},
    {0x03, "03 <text/plain>", MESSAGES, AT(content_type), 0, 0, "text/plain"},
    {0x08, "08 <answer/to>", MESSAGES, AT(response_topic), 0, 0, "answer/to"},
    {0x09, "09 <data>", MESSAGES, AT(correlation_data), 0, 0, "data"},
    {0x0b, "0b ffffff7f", BIT(SUBSCRIBE) | BIT(PUBLISH_BY_SERVER), AT(subscription_id), 4,
     268435455, NULL},
    {0x11, "11 ffffffff", HANDSHAKE | BIT(DISCONNECT), AT(session_expiry), 4, UINT32_MAX, NULL},
    {0x12, "12 <assigned>", BIT(CONNACK), AT(assigned_client_id), 0, 0, "assigned"},
    {0x13, "13 0102", BIT(CONNACK), AT(server_keep_alive), 2, 0x0102, NULL},
    {0x15, "15 <method>", HANDSHAKE | BIT(AUTH), AT(auth_method), 0, 0, "method"},
    {0x16, "15 <method> 16 <data>", HANDSHAKE | BIT(AUTH), AT(auth_data), 0, 0, "data"},
    {0x17, "17 00", BIT(CONNECT), AT(request_problem_info), 1, 0, NULL},
    {0x18, "18 00000102", BIT(WILL), AT(will_delay), 4, 0x0102, NULL},
    {0x19, "19 01", BIT(CONNECT), AT(request_response_info), 1, 1, NULL},
    {0x1a, "1a <info>", BIT(CONNACK), AT(response_info), 0, 0, "info"},
    {0x1c, "1c <server>", BIT(CONNACK) | BIT(DISCONNECT_BY_SERVER), AT(server_reference), 0, 0,
     "server"},
    {0x1f, "1f <reason>", BIT(CONNACK) | ACKS | BOTH_DISCONNECTS | BIT(AUTH), AT(reason_string), 0,
     0, "reason"},
    {0x21, "21 ffff", HANDSHAKE, AT(receive_maximum), 2, UINT16_MAX, NULL},
    {0x22, "22 0000", HANDSHAKE, AT(topic_alias_maximum), 2, 0, NULL},
    {0x23, "23 0001", BIT(PUBLISH) | BIT(PUBLISH_BY_SERVER), AT(topic_alias), 2, 1, NULL},
    {0x24, "24 01", BIT(CONNACK), AT(maximum_qos), 1, 1, NULL},
    {0x25, "25 00", BIT(CONNACK), AT(retain_available), 1, 0, NULL},
    {0x26, "26 <name> <value>", BIT(PLACE_COUNT) - 1, AT(user_count), 2, 1, NULL},
    {0x27, "27 00000001", HANDSHAKE, AT(maximum_packet_size), 4, 1, NULL},
    {0x28, "28 01", BIT(CONNACK), AT(wildcard_available), 1, 1, NULL},
    {0x29, "29 00", BIT(CONNACK), AT(subscription_id_available), 1, 0, NULL},
    {0x2a, "2a 01", BIT(CONNACK), AT(shared_available), 1, 1, NULL},
};
#define PROPERTY_COUNT (sizeof(properties) / sizeof(properties[0]))

static void check_value(const struct mqtt_properties *p, const struct property *property)
{
    const uint8_t *member = (const uint8_t *)p + property->at;
    uint8_t byte;
    uint16_t half;
    uint32_t word;
    struct span span;
    assert_true(mqtt_has(p, (enum mqtt_property)property->id));
    switch (property->size) {
    case 0:
        memcpy(&span, member, sizeof(span));
        assert_span(span, property->text);
        break;
    case 1:
        memcpy(&byte, member, sizeof(byte));
        assert_int_equal(byte, property->number);
        break;
    case 2:
        memcpy(&half, member, sizeof(half));
        assert_int_equal(half, property->number);
        break;
    default:
        memcpy(&word, member, sizeof(word));
        assert_int_equal(word, property->number);
    }
}

static struct span fill_place(enum place place, const char *bytes)
{
    char text[256];
    const char *packet = places[place].packet;
    const char *star = strchr(packet, '*');
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(star - packet), packet, bytes, star + 1);
    return packet_of(text);
}

static const struct mqtt_properties *block_of(const struct any_packet *p, enum place place)
{
    return place == WILL ? &p->connect.will.properties : properties_of(p);
}

static void check_property_in(const struct property *property, enum place place)
{
    struct any_packet p;
    const char *bytes = property->bytes;
    if (place == AUTH && property->id == 0x16)
        bytes = "16 <data>"; /* the method is there already */
    struct span packet = fill_place(place, bytes);
    int n = decode_any(packet, MQTT_5_0, places[place].from_client, &p);
    if (n < 0)
        fail_msg("property %#x in place %d: %s", property->id, (int)place, err_name(n));
    check_value(block_of(&p, place), property);
    struct span again = encode_any(&p, MQTT_5_0);
    assert_true(span_equal(packet, again));
    bytes_free(&again);
    bytes_free(&packet);
}

static void check_property_not_in(const struct property *property, enum place place)
{
    struct any_packet p;
    struct span packet = fill_place(place, property->bytes);
    int n = decode_any(packet, MQTT_5_0, places[place].from_client, &p);
    if (n != ERR_MQTT_PROPERTY_NOT_ALLOWED && n != ERR_MQTT_PROPERTY_SENDER)
        fail_msg("property %#x in place %d: %s", property->id, (int)place, err_name(n));
    bytes_free(&packet);
}

static void test_every_property_in_every_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROPERTY_COUNT; i++) {
        for (unsigned place = 0; place < PLACE_COUNT; place++) {
            if (place == AUTH && properties[i].id == 0x15)
                continue; /* every sample of AUTH has it */
            if (properties[i].places >> place & 1)
                check_property_in(&properties[i], (enum place)place);
            else
                check_property_not_in(&properties[i], (enum place)place);
        }
    }
}

static void test_no_property_repeats_but_two(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROPERTY_COUNT; i++) {
        for (unsigned place = 0; place < PLACE_COUNT; place++) {
            unsigned id = properties[i].id;
            if (!(properties[i].places >> place & 1) || place == AUTH)
                continue;
            char twice[128];
            struct any_packet p;
            (void)snprintf(twice, sizeof(twice), "%s %s", properties[i].bytes, properties[i].bytes);
            struct span packet = fill_place((enum place)place, twice);
            int n = decode_any(packet, MQTT_5_0, places[place].from_client, &p);
            if (id == 0x26 || (id == 0x0b && place == PUBLISH_BY_SERVER))
                assert_int_equal(n, packet.n);
            else
                assert_int_equal(n, ERR_MQTT_PROPERTY_REPEATED);
            bytes_free(&packet);
        }
    }
}

/* Encoders given more than the packet may carry write what it may. */
static void test_encoders_leave_out_what_may_not_be(void **state)
{
    (void)state;
    uint8_t out[64];
    struct mqtt_properties all = {
        .present = UINT64_MAX,
        .reason_string = SPAN_LIT("r"),
        .server_reference = SPAN_LIT("s"),
        .raw = {NULL, 0},
    };
    struct mqtt_ack ack = {.packet_id = 1, .properties = all};
    size_t n = mqtt_encode_ack(MQTT_PUBACK, &ack, MQTT_5_0, out);
    struct span want = packet_of("40 0001 00 [1f <r>]");
    assert_int_equal(mqtt_size_ack(&ack, MQTT_5_0), want.n);
    assert_true(span_equal(span_of(out, n), want));
    bytes_free(&want);
}

static void test_walkers_keep_the_order(void **state)
{
    (void)state;
    struct span packet = packet_of("30 <a> [26 <b> <1> 0b 05 03 <text> 26 <a> <2> 0b 8001"
                                   " 26 <b> <3>] 'x'");
    struct any_packet p;
    assert_int_equal(decode_any(packet, MQTT_5_0, false, &p), packet.n);
    const struct mqtt_properties *block = &p.publish.properties;
    assert_int_equal(block->user_count, 3);
    assert_int_equal(block->subscription_id_count, 2);
    assert_int_equal(block->subscription_id, 5);

    static const char *const users[][2] = {{"b", "1"}, {"a", "2"}, {"b", "3"}};
    struct span rest = block->raw;
    struct mqtt_user_property user;
    for (size_t i = 0; i < 3; i++) {
        assert_true(mqtt_user_property_next(&rest, &user));
        assert_span(user.name, users[i][0]);
        assert_span(user.value, users[i][1]);
    }
    assert_false(mqtt_user_property_next(&rest, &user));

    uint32_t id;
    rest = block->raw;
    assert_true(mqtt_subscription_id_next(&rest, &id));
    assert_int_equal(id, 5);
    assert_true(mqtt_subscription_id_next(&rest, &id));
    assert_int_equal(id, 128);
    assert_false(mqtt_subscription_id_next(&rest, &id));
    bytes_free(&packet);
}

/* MQTT_USER_PROPERTIES_MAX user properties are taken; one more is refused in test_refusals. */
static void test_as_many_user_properties_as_allowed(void **state)
{
    (void)state;
    uint8_t raw[MQTT_USER_PROPERTIES_MAX * 5], out[sizeof(raw) + 16];
    struct mqtt_user_property user = {{NULL, 0}, {NULL, 0}};
    size_t n = 0;
    while (n < sizeof(raw))
        n += mqtt_put_user_property(&user, raw + n);
    struct mqtt_publish p = {.topic = SPAN_LIT("t"), .encoded = {raw, n}};
    n = mqtt_encode_publish(&p, MQTT_5_0, NULL, 0, out);
    struct any_packet any;
    assert_int_equal(decode_any(span_of(out, n), MQTT_5_0, true, &any), n);
    assert_int_equal(any.publish.properties.user_count, MQTT_USER_PROPERTIES_MAX);
}

/* A server may send any number of identifiers; the count stops at what it can say. */
static void test_count_of_subscription_ids_stops(void **state)
{
    (void)state;
    static uint32_t ids[UINT16_MAX + 2];
    static uint8_t out[2 * sizeof(ids)];
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        ids[i] = 1 + (uint32_t)(i & 63);
    struct mqtt_publish p = {.topic = SPAN_LIT("t")};
    size_t n = mqtt_encode_publish(&p, MQTT_5_0, ids, sizeof(ids) / sizeof(ids[0]), out);
    struct any_packet any;
    assert_int_equal(decode_any(span_of(out, n), MQTT_5_0, false, &any), n);
    assert_int_equal(any.publish.properties.subscription_id_count, UINT16_MAX);
    assert_int_equal(any.publish.properties.subscription_id, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_property_in_every_packet),
        cmocka_unit_test(test_no_property_repeats_but_two),
        cmocka_unit_test(test_encoders_leave_out_what_may_not_be),
        cmocka_unit_test(test_walkers_keep_the_order),
        cmocka_unit_test(test_as_many_user_properties_as_allowed),
        cmocka_unit_test(test_count_of_subscription_ids_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
