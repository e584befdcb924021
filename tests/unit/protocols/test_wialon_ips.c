/* Wialon IPS: each refusal by name and with the protocol's answer, the limits, the channel's
 * options, and the simulated tracker read back. Whole packets are in tests/golden/wialon-ips. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "replay.h"

#define PRE "NA;NA;NA;;NA;;1;2;3;4;"
#define TEN "1234567890"

static struct replay_setup setup(bool is_lenient, const char *ident)
{
    return (struct replay_setup){
        .protocol = protocol_by_name(SPAN_LIT("wialon-ips")),
        .transport = PROTOCOL_TCP,
        .is_lenient = is_lenient,
        .ident = ident,
    };
}

/* The text of the only reply, or "" when there is none; lives until the next call. */
static const char *reply_text(const json_t *report)
{
    static uint8_t text[4096];
    struct buf bytes = buf_make(MEM_GATEWAY, sizeof(text) - 1);
    const char *hex = json_string_value(json_array_get(json_object_get(report, "replies"), 0));
    assert_true(replay_unhex(span_str(hex ? hex : ""), &bytes));
    if (bytes.n)
        memcpy(text, bytes.p, bytes.n);
    text[bytes.n] = '\0';
    buf_fini(&bytes);
    return (const char *)text;
}

static const struct {
    int err;
    const char *packet, *reply;
} refusals[] = {
    {ERR_WIALON_IPS_COMPRESSED, "\xff\x01", ""},
    {ERR_WIALON_IPS_PHOTO_SIZE, "#I#65537;0;1\r\n", ""},
    {ERR_WIALON_IPS_PHOTO_SIZE, "#I#x;0;1\r\n", ""},
    {ERR_WIALON_IPS_NOISE, "hello\r\n", ""},
    {ERR_WIALON_IPS_START, "#P\r\n", ""},
    {ERR_WIALON_IPS_TYPE, "#ZZ#\r\n", ""},
    {ERR_WIALON_IPS_VERSION, "#L#3.0;1;NA;0000\r\n", "#AL#0\r\n"},
    {ERR_WIALON_IPS_LOGIN, "#L#1\r\n", "#AL#0\r\n"},
    {ERR_WIALON_IPS_LOGIN, "#L#2.0;1;NA;0000;x\r\n", "#AL#0\r\n"},
    {ERR_IDENT_EMPTY, "#L#;NA\r\n", "#AL#0\r\n"},
    {ERR_IDENT_CHARACTER, "#L#a+b;NA\r\n", "#AL#0\r\n"},
    {ERR_IDENT_TOO_LONG, "#L#" TEN TEN TEN TEN TEN TEN TEN ";NA\r\n", "#AL#0\r\n"},
    {ERR_WIALON_IPS_CRC, "#L#2.0;1;NA;0000\r\n", "#AL#10\r\n"},
    {ERR_WIALON_IPS_CRC_TEXT, "#L#2.0;1;NA;xyz\r\n", "#AL#10\r\n"},
    {ERR_WIALON_IPS_CRC_ABSENT, "#L#2.0;1;NA\r\n", "#AL#10\r\n"},
    {ERR_WIALON_IPS_CRC, "#SD#" PRE "0000\r\n", "#ASD#13\r\n"},
    {ERR_WIALON_IPS_CRC_TEXT, "#SD#" PRE "00000\r\n", "#ASD#13\r\n"},
    {ERR_WIALON_IPS_CRC, "#D#" PRE ";;;;;;1\r\n", "#AD#16\r\n"},
    {ERR_WIALON_IPS_CRC, "#B#" PRE "|0000\r\n", "#AB#\r\n"},
    {ERR_WIALON_IPS_FIELDS, "#SD#1;2\r\n", "#ASD#-1\r\n"},
    {ERR_WIALON_IPS_FIELDS, "#D#1;2\r\n", "#AD#-1\r\n"},
    {ERR_WIALON_IPS_FIELDS, "#D#" PRE ";;;;;;;;;;;\r\n", "#AD#-1\r\n"},
    {ERR_WIALON_IPS_RECORD_FIELDS, "#B#1;2\r\n", "#AB#0\r\n"},
    {ERR_WIALON_IPS_TIME, "#SD#310213;000000;NA;;NA;;;;;\r\n", "#ASD#0\r\n"},
    {ERR_WIALON_IPS_TIME, "#SD#010113;0000;NA;;NA;;;;;\r\n", "#ASD#0\r\n"},
    {ERR_WIALON_IPS_TIME, "#SD#010113;000000.x;NA;;NA;;;;;\r\n", "#ASD#0\r\n"},
    {ERR_WIALON_IPS_TIME, "#D#010113;NA;NA;;NA;;;;;;;;;;;\r\n", "#AD#0\r\n"},
    {ERR_WIALON_IPS_COORDINATES, "#SD#NA;NA;5544.6;X;03739.6;E;;;;\r\n", "#ASD#10\r\n"},
    {ERR_WIALON_IPS_COORDINATES, "#SD#NA;NA;-5544.6;N;03739.6;E;;;;\r\n", "#ASD#10\r\n"},
    {ERR_WIALON_IPS_COORDINATES_RANGE, "#D#NA;NA;5544.6;N;18000.1;W;;;;;;;;;;\r\n", "#AD#10\r\n"},
    {ERR_WIALON_IPS_MOTION, "#SD#NA;NA;NA;;NA;;fast;;;\r\n", "#ASD#11\r\n"},
    {ERR_WIALON_IPS_MOTION, "#D#NA;NA;NA;;NA;;;;high;;;;;;;\r\n", "#AD#11\r\n"},
    {ERR_WIALON_IPS_SATELLITES, "#SD#NA;NA;NA;;NA;;;;;many\r\n", "#ASD#12\r\n"},
    {ERR_WIALON_IPS_HDOP, "#D#" PRE "x;;;;;\r\n", "#AD#12\r\n"},
    {ERR_WIALON_IPS_IO, "#D#" PRE ";x;;;;\r\n", "#AD#13\r\n"},
    {ERR_WIALON_IPS_IO, "#D#" PRE ";;x;;;\r\n", "#AD#13\r\n"},
    {ERR_WIALON_IPS_ADC, "#D#" PRE ";;;1,x;;\r\n", "#AD#14\r\n"},
    {ERR_WIALON_IPS_PARAM, "#D#" PRE ";;;;;name\r\n", "#AD#15\r\n"},
    {ERR_WIALON_IPS_PARAM, "#D#" PRE ";;;;;name:9:1\r\n", "#AD#15\r\n"},
    {ERR_WIALON_IPS_PARAM_VALUE, "#D#" PRE ";;;;;name:1:one\r\n", "#AD#15\r\n"},
    {ERR_WIALON_IPS_DRIVER_MESSAGE, "#M# \r\n", "#AM#0\r\n"},
    {ERR_WIALON_IPS_PHOTO, "#I#3;0;1;NA;NA;a.jpg\r\nabc", "#AI#0\r\n"},
    {ERR_WIALON_IPS_TACHOGRAPH, "#T#\r\n", "#AT#0\r\n"},
};

