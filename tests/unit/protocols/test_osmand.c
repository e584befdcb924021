/* OsmAnd: each refusal by name and status, times in all their forms, limits, the simulated phone
 * read back. Whole requests are in tests/golden/osmand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "replay.h"

#define TEN "nnnnnnnnnn"
#define LONG_NAME TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static struct replay_setup setup(void)
{
    return (struct replay_setup){.protocol = protocol_by_name(SPAN_LIT("osmand")),
                                 .transport = PROTOCOL_TCP,
                                 .ident = "before"};
}

static json_t *get(const char *target)
{
    struct buf request = buf_make(MEM_GATEWAY, 4096);
    buf_addf(&request, "%s HTTP/1.1\r\n\r\n", target);
    json_t *report = replay_stream(setup(), buf_span(&request));
    buf_fini(&request);
    return report;
}

static json_t *post(const char *body)
{
    struct buf request = buf_make(MEM_GATEWAY, 4096);
    buf_addf(&request, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    json_t *report = replay_stream(setup(), buf_span(&request));
    buf_fini(&request);
    return report;
}

static void assert_reply_starts(const json_t *report, const char *start)
{
    struct buf bytes = buf_make(MEM_GATEWAY, 4096);
    const char *hex = json_string_value(json_array_get(json_object_get(report, "replies"), 0));
    assert_true(replay_unhex(span_str(hex ? hex : ""), &bytes));
    if (!span_starts(buf_span(&bytes), span_str(start)))
        fail_msg("answered %.*s", SPAN_FMT(buf_span(&bytes)));
    buf_fini(&bytes);
}

static void assert_refused(json_t *report, int err, const char *input)
{
    char line[64];
    const char *name = json_string_value(json_array_get(json_object_get(report, "errors"), 0));
    if (!name || strcmp(name, err_name(err)) != 0)
        fail_msg("%s gave %s", input, name ? name : "no refusal");
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", err_http_status(err));
    assert_reply_starts(report, line);
    assert_int_equal(json_array_size(json_object_get(report, "messages")), 0);
    json_decref(report);
}

static void test_refused_queries(void **state)
{
    (void)state;
    static const struct {
        int err;
        const char *target;
    } rows[] = {
        {ERR_OSMAND_METHOD, "DELETE /?id=1"},
        {ERR_OSMAND_IDENT_ABSENT, "GET /?lat=1&lon=2"},
        {ERR_OSMAND_IDENT_ABSENT, "GET /"},
        {ERR_IDENT_EMPTY, "GET /?id="},
        {ERR_IDENT_CHARACTER, "GET /?id=a%2Fb"},
        {ERR_OSMAND_TIME, "GET /?id=1&timestamp=now"},
        {ERR_OSMAND_TIME, "GET /?id=1&timestamp=-1"},
        {ERR_OSMAND_TIME, "GET /?id=1&timestamp=99999999999999999"},
        {ERR_OSMAND_COORDINATE, "GET /?id=1&lat=north&lon=1"},
        {ERR_OSMAND_COORDINATE, "GET /?id=1&lat=1&lon=east"},
        {ERR_OSMAND_LOCATION, "GET /?id=1&location=1;2"},
        {ERR_OSMAND_COORDINATES_HALF, "GET /?id=1&lon=1"},
        {ERR_OSMAND_COORDINATES_RANGE, "GET /?id=1&lat=-90.5&lon=1"},
        {ERR_OSMAND_COORDINATES_RANGE, "GET /?id=1&location=1,180.5"},
        {ERR_OSMAND_NAME, "GET /?id=1&" LONG_NAME "=1"},
        {ERR_HTTP_ESCAPE, "GET /?id=1&a=%"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(get(rows[i].target), rows[i].err, rows[i].target);
}

static void test_refused_json(void **state)
{
    (void)state;
    static const struct {
        int err;
        const char *body;
    } rows[] = {
        {ERR_OSMAND_JSON, "{"},
        {ERR_OSMAND_JSON, "{\"device_id\":\"1\",\"device_id\":\"2\"}"},
        {ERR_OSMAND_DEVICE_ID_ABSENT, "{\"location\":{}}"},
        {ERR_OSMAND_DEVICE_ID_ABSENT, "{\"device_id\":{},\"location\":{}}"},
        {ERR_OSMAND_JSON_LOCATION, "{\"device_id\":\"1\"}"},
        {ERR_OSMAND_JSON_LOCATION, "{\"device_id\":\"1\",\"location\":[{},1]}"},
        {ERR_OSMAND_MEMBER_NAME,
         "{\"device_id\":\"1\",\"location\":{\"a\":{\"" LONG_NAME "\":1}}}"},
        {ERR_OSMAND_TIME, "{\"device_id\":\"1\",\"location\":{\"timestamp\":true}}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(post(rows[i].body), rows[i].err, rows[i].body);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        double seconds;
    } rows[] = {
        {"GET /?id=1&timestamp=0", 0},
        {"GET /?id=1&timestamp=1377177267", 1377177267},
        {"GET /?id=1&timestamp=1377177267.25", 1377177267.25},
        {"GET /?id=1&timestamp=1377177267250", 1377177267.25},
        {"GET /?id=1&timestamp=2013-08-22T13:14:27Z", 1377177267},
        {"GET /?id=1&timestamp=2013-08-22+13:14:27", 1377177267},
        {"GET /?id=1&timestamp=2013-08-22T15:14:27%2B02:00", 1377177267},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *report = get(rows[i].target);
        json_t *m = json_array_get(json_object_get(report, "messages"), 0);
        assert_true(json_is_number(json_object_get(m, "timestamp")));
        assert_true(json_number_value(json_object_get(m, "timestamp")) == rows[i].seconds);
        json_decref(report);
    }
}

/* Objects deeper than a sensible report pass through as they are. */
static void test_deep_json(void **state)
{
    (void)state;
    json_t *report = post("{\"device_id\":\"1\",\"location\":"
                          "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":1}}}}}}}");
    json_t *m = json_array_get(json_object_get(report, "messages"), 0);
    json_t *wanted = json_pack("{s:{s:i}}", "custom.a.b.c.d.e", "f", 1);
    assert_true(json_equal(m, wanted));
    json_decref(wanted);
    json_decref(report);
}

