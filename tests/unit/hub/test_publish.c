/* What a decoded message becomes on its topics. The broker is replaced by one function that keeps
 * what it is given. */
#include "hub/publish.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW_US 1764016000123456

struct publication {
    char topic[256], payload[2048];
    struct account *account;
    int64_t timestamp_us;
    uint8_t qos;
    bool is_retained;
};

static struct {
    struct publication all[4];
    size_t count;
    int answers[4];
} kept;

int broker_publish(struct broker *broker, struct account *account,
                   const struct broker_publication *p)
{
    (void)broker;
    assert_in_range(kept.count, 0, 3);
    struct publication *k = &kept.all[kept.count];
    snprintf(k->topic, sizeof(k->topic), "%.*s", SPAN_FMT(p->topic));
    snprintf(k->payload, sizeof(k->payload), "%.*s", SPAN_FMT(p->payload));
    k->account = account;
    k->timestamp_us = p->timestamp_us;
    k->qos = p->qos;
    k->is_retained = p->is_retained;
    return kept.answers[kept.count++];
}

static const struct protocol protocol = {.name = "test", .id = 14};
static struct account account = {.id = 1};
static const struct hub_channel channel = {.id = 429, .account = &account, .protocol = &protocol};
static const struct hub_device device = {
    .id = 7, .account = &account, .name = "V\xc3\xa9hicule \"1\"", .ident = "352093081452251"};

struct bench {
    struct arena arena;
    struct buf scratch;
    struct hub_origin origin;
    struct message *m;
};

static int set_up(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    b->arena = arena_make(MEM_MESSAGE, 1 << 20);
    b->scratch = buf_make(MEM_MESSAGE, 1 << 20);
    b->origin = (struct hub_origin){.channel = &channel,
                                    .ident = SPAN_LIT("352093081452251"),
                                    .peer = SPAN_LIT("10.0.0.1:5027"),
                                    .server_us = NOW_US};
    b->m = message_new(&b->arena);
    memset(&kept, 0, sizeof(kept));
    *state = b;
    return b->m ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    arena_fini(&b->arena);
    buf_fini(&b->scratch);
    test_free(b);
    return 0;
}

static void publishes_to_the_channel(void **state)
{
    struct bench *b = *state;
    message_set_time(b->m, 1764015999500000);
    message_add_int(b->m, "position.speed", 40);
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), 0);
    assert_int_equal(kept.count, 1);
    assert_string_equal(kept.all[0].topic, "flespi/message/gw/channels/429/352093081452251");
    assert_string_equal(kept.all[0].payload,
                        "{\"channel.id\":429,\"ident\":\"352093081452251\","
                        "\"peer\":\"10.0.0.1:5027\",\"position.speed\":40,\"protocol.id\":14,"
                        "\"server.timestamp\":1764016000.123456,\"timestamp\":1764015999.5}");
    assert_true(span_equal(buf_span(&b->scratch), span_str(kept.all[0].payload)));
    assert_int_equal(kept.all[0].qos, 1);
    assert_false(kept.all[0].is_retained);
    assert_int_equal(kept.all[0].timestamp_us, NOW_US);
    assert_ptr_equal(kept.all[0].account, &account);
}

static void publishes_to_the_device_too(void **state)
{
    struct bench *b = *state;
    b->origin.device = &device;
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), 0);
    assert_int_equal(kept.count, 2);
    assert_string_equal(kept.all[0].topic, "flespi/message/gw/channels/429/352093081452251");
    assert_string_equal(kept.all[1].topic, "flespi/message/gw/devices/7");
    assert_string_equal(kept.all[0].payload, kept.all[1].payload);
    json_t *json = json_loads(kept.all[1].payload, 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "device.id")), 7);
    assert_int_equal(json_integer_value(json_object_get(json, "device.type.id")), 0);
    assert_string_equal(json_string_value(json_object_get(json, "device.name")), device.name);
    json_decref(json);
}

static void gives_the_server_time_where_none_came(void **state)
{
    struct bench *b = *state;
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), 0);
    assert_non_null(strstr(kept.all[0].payload, "\"timestamp\":1764016000.123456}"));
}

static void overrules_what_the_device_claims(void **state)
{
    struct bench *b = *state;
    message_add_text(b->m, "ident", SPAN_LIT("another"));
    message_add_uint(b->m, "channel.id", 1);
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), 0);
    assert_null(strstr(kept.all[0].payload, "another"));
    assert_non_null(strstr(kept.all[0].payload, "\"channel.id\":429,"));
}

static void holds_the_longest_topic(void **state)
{
    struct bench *b = *state;
    char ident[PROTOCOL_IDENT_MAX], expected[256];
    struct hub_channel big = channel;
    memset(ident, 'i', sizeof(ident));
    big.id = UINT64_MAX;
    b->origin.channel = &big;
    b->origin.ident = span_of(ident, sizeof(ident));
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), 0);
    snprintf(expected, sizeof(expected), "flespi/message/gw/channels/18446744073709551615/%.*s",
             PROTOCOL_IDENT_MAX, ident);
    assert_string_equal(kept.all[0].topic, expected);
}

static void tells_the_first_failure_and_tries_both(void **state)
{
    struct bench *b = *state;
    b->origin.device = &device;
    kept.answers[0] = ERR_NO_MEMORY;
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), ERR_NO_MEMORY);
    assert_int_equal(kept.count, 2);
    kept.count = 0;
    kept.answers[0] = 0;
    kept.answers[1] = ERR_BUF_LIMIT;
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), ERR_BUF_LIMIT);
}

static void publishes_nothing_that_does_not_fit(void **state)
{
    struct bench *b = *state;
    b->scratch.limit = 16;
    assert_true(hub_publish_message(&b->origin, b->m, &b->scratch) < 0);
    assert_int_equal(kept.count, 0);
}

static void allocates_nothing_the_second_time(void **state)
{
    struct bench *b = *state;
    b->origin.device = &device;
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), 0);
    int64_t before = mem_bytes(MEM_MESSAGE) + mem_bytes(MEM_HUB) + mem_bytes(MEM_BASE);
    kept.count = 0;
    assert_int_equal(hub_publish_message(&b->origin, b->m, &b->scratch), 0);
    assert_int_equal(mem_bytes(MEM_MESSAGE) + mem_bytes(MEM_HUB) + mem_bytes(MEM_BASE), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(publishes_to_the_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(publishes_to_the_device_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_the_server_time_where_none_came, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overrules_what_the_device_claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holds_the_longest_topic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_the_first_failure_and_tries_both, set_up, tear_down),
        cmocka_unit_test_setup_teardown(publishes_nothing_that_does_not_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allocates_nothing_the_second_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