static void test_refusals_have_names_and_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        uint64_t before = err_count(refusals[i].err);
        json_t *report = replay_stream(setup(false, "1"), span_str(refusals[i].packet));
        const char *name = json_string_value(json_array_get(json_object_get(report, "errors"), 0));
        if (!name || strcmp(name, err_name(refusals[i].err)) != 0)
            fail_msg("%s gave %s", refusals[i].packet, name ? name : "no refusal");
        assert_int_equal(err_count(refusals[i].err), before + 1);
        assert_string_equal(reply_text(report), refusals[i].reply);
        assert_int_equal(json_array_size(json_object_get(report, "messages")), 0);
        json_decref(report);
    }
}

static void test_no_data_before_the_login(void **state)
{
    (void)state;
    static const char *const packets[] = {"#SD#" PRE "\r\n", "#B#" PRE "\r\n", "#M#x\r\n"};
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        json_t *report = replay_stream(setup(false, NULL), span_str(packets[i]));
        assert_string_equal(json_string_value(json_array_get(json_object_get(report, "errors"), 0)),
                            "ERR_PROTOCOL_NO_IDENT");
        assert_string_equal(reply_text(report), "");
        json_decref(report);
    }
}

/* A lenient channel counts a wrong checksum and takes the packet. */
static void test_lenient_channel(void **state)
{
    (void)state;
    uint64_t before = err_count(ERR_WIALON_IPS_CRC);
    json_t *report = replay_stream(setup(true, "1"), SPAN_LIT("#D#" PRE ";;;;;;0000\r\n"));
    assert_int_equal(json_array_size(json_object_get(report, "messages")), 1);
    assert_int_equal(json_array_size(json_object_get(report, "errors")), 0);
    assert_string_equal(reply_text(report), "#AD#1\r\n");
    assert_int_equal(err_count(ERR_WIALON_IPS_CRC), before + 1);
    json_decref(report);
}