static void test_more_locations_than_a_frame_may_have(void **state)
{
    (void)state;
    struct buf body = buf_make(MEM_GATEWAY, 1 << 16);
    struct buf request = buf_make(MEM_GATEWAY, 1 << 16);
    buf_add_str(&body, "{\"device_id\":\"1\",\"location\":[{}");
    for (int i = 0; i < PROTOCOL_MESSAGES_MAX; i++)
        buf_add_str(&body, ",{}");
    buf_add_str(&body, "]}");
    buf_addf(&request, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", body.n);
    buf_add_span(&request, buf_span(&body));
    assert_refused(replay_stream(setup(), buf_span(&request)), ERR_PROTOCOL_MESSAGES_LIMIT, "[]");
    buf_fini(&body);
    buf_fini(&request);
}

/* What a client sends that is no HTTP, or too long, ends the connection. */
static void test_broken_http(void **state)
{
    (void)state;
    json_t *report = replay_stream(setup(), SPAN_LIT("POST / HTTP/1.1\r\n"
                                                     "Content-Length: 999999999\r\n\r\n"));
    assert_string_equal(json_string_value(json_array_get(json_object_get(report, "errors"), 0)),
                        "ERR_HTTP_BODY_TOO_LONG");
    assert_true(json_is_true(json_object_get(report, "closed")));
    json_decref(report);
}

/* A frame that is no whole request never comes from frame(), but decode() must not trust that. */
static void test_decode_of_half_a_request(void **state)
{
    (void)state;
    struct replay *replay = replay_new(setup());
    replay_decode(replay, SPAN_LIT("GET /?id=1 HTTP/1.1\r\n"));
    const json_t *report = replay_report(replay);
    assert_string_equal(json_string_value(json_array_get(json_object_get(report, "errors"), 0)),
                        "ERR_HTTP_INCOMPLETE");
    assert_reply_starts(report, "HTTP/1.1 400 ");
    assert_true(json_is_true(json_object_get(report, "closed")));
    replay_free(&replay);
}

static void assert_near(const json_t *message, const char *name, double wanted, double tolerance)
{
    const json_t *value = json_object_get(message, name);
    if (!json_is_number(value) || fabs(json_number_value(value) - wanted) > tolerance)
        fail_msg("%s is %f", name, json_number_value(value));
}

static void test_simulated_phone_is_understood(void **state)
{
    (void)state;
    const struct protocol_sample sample = {
        .ident = SPAN_LIT("my phone & 100%?=\""),
        .time_us = 1795516200250000,
        .latitude = -54.687157,
        .longitude = 25.279652,
        .altitude_m = 112.5,
        .speed_kmh = 63.4,
        .direction_deg = 271,
        .satellites = 11,
        .is_ignition_on = true,
        .battery_v = 4.1,
        .external_v = 12.6,
        .mileage_m = 123456,
    };
    struct buf bytes = buf_make(MEM_GATEWAY, 4096);
    setup().protocol->encode_report(&sample, PROTOCOL_TCP, &bytes);
    json_t *report = replay_stream(setup(), buf_span(&bytes));
    const json_t *m = json_array_get(json_object_get(report, "messages"), 0);
    assert_int_equal(json_array_size(json_object_get(report, "errors")), 0);
    assert_true(
        span_equal(span_str(json_string_value(json_object_get(report, "ident"))), sample.ident));
    assert_near(m, "timestamp", 1795516200.25, 0);
    assert_near(m, "position.latitude", sample.latitude, 1e-9);
    assert_near(m, "position.longitude", sample.longitude, 1e-9);
    assert_near(m, "position.altitude", sample.altitude_m, 0);
    assert_near(m, "position.speed", sample.speed_kmh, 1e-3);
    assert_near(m, "position.direction", sample.direction_deg, 0);
    assert_near(m, "position.satellites", sample.satellites, 0);
    assert_near(m, "battery.voltage", sample.battery_v, 0);
    assert_near(m, "external.powersource.voltage", sample.external_v, 0);
    assert_near(m, "vehicle.mileage", 123.456, 1e-9);
    assert_true(json_is_true(json_object_get(m, "engine.ignition.status")));
    assert_true(replay_is_cut_proof(setup(), buf_span(&bytes), 200));
    json_decref(report);
    buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_queries),
        cmocka_unit_test(test_refused_json),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_deep_json),
        cmocka_unit_test(test_more_locations_than_a_frame_may_have),
        cmocka_unit_test(test_broken_http),
        cmocka_unit_test(test_decode_of_half_a_request),
        cmocka_unit_test(test_simulated_phone_is_understood),
    };
    return cmocka_run_group_tests_name("protocols/osmand", tests, NULL, NULL);
}
