/* The generic http protocol: each refusal by name, status and reason, all or nothing, limits, whose
 * connection it is, the simulated gadget read back. Whole requests are in tests/golden/http. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay.h"

#define TEN "nnnnnnnnnn"
#define LONG_NAME TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static struct replay_setup setup(void)
{
    return (struct replay_setup){.protocol = protocol_by_name(SPAN_LIT("http")),
                                 .transport = PROTOCOL_TCP};
}

static json_t *post(struct span body)
{
    struct buf request = buf_make(MEM_GATEWAY, 4 << 20);
    buf_addf(&request, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", body.n);
    buf_add_span(&request, body);
    json_t *report = replay_stream(setup(), buf_span(&request));
    buf_fini(&request);
    return report;
}

/* The answer must have the refusal's status, and its text as the reason. */
static void assert_answer(const json_t *report, int err)
{
    struct buf bytes = buf_make(MEM_GATEWAY, 4096);
    char start[64];
    const char *hex = json_string_value(json_array_get(json_object_get(report, "replies"), 0));
    assert_true(replay_unhex(span_str(hex ? hex : ""), &bytes));
    (void)snprintf(start, sizeof(start), "HTTP/1.1 %d ", err_http_status(err));
    assert_true(span_starts(buf_span(&bytes), span_str(start)));
    const uint8_t *body = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
    assert_non_null(body);
    json_t *answer =
        json_loadb((const char *)body + 4, bytes.n - (size_t)(body + 4 - bytes.p), 0, NULL);
    const json_t *error = json_array_get(json_object_get(answer, "errors"), 0);
    assert_string_equal(json_string_value(json_object_get(error, "reason")), err_text(err));
    assert_int_equal(json_integer_value(json_object_get(error, "code")), err_http_status(err));
    json_decref(answer);
    buf_fini(&bytes);
}

static void assert_refused(json_t *report, int err, const char *input)
{
    const char *name = json_string_value(json_array_get(json_object_get(report, "errors"), 0));
    if (!name || strcmp(name, err_name(err)) != 0)
        fail_msg("%s gave %s", input, name ? name : "no refusal");
    assert_int_equal(json_array_size(json_object_get(report, "messages")), 0);
    assert_answer(report, err);
    json_decref(report);
}