/* One frame straight to decode(), for what a replay cannot set. */
struct bench {
    struct protocol_link link;
    struct protocol_result result;
    struct arena arena;
    uint8_t state[64];
};

static void bench_init(struct bench *b, struct protocol_options options, size_t arena_limit)
{
    const struct protocol *protocol = protocol_by_name(SPAN_LIT("wialon-ips"));
    memset(b->state, 0, sizeof(b->state));
    assert_true(protocol->state_size <= sizeof(b->state));
    b->arena = arena_make(MEM_MESSAGE, arena_limit);
    protocol_link_init(&b->link, protocol, options, PROTOCOL_TCP, b->state);
    protocol_result_init(&b->result, &b->arena);
    assert_int_equal(protocol_set_ident(&b->link, SPAN_LIT("1")), 0);
}

static void bench_fini(struct bench *b)
{
    protocol_result_fini(&b->result);
    arena_fini(&b->arena);
}

static int bench_decode(struct bench *b, struct span frame)
{
    protocol_result_clear(&b->result);
    return b->link.protocol->decode(&b->link, frame, &b->result);
}

static void test_login_may_be_refused_by_the_channel(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, (struct protocol_options){0}, 1 << 20);
    assert_int_equal(bench_decode(&b, SPAN_LIT("#L#123;NA\r\n")), 0);
    assert_true(b.result.is_login);
    assert_true(span_equal(buf_span(&b.result.reject), SPAN_LIT("#AL#0\r\n")));
    assert_true(span_equal(protocol_ident(&b.link), SPAN_LIT("123")));
    assert_int_equal(bench_decode(&b, SPAN_LIT("#P#\r\n")), 0);
    assert_false(b.result.is_login);
    bench_fini(&b);
}

static void test_local_time_of_the_channel(void **state)
{
    (void)state;
    static struct bench b;
    bench_init(&b, (struct protocol_options){.timezone_s = 3 * 3600}, 1 << 20);
    assert_int_equal(bench_decode(&b, SPAN_LIT("#SD#010170;030001;NA;;NA;;;;;\r\n")), 0);
    /* Two digits of a year are of this century. */
    assert_int_equal(message_time_us(b.result.messages[0]), 3155760001000000);
    assert_int_equal(bench_decode(&b, SPAN_LIT("#SD#NA;NA;NA;;NA;;;;;\r\n")), 0);
    assert_false(message_has_time(b.result.messages[0]));
    bench_fini(&b);
}

/* A black box with more records than a frame may have is not acknowledged: nothing of it is kept.
 */
static void test_black_box_limits(void **state)
{
    (void)state;
    static struct bench b;
    struct buf packet = buf_make(MEM_GATEWAY, 1 << 16);
    buf_add_str(&packet, "#B#");
    for (int i = 0; i <= PROTOCOL_MESSAGES_MAX; i++)
        buf_add_str(&packet, "NA;NA;NA;;NA;;;;;|");
    bench_init(&b, (struct protocol_options){0}, 8 << 20);
    assert_int_equal(bench_decode(&b, buf_span(&packet)), ERR_PROTOCOL_MESSAGES_LIMIT);
    assert_int_equal(b.result.message_count, 0);
    assert_int_equal(b.result.reply.n, 0);
    bench_fini(&b);
    bench_init(&b, (struct protocol_options){0}, 16);
    assert_int_equal(bench_decode(&b, buf_span(&packet)), ERR_NO_MEMORY);
    assert_int_equal(bench_decode(&b, SPAN_LIT("#M#text\r\n")), ERR_NO_MEMORY);
    assert_int_equal(b.result.reply.n, 0);
    bench_fini(&b);
    buf_fini(&packet);
}

