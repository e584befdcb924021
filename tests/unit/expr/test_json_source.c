/* Names in JSON: flat members, paths, arrays; payloads as bytes. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "expr/json_source.h"

static void test_paths(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"id", "7"},
        {"configuration.ident", "'352'"},
        {"position.speed", "60"}, /* the flat member hides the path */
        {"position.latitude", "54.5"},
        {"a.b.c", "1"},
        {"a.b.d", "2"},
        {"a.b", "json"},
        {"a.x", "ERR_EXPR_ABSENT@1"},
        {"id.x", "ERR_EXPR_ABSENT@1"},
        {"list.0", "10"},
        {"list.2.name", "'third'"},
        {"list.3", "ERR_EXPR_ABSENT@1"},
        {"list.x", "ERR_EXPR_ABSENT@1"},
        {"list.0000001", "ERR_EXPR_ABSENT@1"},
        {"list.", "ERR_EXPR_ABSENT@1"},
        {"id.", "ERR_EXPR_ABSENT@1"},
        {"$id.", "null"},
        {"real", "1.5"},
        {"no", "false"},
        {"null.x", "ERR_EXPR_ABSENT@1"},
        {"big", "1.84467440737096e+15"},
    };
    ASSERT_ROWS("{\"id\":7,\"configuration\":{\"ident\":\"352\"},\"position.speed\":60,"
                "\"position\":{\"speed\":1,\"latitude\":54.5},\"a.b\":{\"c\":1,\"d\":2},"
                "\"a\":{\"x.y\":3},\"list\":[10,20,{\"name\":\"third\"}],\"real\":1.5,"
                "\"no\":false,\"null\":null,\"big\":1844674407370955}",
                rows);
}

static void assert_outcome(struct expr_payload *payload, const char *text, const char *expected)
{
    struct expr_source source = expr_payload_source(payload);
    char outcome[OUTCOME_MAX];
    outcome_of(span_str(text), &source, outcome);
    assert_string_equal(outcome, expected);
}

static void test_payload_is_parsed_when_asked(void **state)
{
    (void)state;
    struct expr_payload payload = expr_payload_of(SPAN_LIT("{\"a\":1}"));
    assert_outcome(&payload, "1 == 1", "true");
    assert_false(payload.is_parsed);
    assert_outcome(&payload, "a", "1");
    const json_t *json = payload.json;
    assert_outcome(&payload, "$b", "null");
    assert_ptr_equal(payload.json, json);
    expr_payload_fini(&payload);
    assert_null(payload.json);
    expr_payload_fini(&payload);
}

static void test_payload_that_is_no_object(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *outcome;
    } rows[] = {
        {"21.5", "ERR_EXPR_ABSENT@1"},           {"null", "ERR_EXPR_ABSENT@1"},
        {"[{\"a\":1}]", "ERR_EXPR_ABSENT@1"},    {"", "ERR_EXPR_PAYLOAD_JSON@1"},
        {"{\"a\":1", "ERR_EXPR_PAYLOAD_JSON@1"}, {"\xff", "ERR_EXPR_PAYLOAD_JSON@1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct expr_payload payload = expr_payload_of(span_str(rows[i].payload));
        assert_outcome(&payload, "a", rows[i].outcome);
        assert_outcome(&payload, "exists(a)", "false");
        expr_payload_fini(&payload);
    }
    struct expr_payload none = expr_payload_of((struct span){0});
    assert_outcome(&none, "a", "ERR_EXPR_PAYLOAD_JSON@1");
}

static void test_payload_limit(void **state)
{
    (void)state;
    static uint8_t bytes[EXPR_PAYLOAD_MAX + 1];
    memset(bytes, ' ', sizeof(bytes));
    memcpy(bytes, "{\"a\":1}", 7);
    struct expr_payload payload = expr_payload_of(span_of(bytes, EXPR_PAYLOAD_MAX));
    assert_outcome(&payload, "a", "1");
    expr_payload_fini(&payload);
    payload = expr_payload_of(span_of(bytes, EXPR_PAYLOAD_MAX + 1));
    assert_outcome(&payload, "a", "ERR_EXPR_PAYLOAD_LONG@1");
    assert_null(payload.json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_payload_is_parsed_when_asked),
        cmocka_unit_test(test_payload_that_is_no_object),
        cmocka_unit_test(test_payload_limit),
    };
    return cmocka_run_group_tests_name("expr/json_source", tests, NULL, NULL);
}
