/* Packets that are legal: what the decoder reads out of each, and that the encoder writes the same
 * bytes again. The same samples are cut at every byte. */
#include "support.h"

#define C true  /* sent by a client */
#define S false /* sent by a server */

/* Versions in which a sample is legal. */
enum {
    IN_3_1 = 1 << MQTT_3_1,
    IN_3_1_1 = 1 << MQTT_3_1_1,
    IN_3 = IN_3_1 | IN_3_1_1,
    IN_5 = 1 << MQTT_5_0,
};

struct sample {
    int versions;
    bool from_client;
    const char *packet; /* see packet_of */
};

/* In the shortest form, properties in order of their identifiers: as the encoder writes them. */
static const struct sample samples[] = {
    {IN_3_1, C, "10 <MQIsdp> 03 02 003c <id>"},
    {IN_3_1, C, "10 <MQIsdp> 83 ee 003c <id> <w> 0002 ff00 <user> <pass>"},
    {IN_3_1_1, C, "10 <MQTT> 04 00 0000 <>"},
    {IN_3_1_1, C, "10 <MQTT> 84 f6 ffff <id> <w/t> <> <user> 0003 ff00ff"},
    {IN_3_1_1, C, "10 <MQTT> 04 82 003c <id> <>"},
    {IN_5, C, "10 <MQTT> 05 02 003c [] <id>"},
    {IN_5, C, "10 <MQTT> 05 42 003c [] <id> <password>"},
    {IN_5, C,
     "10 <MQTT> 05 ee 003c [11 00000001 15 <m> 16 <d> 17 00 19 01 21 0014 22 000a 27 00001000"
     " 26 <n> <v>] <id> [01 01 02 00000002 03 <t> 08 <r> 09 0002 00ff 18 00000005 26 <n> <v>]"
     " <w> <text> <user> <pass>"},
    {IN_5, C, "10 <MQTT> 05 06 003c [] <id> [01 00] <w> 0001 ff"},
    {IN_3 | IN_5, C, "c0"},
    {IN_3 | IN_5, S, "d0"},
    {IN_3, S, "20 00 00"},
    {IN_3, S, "20 00 05"},
    {IN_3_1_1, S, "20 01 00"},
    {IN_5, S, "20 01 00 []"},
    {IN_5, S,
     "20 00 00 [11 00000001 12 <assigned> 13 003c 15 <m> 16 <d> 1a <i> 1c <s> 1f <r> 21 0014"
     " 22 000a 24 01 25 00 27 00001000 28 00 29 00 2a 00 26 <n> <v>]"},
    {IN_5, S, "20 00 9d [1c <other.example>]"},
    {IN_3, C, "30 <a/b> 'payload'"},
    {IN_3, S, "31 <a>"},
    {IN_3, C, "3d <a/b> 0102 'payload'"},
    {IN_3, C, "32 0004 ceb1 ceb2 ffff 00"},
    {IN_5, C, "30 <a/b> [] 'payload'"},
    {IN_5, C, "3a <a> ffff [] ''"},
    {IN_5, C, "30 <> [23 0001] 'payload'"},
    {IN_5, C,
     "35 <a> 0007 [01 01 02 00000009 03 <text> 08 <r/t> 09 <c> 23 0001 26 <n> <v> 26 <n> <w>]"
     " 'text'"},
    {IN_3 | IN_5, C, "40 0001"},
    {IN_3 | IN_5, C, "50 ffff"},
    {IN_3 | IN_5, C, "62 0001"},
    {IN_3 | IN_5, C, "70 0001"},
    {IN_5, C, "40 0001 10"},
    {IN_5, C, "50 0001 97"},
    {IN_5, C, "62 0001 92"},
    {IN_5, C, "40 0001 87 [1f <no> 26 <n> <v>]"},
    {IN_5, C, "70 0001 00 [26 <> <>]"},
    {IN_3, C, "82 0001 <a/#> 00 <+/b> 02"},
    {IN_5, C, "82 0001 [] <a> 00"},
    {IN_5, C, "82 0001 [0b ffffff7f 26 <n> <v>] <$share/g/a> 21 <b> 1e"},
    {IN_3, S, "90 0001 00 01 02 80"},
    {IN_5, S, "90 0001 [1f <r> 26 <n> <v>] 00 01 02 8f a2"},
    {IN_3, C, "a2 0001 <a/#> <+/b>"},
    {IN_5, C, "a2 0001 [26 <n> <v>] <a>"},
    {IN_3, S, "b0 0001"},
    {IN_5, S, "b0 0001 [1f <r>] 00 11 87"},
    {IN_3 | IN_5, C, "e0"},
    {IN_5, C, "e0 04"},
    {IN_5, C, "e0 00 [11 00000000 1f <bye> 26 <n> <v>]"},
    {IN_5, S, "e0 9c [1c <other.example> 1f <r>]"},
    {IN_5, S, "f0"},
    {IN_5, C, "f0 18 [15 <m> 16 <d> 1f <r> 26 <n> <v>]"},
    {IN_5, C, "f0 19 [15 <m>]"},
};

