/* The framer: lengths, flags, and what it tells before a packet is whole. */
#include "support.h"

static void test_lengths_at_their_borders(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t total;
    } cases[] = {
        {"30 00", 2},
        {"30 7f", 127 + 2},
        {"30 8001", 128 + 3},
        {"30 ff7f", 16383 + 3},
        {"30 808001", 16384 + 4},
        {"30 ffff7f", 2097151 + 4},
        {"30 80808001", 2097152 + 5},
        {"30 ffffff7f", MQTT_PACKET_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mqtt_frame f;
        struct span in = bytes_of(cases[i].header);
        int n = mqtt_frame(in, MQTT_PACKET_MAX, &f);
        assert_int_equal(n, cases[i].total == in.n ? (int)in.n : 0);
        assert_int_equal(f.total, cases[i].total);
        assert_int_equal(mqtt_frame(in, cases[i].total, &f), n);
        assert_int_equal(mqtt_frame(in, cases[i].total - 1, &f), ERR_MQTT_PACKET_TOO_LARGE);
        bytes_free(&in);
    }
}

/* Flags that pass: those of the table in MQTT 5.0 2.1.3, and DUP where MQTT 3.1 has it. */
static void test_flags_of_every_type(void **state)
{
    (void)state;
    static const uint16_t allowed[16] = {
        [1] = 0x0001,  [2] = 0x0001,  [3] = 0x3C3F,  [4] = 0x0001,  [5] = 0x0001,
        [6] = 0x0404,  [7] = 0x0001,  [8] = 0x0404,  [9] = 0x0001,  [10] = 0x0404,
        [11] = 0x0001, [12] = 0x0001, [13] = 0x0001, [14] = 0x0001, [15] = 0x0001,
    };
    for (unsigned first = 0; first < 256; first++) {
        uint8_t header[] = {(uint8_t)first, 0};
        struct mqtt_frame f;
        int n = mqtt_frame(span_of(header, 2), 2, &f);
        bool is_allowed = allowed[first >> 4] >> (first & 15) & 1;
        assert_true(is_allowed ? n == 2 : n < 0);
        assert_int_equal(f.type, first >> 4);
        assert_int_equal(f.flags, first & 15);
        /* The first byte alone decides. */
        assert_true(is_allowed == (mqtt_frame(span_of(header, 1), 2, &f) == 0));
    }
}

static void test_nothing_is_no_frame(void **state)
{
    (void)state;
    struct mqtt_frame f = {.total = 7};
    assert_int_equal(mqtt_frame(span_of(NULL, 0), 100, &f), 0);
    assert_int_equal(f.total, 0);
}

/* A connection that must begin with CONNECT sees the type before the length is there
 * (CVE-2023-0809). */
static void test_type_is_known_at_once(void **state)
{
    (void)state;
    struct mqtt_frame f;
    struct span in = bytes_of("32 ff");
    assert_int_equal(mqtt_frame(in, MQTT_PACKET_MAX, &f), 0);
    assert_int_equal(f.type, MQTT_PUBLISH);
    assert_int_equal(f.flags, 2);
    assert_int_equal(f.total, 0);
    bytes_free(&in);
}

/* Frames end where their length says, with more packets behind (CVE-2026-25627). */
static void test_packets_in_a_row(void **state)
{
    (void)state;
    struct span in = bytes_of("c000 3004 <a> 78 e000 30");
    struct span rest = in;
    struct mqtt_frame f;
    assert_int_equal(mqtt_frame(rest, 100, &f), 2);
    assert_int_equal(f.type, MQTT_PINGREQ);
    rest = span_from(rest, 2);
    assert_int_equal(mqtt_frame(rest, 100, &f), 6);
    assert_int_equal(f.body.n, 4);
    assert_ptr_equal(f.body.p, rest.p + 2);
    rest = span_from(rest, 6);
    assert_int_equal(mqtt_frame(rest, 100, &f), 2);
    assert_int_equal(f.type, MQTT_DISCONNECT);
    rest = span_from(rest, 2);
    assert_int_equal(mqtt_frame(rest, 100, &f), 0);
    bytes_free(&in);
}

static void test_type_names(void **state)
{
    (void)state;
    assert_string_equal(mqtt_type_name(MQTT_CONNECT), "CONNECT");
    assert_string_equal(mqtt_type_name(MQTT_AUTH), "AUTH");
    assert_string_equal(mqtt_type_name((enum mqtt_type)0), "reserved");
    assert_string_equal(mqtt_type_name((enum mqtt_type)16), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_at_their_borders),
        cmocka_unit_test(test_flags_of_every_type),
        cmocka_unit_test(test_nothing_is_no_frame),
        cmocka_unit_test(test_type_is_known_at_once),
        cmocka_unit_test(test_packets_in_a_row),
        cmocka_unit_test(test_type_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