static void test_refusals_say_why(void **state)
{
    (void)state;
    static const struct {
        int err;
        const char *body;
    } rows[] = {
        {ERR_HTTP_JSON_SYNTAX, ""},
        {ERR_HTTP_JSON_SYNTAX, "{\"ident\":\"1\""},
        {ERR_HTTP_JSON_SYNTAX, "{\"ident\":\"1\",\"a\":1,\"a\":2}"},
        {ERR_HTTP_JSON_SYNTAX, "{\"ident\":\"1\",\"a\":99999999999999999999}"},
        {ERR_HTTP_JSON_SYNTAX, "{\"ident\":\"1\",\"a\":\"\xff\"}"},
        {ERR_HTTP_JSON_SHAPE, "\"text\""},
        {ERR_HTTP_JSON_ELEMENT, "[{\"ident\":\"1\"},[]]"},
        {ERR_HTTP_JSON_IDENT_ABSENT, "[{\"ident\":\"1\"},{\"n\":1}]"},
        {ERR_HTTP_JSON_IDENT_ABSENT, "{\"ident\":null}"},
        {ERR_HTTP_JSON_IDENT_ABSENT, "{\"ident\":1.5}"},
        {ERR_IDENT_EMPTY, "{\"ident\":\"\"}"},
        {ERR_IDENT_CHARACTER, "{\"ident\":\"a/b\"}"},
        {ERR_IDENT_TOO_LONG, "{\"ident\":\"" LONG_NAME "\"}"},
        {ERR_HTTP_JSON_TIME, "{\"ident\":\"1\",\"timestamp\":\"noon\"}"},
        {ERR_HTTP_JSON_TIME, "{\"ident\":\"1\",\"timestamp\":-0.5}"},
        {ERR_HTTP_JSON_TIME, "{\"ident\":\"1\",\"timestamp\":253402300800}"},
        {ERR_HTTP_JSON_TIME, "{\"ident\":\"1\",\"timestamp\":true}"},
        {ERR_HTTP_JSON_NAME, "{\"ident\":\"1\",\"\":1}"},
        {ERR_HTTP_JSON_NAME, "{\"ident\":\"1\",\"a+b\":1}"},
        {ERR_HTTP_JSON_NAME, "{\"ident\":\"1\",\"" LONG_NAME "\":1}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(post(span_str(rows[i].body)), rows[i].err, rows[i].body);
    assert_refused(replay_stream(setup(), SPAN_LIT("GET / HTTP/1.1\r\n\r\n")), ERR_HTTP_JSON_METHOD,
                   "GET");
}

static void test_more_messages_than_a_frame_may_have(void **state)
{
    (void)state;
    struct buf body = buf_make(MEM_GATEWAY, 1 << 16);
    buf_add_str(&body, "[{\"ident\":\"1\"}");
    for (int i = 1; i < PROTOCOL_MESSAGES_MAX; i++)
        buf_add_str(&body, ",{\"ident\":\"1\"}");
    buf_add_str(&body, "]");
    json_t *report = post(buf_span(&body));
    assert_int_equal(json_array_size(json_object_get(report, "messages")), PROTOCOL_MESSAGES_MAX);
    json_decref(report);
    body.n--;
    buf_add_str(&body, ",{\"ident\":\"1\"}]");
    assert_refused(post(buf_span(&body)), ERR_PROTOCOL_MESSAGES_LIMIT, "1025 messages");
    buf_fini(&body);
}

/* Nested deeper than the parser goes is refused, as deep as it goes is written. */
static void test_deep_nesting(void **state)
{
    (void)state;
    for (int depth = 2000; depth <= 3000; depth += 1000) {
        struct buf body = buf_make(MEM_GATEWAY, 1 << 16);
        buf_add_str(&body, "{\"ident\":\"1\",\"a\":");
        for (int i = 0; i < depth; i++)
            buf_add_u8(&body, '[');
        for (int i = 0; i < depth; i++)
            buf_add_u8(&body, ']');
        buf_add_u8(&body, '}');
        json_t *report = post(buf_span(&body));
        size_t taken = json_array_size(json_object_get(report, "messages"));
        assert_int_equal(taken, depth == 2000 ? 1 : 0);
        json_decref(report);
        buf_fini(&body);
    }
}

/* The connection is the device's only when all messages of the request are. */
static void test_whose_connection(void **state)
{
    (void)state;
    static const struct {
        const char *body, *ident;
    } rows[] = {
        {"{\"ident\":\"a\"}", "a"},
        {"[{\"ident\":\"a\"},{\"ident\":\"a\"}]", "a"},
        {"[{\"ident\":\"a\"},{\"ident\":\"b\"},{\"ident\":\"a\"}]", ""},
        {"[]", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *report = post(span_str(rows[i].body));
        assert_int_equal(json_array_size(json_object_get(report, "errors")), 0);
        assert_string_equal(json_string_value(json_object_get(report, "ident")), rows[i].ident);
        json_decref(report);
    }
}

/* Without memory nothing is acknowledged. */
static void test_without_memory(void **state)
{
    (void)state;
    static struct protocol_result result;
    struct protocol_link link;
    struct span frame = SPAN_LIT("POST / HTTP/1.1\r\nContent-Length: 13\r\n\r\n{\"ident\":\"1\"}");
    for (size_t limit = 0; limit < 8192; limit += 64) {
        struct arena arena = arena_make(MEM_MESSAGE, limit);
        protocol_result_init(&result, &arena);
        protocol_link_init(&link, setup().protocol, (struct protocol_options){0}, PROTOCOL_TCP,
                           NULL);
        int rc = link.protocol->decode(&link, frame, &result);
        bool is_taken = span_starts(buf_span(&result.reply), SPAN_LIT("HTTP/1.1 200 "));
        assert_int_equal(is_taken, rc == 0);
        assert_int_equal(result.message_count, rc == 0 ? 1 : 0);
        if (limit == 0)
            assert_int_equal(rc, ERR_NO_MEMORY);
        protocol_result_fini(&result);
        arena_fini(&arena);
    }
}

static void test_a_disabled_device_is_told(void **state)
{
    (void)state;
    static struct protocol_result result;
    struct protocol_link link;
    struct arena arena = arena_make(MEM_MESSAGE, 1 << 20);
    protocol_result_init(&result, &arena);
    protocol_link_init(&link, setup().protocol, (struct protocol_options){0}, PROTOCOL_TCP, NULL);
    assert_int_equal(link.protocol->decode(
                         &link,
                         SPAN_LIT("POST / HTTP/1.1\r\nContent-Length: 13\r\n\r\n{\"ident\":\"1\"}"),
                         &result),
                     0);
    assert_true(span_equal(buf_span(&result.reject),
                           SPAN_LIT("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"
                                    "Connection: close\r\n\r\n")));
    protocol_result_fini(&result);
    arena_fini(&arena);
}

static void test_simulated_gadget_is_understood(void **state)
{
    (void)state;
    const struct protocol_sample sample = {
        .ident = SPAN_LIT("my \"gadget\" \\"),
        .time_us = 1795516200250001,
        .latitude = -54.687157,
        .longitude = 25.279652,
        .altitude_m = 112.5,
        .speed_kmh = 63.4,
        .direction_deg = 271,
        .satellites = 11,
        .battery_v = 4.1,
        .external_v = 12.6,
        .mileage_m = 123456,
    };
    struct buf bytes = buf_make(MEM_GATEWAY, 4096);
    setup().protocol->encode_report(&sample, PROTOCOL_TCP, &bytes);
    json_t *report = replay_stream(setup(), buf_span(&bytes));
    json_t *wanted =
        json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:b, s:b, s:f, s:f, s:f}", "ident",
                  "my \"gadget\" \\", "timestamp", 1795516200.250001, "position.latitude",
                  -54.687157, "position.longitude", 25.279652, "position.altitude", 112.5,
                  "position.speed", 63.4, "position.direction", 271, "position.satellites", 11,
                  "position.valid", 1, "engine.ignition.status", 0, "battery.voltage", 4.1,
                  "external.powersource.voltage", 12.6, "vehicle.mileage", 123.456);
    assert_true(json_equal(json_array_get(json_object_get(report, "messages"), 0), wanted));
    assert_true(replay_is_cut_proof(setup(), buf_span(&bytes), 200));
    json_decref(wanted);
    json_decref(report);
    buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_say_why),
        cmocka_unit_test(test_more_messages_than_a_frame_may_have),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_whose_connection),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_a_disabled_device_is_told),
        cmocka_unit_test(test_simulated_gadget_is_understood),
    };
    return cmocka_run_group_tests_name("protocols/http_json", tests, NULL, NULL);
}