typedef void sample_check(const struct sample *s, enum mqtt_version v, struct span packet);

static void for_all_samples(sample_check *check)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct span packet = packet_of(samples[i].packet);
        for (int v = MQTT_3_1; v <= MQTT_5_0; v++) {
            if (samples[i].versions >> v & 1)
                check(&samples[i], (enum mqtt_version)v, packet);
        }
        bytes_free(&packet);
    }
}

static void check_same_bytes(const struct sample *s, enum mqtt_version v, struct span packet)
{
    struct any_packet p;
    int n = decode_any(packet, v, s->from_client, &p);
    if (n != (int)packet.n)
        fail_msg("%s in version %d: %s", s->packet, (int)v, err_name(n));
    struct span again = encode_any(&p, v);
    if (!span_equal(again, packet))
        fail_msg("%s in version %d: not the same bytes", s->packet, (int)v);
    bytes_free(&again);
}

static void test_encoding_gives_the_same_bytes(void **state)
{
    (void)state;
    for_all_samples(check_same_bytes);
}

/* A packet whose end has not come yet: more is needed, whatever is there. */
static void check_cut_stream(const struct sample *s, enum mqtt_version v, struct span packet)
{
    for (size_t n = 0; n < packet.n; n++) {
        struct any_packet p;
        struct span cut = bytes_copy(span_head(packet, n));
        if (decode_any(cut, v, s->from_client, &p) != 0)
            fail_msg("%s in version %d: ready after %zu bytes", s->packet, (int)v, n);
        assert_int_equal(p.frame.total, n < 2 ? 0 : packet.n);
        bytes_free(&cut);
    }
}

static void test_cut_streams_need_more(void **state)
{
    (void)state;
    for_all_samples(check_cut_stream);
}

/* The same, but with a remaining length that says that all is there: an error, or a packet that is
 * legal so (a shorter payload); never a read past the end, which the sanitizer sees. */
static void check_cut_body(const struct sample *s, enum mqtt_version v, struct span packet)
{
    size_t refused = 0;
    for (size_t n = 0; n + 2 < packet.n; n++) {
        struct any_packet p;
        struct span body = bytes_copy(span_head(span_from(packet, 2), n));
        p.frame = (struct mqtt_frame){
            .type = (enum mqtt_type)(packet.p[0] >> 4),
            .flags = packet.p[0] & 15,
            .body = body,
            .total = n + 2,
        };
        int err = decode_framed(v, s->from_client, &p);
        if (err < 0)
            refused++;
        else if (p.frame.type == MQTT_CONNECT && v != MQTT_3_1)
            fail_msg("%s in version %d: legal with %zu bytes", s->packet, (int)v, n);
        bytes_free(&body);
    }
    if (packet.n > 4)
        assert_true(refused > 0);
}

static void test_cut_bodies_are_refused(void **state)
{
    (void)state;
    for_all_samples(check_cut_body);
}

static void decode(const char *text, enum mqtt_version v, bool from_client, struct span *ret_bytes,
                   struct any_packet *ret)
{
    *ret_bytes = packet_of(text);
    int n = decode_any(*ret_bytes, v, from_client, ret);
    if (n <= 0)
        fail_msg("%s: %s", text, err_name(n));
}

