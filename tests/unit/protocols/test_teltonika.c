/* Teltonika beyond its goldens: what the encoder writes comes back, sizes and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/crc.h"
#include "replay.h"

extern const struct protocol protocol_teltonika;

#define IDENT "356307042441013"
#define LIMIT (256 * 1024)

static struct replay_setup make_setup(enum protocol_transport transport, bool is_lenient)
{
    return (struct replay_setup){.protocol = &protocol_teltonika,
                                 .transport = transport,
                                 .is_lenient = is_lenient,
                                 .ident = IDENT};
}

static const struct protocol_sample sample = {
    .ident = {(const uint8_t *)IDENT, sizeof(IDENT) - 1},
    .time_us = INT64_C(1735689600123000),
    .latitude = -33.4379166,
    .longitude = -70.6492,
    .altitude_m = -12,
    .speed_kmh = 63,
    .direction_deg = 282,
    .satellites = 11,
    .is_ignition_on = true,
    .battery_v = 4.017,
    .external_v = 13.8,
    .mileage_m = 1234567,
    .seqnum = 7,
};

static void assert_sample(const json_t *message)
{
    json_error_t why;
    json_t *wanted = json_loads(
        "{\"timestamp\":1735689600.123,\"position.latitude\":-33.4379166,"
        "\"position.longitude\":-70.6492,\"position.altitude\":-12,\"position.speed\":63,"
        "\"position.direction\":282,\"position.satellites\":11,\"position.valid\":true,"
        "\"engine.ignition.status\":true,\"movement.status\":true,\"battery.voltage\":4.017,"
        "\"external.powersource.voltage\":13.8,\"vehicle.mileage\":1234.567,\"codec.id\":142,"
        "\"gsm.signal.level\":80,\"gnss.status\":true}",
        0, &why);
    const char *name;
    json_t *value;
    json_object_foreach(wanted, name, value) if (!json_equal(value, json_object_get(message, name)))
        fail_msg("%s differs", name);
    json_decref(wanted);
}

static const char *error_of(const json_t *report)
{
    return json_string_value(json_array_get(json_object_get(report, "errors"), 0));
}

static const char *reply_of(const json_t *report, size_t index)
{
    return json_string_value(json_array_get(json_object_get(report, "replies"), index));
}

static size_t count_of(const json_t *report, const char *list)
{
    return json_array_size(json_object_get(report, list));
}

static void test_simulated_stream_comes_back(void **state)
{
    (void)state;
    struct buf stream = buf_make(MEM_GATEWAY, LIMIT);
    struct replay_setup setup = make_setup(PROTOCOL_TCP, false);
    setup.ident = NULL;
    protocol_teltonika.encode_login(&sample, &stream);
    protocol_teltonika.encode_report(&sample, PROTOCOL_TCP, &stream);
    protocol_teltonika.encode_report(&sample, PROTOCOL_TCP, &stream);
    json_t *report = replay_stream(setup, buf_span(&stream));
    assert_int_equal(count_of(report, "errors"), 0);
    assert_int_equal(count_of(report, "messages"), 2);
    assert_string_equal(json_string_value(json_object_get(report, "ident")), IDENT);
    assert_sample(json_array_get(json_object_get(report, "messages"), 1));
    assert_string_equal(reply_of(report, 0), "01");
    assert_string_equal(reply_of(report, 2), "00000001");
    assert_true(replay_is_cut_proof(setup, buf_span(&stream), 200));
    json_decref(report);
    buf_fini(&stream);
}

static void test_simulated_datagram_comes_back(void **state)
{
    (void)state;
    struct buf datagram = buf_make(MEM_GATEWAY, LIMIT);
    protocol_teltonika.encode_report(&sample, PROTOCOL_UDP, &datagram);
    struct replay *replay = replay_new(make_setup(PROTOCOL_UDP, false));
    replay_decode(replay, buf_span(&datagram));
    json_t *report = replay_report(replay);
    assert_int_equal(count_of(report, "errors"), 0);
    assert_sample(json_array_get(json_object_get(report, "messages"), 0));
    assert_string_equal(reply_of(report, 0), "0005cafe010701");
    replay_free(&replay);
    buf_fini(&datagram);
}

static int frame_after_login(const char *hex, bool has_login)
{
    struct buf bytes = buf_make(MEM_GATEWAY, LIMIT);
    struct protocol_link link;
    assert_true(replay_unhex(span_str(hex), &bytes));
    protocol_link_init(&link, &protocol_teltonika, (struct protocol_options){0}, PROTOCOL_TCP,
                       NULL);
    if (has_login)
        assert_int_equal(protocol_set_ident(&link, SPAN_LIT("352093081452251")), 0);
    int n = protocol_teltonika.frame(&link, buf_span(&bytes));
    buf_fini(&bytes);
    return n;
}

static int frame_of(const char *hex)
{
    return frame_after_login(hex, false);
}

static void test_frame_lengths(void **state)
{
    (void)state;
    assert_int_equal(frame_of(""), 0);
    assert_int_equal(frame_after_login("ff", true), 1);
    assert_int_equal(frame_after_login("ffff", true), 1);
    assert_int_equal(frame_of("ff"), ERR_TELTONIKA_PING);
    assert_int_equal(frame_of("00"), 0);
    assert_int_equal(frame_of("0003 3131"), 0);
    assert_int_equal(frame_of("0003 313131 00"), 5);
    assert_int_equal(frame_of("00000000 000000"), 0);
    assert_int_equal(frame_of("00000000 00000000 000000"), 0);
    assert_int_equal(frame_of("00000000 00000000 00000000"), 12);
    assert_int_equal(frame_of("00000000 00007ff5"), ERR_PROTOCOL_FRAME_TOO_LONG);
    assert_int_equal(frame_of("00000000 00007ff4"), 0);
    assert_int_equal(frame_of("00000000 ffffffff"), ERR_PROTOCOL_FRAME_TOO_LONG);
    assert_int_equal(frame_of("00000001 00000000"), ERR_TELTONIKA_PREAMBLE);
    assert_int_equal(frame_of("0041"), ERR_TELTONIKA_LOGIN_LENGTH);
}

/* `data` with preamble, length and a right checksum. */
static void add_frame(struct buf *out, struct span data)
{
    buf_add_u32be(out, 0);
    buf_add_u32be(out, (uint32_t)data.n);
    buf_add_span(out, data);
    buf_add_u32be(out, crc16_arc(data));
}

