/* What expressions can ask of a publication. */
#include "expr/publication.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support.h"

static int one_property(void *context, struct span name, struct span *ret_value)
{
    if (name.n && !span_equal(name, SPAN_LIT("region.name")))
        return 0;
    *ret_value = *(struct span *)context;
    return 1;
}

static void assert_outcomes(struct expr_publication *p, const struct row *rows, size_t count)
{
    struct expr_source source = expr_publication_source(p);
    for (size_t i = 0; i < count; i++) {
        char outcome[OUTCOME_MAX];
        outcome_of(span_str(rows[i].text), &source, outcome);
        if (strcmp(outcome, rows[i].outcome) != 0)
            fail_msg("%s gives %s, not %s", rows[i].text, outcome, rows[i].outcome);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"topic", "'flespi/message/gw/devices/7'"},
        {"topic ~ 'flespi/*/7'", "true"},
        {"cid==123 && tonumber(payload.position.speed)>10", "true"},
        {"cid", "123"},
        {"timestamp > 1700000000", "true"},
        {"payload", "'{\"position.speed\":62}'"},
        {"payload.position.speed", "62"},
        {"payload.absent", "ERR_EXPR_ABSENT@1"},
        {"payload.", "ERR_EXPR_ABSENT@1"},
        {"user_properties.region.name", "'north'"},
        {"$user_properties.other", "null"},
        {"user_properties", "json"},
        {"exists(user_properties)", "true"},
        {"topic.x", "ERR_EXPR_ABSENT@1"},
        {"cid.x", "ERR_EXPR_ABSENT@1"},
        {"timestamp.", "ERR_EXPR_ABSENT@1"},
        {"topi", "ERR_EXPR_ABSENT@1"},
        {"position.speed", "ERR_EXPR_ABSENT@1"},
    };
    struct span north = SPAN_LIT("north");
    struct expr_payload payload = expr_payload_of(SPAN_LIT("{\"position.speed\":62}"));
    struct expr_publication p = {
        SPAN_LIT("flespi/message/gw/devices/7"), 123, 1700000000.5, &payload, one_property, &north};
    assert_outcomes(&p, rows, sizeof(rows) / sizeof(rows[0]));
    expr_payload_fini(&payload);
}

static void test_plain_payload(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"cid==123&&tonumber(payload)>10", "true"},
        {"payload.x", "ERR_EXPR_ABSENT@1"},
        {"exists(user_properties)", "false"},
        {"$user_properties.x", "null"},
    };
    struct expr_payload payload = expr_payload_of(SPAN_LIT("21.5"));
    struct expr_publication p = {.topic = SPAN_LIT("t"), .cid = 123, .payload = &payload};
    assert_outcomes(&p, rows, sizeof(rows) / sizeof(rows[0]));
    expr_payload_fini(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_plain_payload),
    };
    return cmocka_run_group_tests_name("expr/publication", tests, NULL, NULL);
}