static void test_connect_members(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("10 <MQTT> 05 ee 0102 [11 00000001 21 0014] <id> [18 00000005 26 <n> <v>] <w/t> <x>"
           " <user> <pass>",
           MQTT_5_0, C, &bytes, &p);
    const struct mqtt_connect *c = &p.connect;
    assert_int_equal(c->version, MQTT_5_0);
    assert_true(c->is_clean && c->has_will && c->has_user_name && c->has_password);
    assert_false(c->is_bridge);
    assert_int_equal(c->keep_alive_s, 0x0102);
    assert_span(c->client_id, "id");
    assert_span(c->user_name, "user");
    assert_span(c->password, "pass");
    assert_int_equal(c->properties.session_expiry, 1);
    assert_int_equal(c->properties.receive_maximum, 20);
    assert_span(c->will.topic, "w/t");
    assert_span(c->will.payload, "x");
    assert_int_equal(c->will.qos, 1);
    assert_true(c->will.is_retained);
    assert_int_equal(c->will.properties.will_delay, 5);
    assert_int_equal(c->will.properties.user_count, 1);
    bytes_free(&bytes);
}

static void test_bridges_are_marked(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("10 <MQIsdp> 83 02 003c <id>", MQTT_3_1, C, &bytes, &p);
    assert_true(p.connect.is_bridge);
    assert_int_equal(p.connect.version, MQTT_3_1);
    bytes_free(&bytes);
    decode("10 <MQTT> 84 02 003c <id>", MQTT_3_1, C, &bytes, &p);
    assert_true(p.connect.is_bridge);
    assert_int_equal(p.connect.version, MQTT_3_1_1);
    bytes_free(&bytes);

    /* 5.0 has no such mark: a bridge's CONNECT is written as any other. */
    uint8_t out[32];
    struct mqtt_connect bridge = {.version = MQTT_5_0, .is_bridge = true};
    size_t n = mqtt_encode_connect(&bridge, out);
    assert_true(decode_any(span_of(out, n), MQTT_5_0, C, &p) > 0);
    assert_false(p.connect.is_bridge);
}

/* MQTT 3.1 leaves some things open that 3.1.1 closed. */
static void test_what_only_3_1_allows(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("10 <MQIsdp> 03 c3 003c <id>", MQTT_3_1, C, &bytes, &p);
    assert_false(p.connect.has_user_name || p.connect.has_password);
    bytes_free(&bytes);
    decode("10 <MQIsdp> 03 c2 003c <id> <user>", MQTT_3_1, C, &bytes, &p);
    assert_true(p.connect.has_user_name && !p.connect.has_password);
    bytes_free(&bytes);
    decode("10 <MQIsdp> 03 3a 003c <id>", MQTT_3_1, C, &bytes, &p);
    assert_false(p.connect.has_will || p.connect.will.is_retained || p.connect.will.qos);
    bytes_free(&bytes);
    static const char *const resent[] = {"6a 0001", "8a 0001 <a> 00", "aa 0001 <a>"};
    for (size_t i = 0; i < 3; i++) {
        decode(resent[i], MQTT_3_1, C, &bytes, &p);
        bytes_free(&bytes);
    }
    decode("20 ff 00", MQTT_3_1, S, &bytes, &p);
    assert_false(p.connack.session_present);
    bytes_free(&bytes);
}

static void test_connack_maps_return_codes(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("20 00 04", MQTT_3_1_1, S, &bytes, &p);
    assert_int_equal(p.connack.reason, MQTT_BAD_USER_NAME);
    bytes_free(&bytes);

    uint8_t out[8];
    struct mqtt_connack refusal = {.session_present = true, .reason = MQTT_BANNED};
    assert_int_equal(mqtt_encode_connack(&refusal, MQTT_3_1_1, out), 4);
    assert_memory_equal(out, "\x20\x02\x00\x05", 4);
    assert_int_equal(mqtt_encode_connack(&refusal, MQTT_5_0, out), 5);
    assert_memory_equal(out, "\x20\x03\x00\x8a\x00", 5);
    struct mqtt_connack resumed = {.session_present = true};
    assert_int_equal(mqtt_encode_connack(&resumed, MQTT_3_1, out), 4);
    assert_memory_equal(out, "\x20\x02\x00\x00", 4);
}