static json_t *decode_data(struct span data, bool is_lenient)
{
    struct buf stream = buf_make(MEM_GATEWAY, LIMIT);
    add_frame(&stream, data);
    json_t *report = replay_stream(make_setup(PROTOCOL_TCP, is_lenient), buf_span(&stream));
    buf_fini(&stream);
    return report;
}

/* The data of one simulated report: what is between header and checksum. */
static struct span sample_data(struct buf *out)
{
    protocol_teltonika.encode_report(&sample, PROTOCOL_TCP, out);
    return span_head(span_from(buf_span(out), 8), out->n - 12);
}

static void test_data_cut_at_every_byte_is_refused(void **state)
{
    (void)state;
    struct buf frame = buf_make(MEM_GATEWAY, LIMIT);
    struct span data = sample_data(&frame);
    for (size_t n = 0; n < data.n; n++) {
        json_t *report = decode_data(span_head(data, n), false);
        const char *wanted = n == 0            ? "ERR_TELTONIKA_CODEC"
                             : n == 1          ? "ERR_TELTONIKA_COUNT"
                             : n == data.n - 1 ? "ERR_TELTONIKA_COUNT"
                                               : "ERR_TELTONIKA_TRUNCATED";
        assert_string_equal(error_of(report), wanted);
        assert_int_equal(count_of(report, "messages"), 0);
        assert_string_equal(reply_of(report, 0), "00000000");
        json_decref(report);
    }
    buf_fini(&frame);
}

static void test_lenient_takes_the_records_before_the_damage(void **state)
{
    (void)state;
    struct buf frame = buf_make(MEM_GATEWAY, LIMIT);
    struct buf data = buf_make(MEM_GATEWAY, LIMIT);
    struct span one = sample_data(&frame);
    struct span record = span_head(span_from(one, 2), one.n - 3);
    buf_add_u8(&data, one.p[0]);
    buf_add_u8(&data, 3);
    buf_add_span(&data, record);
    buf_add_span(&data, record);
    buf_add_span(&data, span_head(record, 40));
    json_t *report = decode_data(buf_span(&data), true);
    assert_int_equal(count_of(report, "messages"), 2);
    assert_sample(json_array_get(json_object_get(report, "messages"), 1));
    assert_string_equal(reply_of(report, 0), "00000002");
    json_decref(report);
    report = decode_data(buf_span(&data), false);
    assert_int_equal(count_of(report, "messages"), 0);
    assert_string_equal(reply_of(report, 0), "00000000");
    json_decref(report);
    buf_fini(&frame);
    buf_fini(&data);
}

static void test_largest_batch(void **state)
{
    (void)state;
    struct buf data = buf_make(MEM_GATEWAY, LIMIT);
    buf_add_u8(&data, 0x08);
    buf_add_u8(&data, 255);
    for (int i = 0; i < 255; i++) {
        for (int k = 0; k < 24 + 6; k++)
            buf_add_u8(&data, 0);
    }
    buf_add_u8(&data, 255);
    json_t *report = decode_data(buf_span(&data), false);
    assert_int_equal(count_of(report, "errors"), 0);
    assert_int_equal(count_of(report, "messages"), 255);
    assert_string_equal(reply_of(report, 0), "000000ff");
    json_decref(report);
    buf_fini(&data);
}