static void test_line_limit(void **state)
{
    (void)state;
    const struct protocol *protocol = protocol_by_name(SPAN_LIT("wialon-ips"));
    struct buf line = buf_make(MEM_GATEWAY, 1 << 16);
    while (line.n < 32 * 1024 - 1)
        buf_add_u8(&line, '#');
    assert_int_equal(protocol->frame(NULL, buf_span(&line)), 0);
    buf_add_u8(&line, '\n');
    assert_int_equal(protocol->frame(NULL, buf_span(&line)), 32 * 1024);
    line.p[line.n - 1] = 'x';
    assert_int_equal(protocol->frame(NULL, buf_span(&line)), ERR_WIALON_IPS_LINE_TOO_LONG);
    buf_fini(&line);
}

static const struct protocol_sample samples[] = {
    {.ident = SPAN_LIT("359632101234567"),
     .time_us = 1795516200000000,
     .latitude = 54.687157,
     .longitude = 25.279652,
     .altitude_m = 112.5,
     .speed_kmh = 63.4,
     .direction_deg = 271,
     .satellites = 11,
     .is_ignition_on = true,
     .battery_v = 4.1,
     .external_v = 12.6,
     .mileage_m = 123456},
    {.ident = SPAN_LIT("x"),
     .time_us = 1767225599000000,
     .latitude = -33.999999999,
     .longitude = -179.9999999,
     .altitude_m = -5},
};

static void assert_near(const json_t *message, const char *name, double wanted, double tolerance)
{
    const json_t *value = json_object_get(message, name);
    if (!json_is_number(value) || fabs(json_number_value(value) - wanted) > tolerance)
        fail_msg("%s is %f", name, json_number_value(value));
}

static void assert_sample(const json_t *report, const struct protocol_sample *sample)
{
    const json_t *m = json_array_get(json_object_get(report, "messages"), 0);
    assert_int_equal(json_array_size(json_object_get(report, "errors")), 0);
    assert_int_equal(json_array_size(json_object_get(report, "messages")), 1);
    assert_true(
        span_equal(span_str(json_string_value(json_object_get(report, "ident"))), sample->ident));
    assert_near(m, "timestamp", (double)sample->time_us / 1e6, 0);
    assert_near(m, "position.latitude", sample->latitude, 1e-6);
    assert_near(m, "position.longitude", sample->longitude, 1e-6);
    assert_near(m, "position.altitude", sample->altitude_m, 0.05);
    assert_near(m, "position.speed", sample->speed_kmh, 0.05);
    assert_near(m, "position.direction", sample->direction_deg, 0.5);
    assert_near(m, "position.satellites", sample->satellites, 0);
    assert_near(m, "battery.voltage", sample->battery_v, 0.005);
    assert_near(m, "external.powersource.voltage", sample->external_v, 0.005);
    assert_int_equal(json_is_true(json_object_get(m, "engine.ignition.status")),
                     sample->is_ignition_on);
}

static void test_simulated_tracker_is_understood(void **state)
{
    (void)state;
    const struct protocol *protocol = protocol_by_name(SPAN_LIT("wialon-ips"));
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct buf bytes = buf_make(MEM_GATEWAY, 4096);
        protocol->encode_login(&samples[i], &bytes);
        protocol->encode_report(&samples[i], PROTOCOL_TCP, &bytes);
        json_t *report = replay_stream(setup(false, NULL), buf_span(&bytes));
        assert_sample(report, &samples[i]);
        assert_true(replay_is_cut_proof(setup(false, NULL), buf_span(&bytes), 200));
        json_decref(report);
        buf_clear(&bytes);
        protocol->encode_report(&samples[i], PROTOCOL_UDP, &bytes);
        struct replay_setup udp = setup(false, NULL);
        udp.transport = PROTOCOL_UDP;
        struct replay *replay = replay_new(udp);
        replay_decode(replay, buf_span(&bytes));
        assert_sample(replay_report(replay), &samples[i]);
        replay_free(&replay);
        buf_fini(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_have_names_and_answers),
        cmocka_unit_test(test_no_data_before_the_login),
        cmocka_unit_test(test_lenient_channel),
        cmocka_unit_test(test_login_may_be_refused_by_the_channel),
        cmocka_unit_test(test_local_time_of_the_channel),
        cmocka_unit_test(test_black_box_limits),
        cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_simulated_tracker_is_understood),
    };
    return cmocka_run_group_tests_name("protocols/wialon_ips", tests, NULL, NULL);
}