static void test_publish_members(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("3d <a/b> 0102 'payload'", MQTT_3_1_1, C, &bytes, &p);
    assert_true(p.publish.is_dup && p.publish.is_retained);
    assert_int_equal(p.publish.qos, 2);
    assert_int_equal(p.publish.packet_id, 0x0102);
    assert_span(p.publish.topic, "a/b");
    assert_span(p.publish.payload, "payload");
    assert_false(p.publish.has_properties);
    bytes_free(&bytes);

    /* The byte order mark is a character like others (MQTT-1.5.4-3). */
    decode("30 0004 efbbbf 'a' [02 00000009] 'x'", MQTT_5_0, C, &bytes, &p);
    assert_true(p.publish.has_properties);
    assert_int_equal(p.publish.packet_id, 0);
    assert_int_equal(p.publish.properties.message_expiry, 9);
    assert_span(p.publish.topic, "\xef\xbb\xbf"
                                 "a");
    bytes_free(&bytes);
}

/* U+0000 may not be in MQTT's strings, but a payload of text is no MQTT string. */
static void test_text_payload_may_hold_nul(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("30 <a> [0101] 'a' 00 'b'", MQTT_5_0, C, &bytes, &p);
    assert_int_equal(p.publish.payload.n, 3);
    bytes_free(&bytes);
    decode("30 <a> [0100] ff", MQTT_5_0, C, &bytes, &p);
    assert_int_equal(p.publish.payload.n, 1);
    bytes_free(&bytes);
}

static void test_publish_head_and_payload_apart(void **state)
{
    (void)state;
    uint8_t whole[64], head[64], properties[16];
    uint32_t ids[] = {1, 128};
    struct mqtt_user_property user = {SPAN_LIT("n"), SPAN_LIT("v")};
    struct mqtt_publish p = {.qos = 1, .packet_id = 7, .topic = SPAN_LIT("a/b")};
    p.payload = SPAN_LIT("payload");
    p.encoded = span_of(properties, mqtt_put_user_property(&user, properties));
    assert_int_equal(p.encoded.n, mqtt_size_user_property(&user));

    size_t size = mqtt_size_publish(&p, MQTT_5_0, ids, 2);
    assert_int_equal(mqtt_encode_publish(&p, MQTT_5_0, ids, 2, whole), size);
    size_t n = mqtt_encode_publish_head(&p, MQTT_5_0, ids, 2, head);
    assert_int_equal(n + p.payload.n, size);
    assert_memory_equal(head, whole, n);

    struct span want = packet_of("32 <a/b> 0007 [0b01 0b8001 26 <n> <v>] 'payload'");
    assert_true(span_equal(span_of(whole, size), want));
    bytes_free(&want);
    want = packet_of("32 <a/b> 0007 'payload'");
    size = mqtt_encode_publish(&p, MQTT_3_1_1, ids, 2, whole);
    assert_true(span_equal(span_of(whole, size), want));
    bytes_free(&want);
}

static void test_subscribe_members(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("82 0102 [0b07] <a/#> 2e <b> 11", MQTT_5_0, C, &bytes, &p);
    assert_int_equal(p.subscribe.packet_id, 0x0102);
    assert_int_equal(p.subscribe.count, 2);
    assert_int_equal(p.subscribe.properties.subscription_id, 7);
    struct span rest = p.subscribe.filters;
    struct mqtt_subscription s;
    assert_true(mqtt_subscribe_next(&rest, MQTT_5_0, &s));
    assert_span(s.filter, "a/#");
    assert_int_equal(s.qos, 2);
    assert_true(s.no_local && s.retain_as_published);
    assert_int_equal(s.retain_handling, 2);

    uint8_t out[8];
    assert_int_equal(mqtt_put_subscription(&s, MQTT_5_0, out), 6);
    assert_memory_equal(out, "\0\3a/#\x2e", 6);
    assert_int_equal(mqtt_put_subscription(&s, MQTT_3_1_1, out), 6);
    assert_memory_equal(out, "\0\3a/#\x02", 6);

    assert_true(mqtt_subscribe_next(&rest, MQTT_5_0, &s));
    assert_span(s.filter, "b");
    assert_int_equal(s.qos, 1);
    assert_false(s.no_local || s.retain_as_published);
    assert_int_equal(s.retain_handling, 1);
    assert_false(mqtt_subscribe_next(&rest, MQTT_5_0, &s));
    bytes_free(&bytes);

    decode("82 0102 <a> 02", MQTT_3_1_1, C, &bytes, &p);
    rest = p.subscribe.filters;
    assert_true(mqtt_subscribe_next(&rest, MQTT_3_1_1, &s));
    assert_int_equal(s.qos, 2);
    assert_false(s.no_local || s.retain_as_published || s.retain_handling);
    bytes_free(&bytes);
}