/* One codec 8 record without elements. */
static json_t *decode_record(const char *hex)
{
    struct buf data = buf_make(MEM_GATEWAY, LIMIT);
    buf_add_str(&data, "\x08\x01");
    assert_true(replay_unhex(span_str(hex), &data));
    buf_add_u8(&data, 1);
    json_t *report = decode_data(buf_span(&data), false);
    assert_int_equal(count_of(report, "messages"), 1);
    json_t *message = json_incref(json_array_get(json_object_get(report, "messages"), 0));
    json_decref(report);
    buf_fini(&data);
    return message;
}

static void test_values_that_mean_unknown(void **state)
{
    (void)state;
    json_t *m = decode_record("ffffffffffffffff 01 00000000 00000000 0000 0000 00 ffff"
                              "00 00 00 00 00 00");
    assert_null(json_object_get(m, "timestamp"));
    assert_null(json_object_get(m, "position.speed"));
    assert_true(json_is_false(json_object_get(m, "position.valid")));
    json_decref(m);
    /* No operator, an empty number of bars, a number beyond 63 bits. */
    m = decode_record("0000000000000000 01 00000000 00000000 0000 0000 00 0000"
                      "00 03 00 00 01 f1 00000000 01 7c ffffffffffffffff");
    assert_int_equal(json_integer_value(json_object_get(m, "timestamp")), 0);
    assert_null(json_object_get(m, "gsm.operator.code"));
    assert_int_equal(json_integer_value(json_object_get(m, "custom.param.241")), 0);
    assert_null(json_object_get(m, "agro.vehicle.state.bitmask"));
    assert_string_equal(json_string_value(json_object_get(m, "custom.param.124")),
                        "ffffffffffffffff");
    json_decref(m);
}

static void test_login_can_be_refused_by_the_caller(void **state)
{
    (void)state;
    struct arena arena = arena_make(MEM_MESSAGE, LIMIT);
    static struct protocol_result result;
    struct protocol_link link;
    protocol_result_init(&result, &arena);
    protocol_link_init(&link, &protocol_teltonika, (struct protocol_options){0}, PROTOCOL_TCP,
                       NULL);
    assert_int_equal(protocol_teltonika.decode(&link,
                                               SPAN_LIT("\x00\x03"
                                                        "abc"),
                                               &result),
                     0);
    assert_true(result.is_login && !result.must_close);
    assert_true(span_equal(buf_span(&result.reply), SPAN_LIT("\x01")));
    assert_true(span_equal(buf_span(&result.reject), SPAN_LIT("\x00")));
    protocol_result_clear(&result);
    assert_int_equal(protocol_teltonika.decode(&link,
                                               SPAN_LIT("\x00\x04"
                                                        "abc"),
                                               &result),
                     ERR_TELTONIKA_LOGIN_TRUNCATED);
    assert_true(result.must_close && !result.is_login);
    assert_true(span_equal(buf_span(&result.reply), SPAN_LIT("\x00")));
    assert_true(span_equal(protocol_ident(&link), SPAN_LIT("abc")));
    protocol_result_fini(&result);
    arena_fini(&arena);
}

static void test_lenient_reads_a_frame_that_lies_about_its_length(void **state)
{
    (void)state;
    struct buf frame = buf_make(MEM_GATEWAY, LIMIT);
    (void)sample_data(&frame);
    frame.p[7] = 0;
    struct replay *replay = replay_new(make_setup(PROTOCOL_TCP, true));
    replay_decode(replay, buf_span(&frame));
    assert_sample(json_array_get(json_object_get(replay_report(replay), "messages"), 0));
    replay_free(&replay);
    replay = replay_new(make_setup(PROTOCOL_TCP, false));
    replay_decode(replay, buf_span(&frame));
    json_t *report = replay_report(replay);
    assert_string_equal(error_of(report), "ERR_TELTONIKA_LENGTH");
    assert_int_equal(count_of(report, "messages"), 0);
    assert_string_equal(reply_of(report, 0), "00000000");
    replay_free(&replay);
    buf_fini(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulated_stream_comes_back),
        cmocka_unit_test(test_simulated_datagram_comes_back),
        cmocka_unit_test(test_frame_lengths),
        cmocka_unit_test(test_data_cut_at_every_byte_is_refused),
        cmocka_unit_test(test_lenient_takes_the_records_before_the_damage),
        cmocka_unit_test(test_largest_batch),
        cmocka_unit_test(test_values_that_mean_unknown),
        cmocka_unit_test(test_login_can_be_refused_by_the_caller),
        cmocka_unit_test(test_lenient_reads_a_frame_that_lies_about_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