static void test_unsubscribe_members(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("a2 0102 <a/#> <>", MQTT_3_1_1, C, &bytes, &p);
    assert_int_equal(p.unsubscribe.packet_id, 0x0102);
    assert_int_equal(p.unsubscribe.count, 2);
    struct span rest = p.unsubscribe.filters;
    struct span filter;
    assert_true(mqtt_unsubscribe_next(&rest, &filter));
    assert_span(filter, "a/#");
    assert_true(mqtt_unsubscribe_next(&rest, &filter));
    assert_span(filter, "");
    assert_false(mqtt_unsubscribe_next(&rest, &filter));
    bytes_free(&bytes);
}

/* Lists that were not checked end where they break. */
static void test_broken_lists_end(void **state)
{
    (void)state;
    struct mqtt_subscription s;
    struct span filter;
    struct mqtt_user_property user;
    uint32_t id;
    struct span broken = bytes_of("0005 'ab'"), cut = bytes_of("26 0005 'ab'");
    struct span bad_id = bytes_of("0b 8000");
    struct span rest = broken;
    assert_false(mqtt_subscribe_next(&rest, MQTT_5_0, &s));
    rest = broken;
    assert_false(mqtt_unsubscribe_next(&rest, &filter));
    rest = broken;
    assert_false(mqtt_user_property_next(&rest, &user));
    rest = cut;
    assert_false(mqtt_user_property_next(&rest, &user));
    rest = bad_id;
    assert_false(mqtt_subscription_id_next(&rest, &id));
    bytes_free(&broken);
    bytes_free(&cut);
    bytes_free(&bad_id);
}

static void test_ack_members(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("50 0102 87 [1f <no>]", MQTT_5_0, C, &bytes, &p);
    assert_int_equal(p.ack.packet_id, 0x0102);
    assert_int_equal(p.ack.reason, MQTT_NOT_AUTHORIZED);
    assert_span(p.ack.properties.reason_string, "no");
    bytes_free(&bytes);

    /* The long form of a success is read, and written short. */
    decode("40 0102 00 []", MQTT_5_0, C, &bytes, &p);
    assert_int_equal(p.ack.reason, MQTT_SUCCESS);
    struct span again = encode_any(&p, MQTT_5_0);
    assert_int_equal(again.n, 4);
    bytes_free(&again);
    bytes_free(&bytes);

    struct mqtt_ack ack = {.packet_id = 1, .reason = MQTT_QUOTA_EXCEEDED};
    assert_int_equal(mqtt_size_ack(&ack, MQTT_3_1_1), 4);
    assert_int_equal(mqtt_size_ack(&ack, MQTT_5_0), 5);
}

static void test_suback_of_3_knows_one_failure(void **state)
{
    (void)state;
    uint8_t out[16];
    struct mqtt_suback s = {.packet_id = 1, .reasons = SPAN_LIT("\x01\x8f\x9e")};
    assert_int_equal(mqtt_size_suback(MQTT_SUBACK, &s, MQTT_3_1_1), 7);
    assert_int_equal(mqtt_encode_suback(MQTT_SUBACK, &s, MQTT_3_1_1, out), 7);
    assert_memory_equal(out, "\x90\x05\x00\x01\x01\x80\x80", 7);
    assert_int_equal(mqtt_encode_suback(MQTT_UNSUBACK, &s, MQTT_3_1_1, out), 4);
    assert_memory_equal(out, "\xb0\x02\x00\x01", 4);
}

static void test_disconnect_members(void **state)
{
    (void)state;
    struct any_packet p;
    struct span bytes;
    decode("e0 04 [11 0000003c]", MQTT_5_0, C, &bytes, &p);
    assert_int_equal(p.disconnect.reason, MQTT_DISCONNECT_WITH_WILL);
    assert_int_equal(p.disconnect.properties.session_expiry, 60);
    bytes_free(&bytes);
    decode("f0 18 [15 <SCRAM> 16 <data>]", MQTT_5_0, C, &bytes, &p);
    assert_int_equal(p.disconnect.reason, MQTT_CONTINUE_AUTHENTICATION);
    assert_span(p.disconnect.properties.auth_method, "SCRAM");
    assert_span(p.disconnect.properties.auth_data, "data");
    bytes_free(&bytes);
    struct mqtt_disconnect d = {.reason = MQTT_SESSION_TAKEN_OVER};
    assert_int_equal(mqtt_size_disconnect(&d, MQTT_5_0), 3);
    assert_int_equal(mqtt_size_disconnect(&d, MQTT_3_1_1), 2);
}

/* What no packet can hold has size 0; the bytes are never looked at. */
static void test_impossible_packets_have_no_size(void **state)
{
    (void)state;
    uint8_t byte = 'a';
    struct span long_text = {&byte, 65536}, huge = {&byte, 268435456};
    uint32_t id = 268435456;
    struct mqtt_publish p = {.topic = long_text};
    assert_int_equal(mqtt_size_publish(&p, MQTT_3_1_1, NULL, 0), 0);
    p = (struct mqtt_publish){.topic = {&byte, 1}, .payload = huge};
    assert_int_equal(mqtt_size_publish(&p, MQTT_5_0, NULL, 0), 0);
    p.payload.n = 268435455 - 3;
    assert_int_equal(mqtt_size_publish(&p, MQTT_3_1_1, NULL, 0), MQTT_PACKET_MAX);
    assert_int_equal(mqtt_size_publish(&p, MQTT_5_0, NULL, 0), 0);
    p.payload.n = 1;
    assert_int_equal(mqtt_size_publish(&p, MQTT_5_0, &id, 1), 0);

    struct mqtt_connect c = {.version = MQTT_3_1_1, .client_id = long_text};
    assert_int_equal(mqtt_size_connect(&c), 0);
    struct mqtt_connack k = {.properties.reason_string = long_text};
    k.properties.present = UINT64_C(1) << MQTT_PROP_REASON_STRING;
    assert_int_equal(mqtt_size_connack(&k, MQTT_5_0), 0);
    struct mqtt_ack a = {.properties = k.properties};
    assert_int_equal(mqtt_size_ack(&a, MQTT_5_0), 0);
    struct mqtt_subscribe s = {.filters = huge};
    assert_int_equal(mqtt_size_subscribe(&s, MQTT_3_1_1), 0);
    struct mqtt_suback b = {.reasons = huge};
    assert_int_equal(mqtt_size_suback(MQTT_SUBACK, &b, MQTT_3_1_1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoding_gives_the_same_bytes),
        cmocka_unit_test(test_cut_streams_need_more),
        cmocka_unit_test(test_cut_bodies_are_refused),
        cmocka_unit_test(test_connect_members),
        cmocka_unit_test(test_bridges_are_marked),
        cmocka_unit_test(test_what_only_3_1_allows),
        cmocka_unit_test(test_connack_maps_return_codes),
        cmocka_unit_test(test_publish_members),
        cmocka_unit_test(test_text_payload_may_hold_nul),
        cmocka_unit_test(test_publish_head_and_payload_apart),
        cmocka_unit_test(test_subscribe_members),
        cmocka_unit_test(test_unsubscribe_members),
        cmocka_unit_test(test_broken_lists_end),
        cmocka_unit_test(test_ack_members),
        cmocka_unit_test(test_suback_of_3_knows_one_failure),
        cmocka_unit_test(test_disconnect_members),
        cmocka_unit_test(test_impossible_packets_have_no_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
