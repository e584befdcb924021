/* Each function of the table at work, and the table itself. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char message[] = "{\"n\":-2.5,\"text\":\"Route 66\",\"gsm\":{},\"nothing\":null,"
                              "\"umlaut\":\"\xc3\x84\"}";

static void test_numbers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"abs(n)", "2.5"},
        {"abs('-3')", "3"},
        {"abs($absent)", "0"},
        {"ceil(n)", "-2"},
        {"floor(n)", "-3"},
        {"round(n)", "-3"},
        {"round(2.4)", "2"},
        {"trunc(n)", "-2"},
        {"sqrt(16)", "4"},
        {"exp(0)", "1"},
        {"log(exp(2))", "2"},
        {"log10(1000)", "3"},
        {"sin(0)", "0"},
        {"cos(0)", "1"},
        {"tan(0)", "0"},
        {"pow(2,10)", "1024"},
        {"min(3)", "3"},
        {"min(3,1,2)", "1"},
        {"max(3,'4',true)", "4"},
        {"max(-3,n)", "-2.5"},
        {"sqrt(-1)", "ERR_EXPR_FUNCTION_RANGE@1"},
        {"log(0)", "ERR_EXPR_FUNCTION_RANGE@1"},
        {"exp(1000)", "ERR_EXPR_FUNCTION_RANGE@1"},
        {"pow(10,400)", "ERR_EXPR_FUNCTION_RANGE@1"},
        {"1+abs(text)", "ERR_EXPR_NOT_NUMBER@3"},
        {"abs(gsm)", "ERR_EXPR_JSON_NUMBER@1"},
        {"pow(text,1)", "ERR_EXPR_NOT_NUMBER@1"},
        {"pow(1,text)", "ERR_EXPR_NOT_NUMBER@1"},
        {"min(1,gsm)", "ERR_EXPR_JSON_NUMBER@1"},
        {"abs(absent)", "ERR_EXPR_ABSENT@5"},
    };
    ASSERT_ROWS(message, rows);
}

static void test_types(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"isnull($absent)", "true"},
        {"isnull(nothing)", "true"},
        {"isnull(n)", "false"},
        {"isnumber(n)", "true"},
        {"isnumber('1')", "false"},
        {"isstring(text)", "true"},
        {"isboolean(1==1)", "true"},
        {"isjson(gsm)", "true"},
        {"isjson(n)", "false"},
        {"exists(n)", "true"},
        {"exists(absent)", "false"},
        {"exists($absent)", "false"},
        {"exists(nothing)", "false"},
        {"exists(gsm)", "true"},
        {"tonumber('0x10')", "16"},
        {"tonumber(' 7\n')", "7"},
        {"tonumber(true)", "1"},
        {"tonumber(null)", "0"},
        {"tonumber('7 km')", "ERR_EXPR_NOT_NUMBER@1"},
        {"tonumber(gsm)", "ERR_EXPR_JSON_NUMBER@1"},
        {"toboolean('true')", "true"},
        {"toboolean('false')", "false"},
        {"toboolean('0')", "false"},
        {"toboolean(2)", "true"},
        {"toboolean('on')", "ERR_EXPR_NOT_BOOLEAN@1"},
        {"toboolean(gsm)", "ERR_EXPR_NOT_BOOLEAN@1"},
        {"tostring(1)", "'1'"},
        {"tostring(-0)", "'0'"},
        {"tostring(0.1)", "'0.1'"},
        {"tostring(1/3)", "'0.33333333333333331'"},
        {"tostring(352093081452251)", "'352093081452251'"},
        {"tostring(true)", "'true'"},
        {"tostring(1>2)", "'false'"},
        {"tostring(null)", "'null'"},
        {"tostring(text)", "'Route 66'"},
        {"tostring(gsm)", "ERR_EXPR_JSON_TEXT@1"},
        {"not(1)", "false"},
        {"error()", "ERR_EXPR_RAISED@1"},
    };
    ASSERT_ROWS(message, rows);
}

static void test_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"strlen(text)", "8"},
        {"length('')", "0"},
        {"strlen(umlaut)", "2"}, /* bytes */
        {"strlen(12.5)", "4"},
        {"strlen(gsm)", "ERR_EXPR_JSON_TEXT@1"},
        {"lower(text)", "'route 66'"},
        {"upper(text)", "'ROUTE 66'"},
        {"lower('@AZ[')", "'@az['"},
        {"upper('`az{')", "'`AZ{'"},
        {"upper(umlaut) == umlaut", "true"},
        {"lower(gsm)", "ERR_EXPR_JSON_TEXT@1"},
        {"substr(text, 6)", "'66'"},
        {"substr(text, 0, 5)", "'Route'"},
        {"substr(text, -2)", "'66'"},
        {"substr(text, -20)", "'Route 66'"},
        {"substr(text, 8)", "''"},
        {"substr(text, 99, 99)", "''"},
        {"substr(text, 2, -2)", "'ute '"},
        {"substr(text, 'x')", "ERR_EXPR_NOT_NUMBER@1"},
        {"substr(text, 1, 'x')", "ERR_EXPR_NOT_NUMBER@1"},
        {"substr(gsm, 1)", "ERR_EXPR_JSON_TEXT@1"},
        {"strstr(text, '66')", "6"},
        {"strstr(text, 'x')", "-1"},
        {"strstr(text, '')", "0"},
        {"strstr('', 'x')", "-1"},
        {"strstr(text, gsm)", "ERR_EXPR_JSON_TEXT@1"},
    };
    ASSERT_ROWS(message, rows);
}

static int find_long(void *context, struct span name, struct expr_value *ret_value)
{
    (void)name;
    *ret_value = (struct expr_value){.type = EXPR_TEXT, .text = *(struct span *)context};
    return 1;
}

static void test_scratch_limit(void **state)
{
    (void)state;
    uint8_t bytes[EXPR_SCRATCH_MAX + 1];
    memset(bytes, 'a', sizeof(bytes));
    struct span text = span_of(bytes, EXPR_SCRATCH_MAX);
    struct expr_source source = {find_long, &text};
    char outcome[OUTCOME_MAX];
    outcome_of(SPAN_LIT("strlen(upper(t))"), &source, outcome);
    assert_string_equal(outcome, "512");
    outcome_of(SPAN_LIT("strlen(upper(t)) + strlen(1)"), &source, outcome);
    assert_string_equal(outcome, "ERR_EXPR_SCRATCH_NUMBER@20");
    text.n++;
    outcome_of(SPAN_LIT("upper(t)"), &source, outcome);
    assert_string_equal(outcome, "ERR_EXPR_SCRATCH_CASE@1");
}

/* Matching a number against a pattern gives its text back, however often it is done. */
static void test_matches_use_no_scratch(void **state)
{
    (void)state;
    uint8_t bytes[EXPR_SCRATCH_MAX];
    memset(bytes, 'a', sizeof(bytes));
    struct span text = span_of(bytes, EXPR_SCRATCH_MAX - 3);
    struct expr_source source = {find_long, &text};
    char outcome[OUTCOME_MAX];
    outcome_of(SPAN_LIT("strlen(upper(t)) == 509 && 123 ~ '1*' && 123 ~ '1*'"), &source, outcome);
    assert_string_equal(outcome, "true");
}

static void test_table(void **state)
{
    (void)state;
    size_t count = 0;
    struct expr_source source = {find_long, NULL};
    for (const struct expr_function *f; (f = expr_function_at(count)); count++) {
        char text[64], outcome[OUTCOME_MAX];
        assert_true(f->args_min <= f->args_max && strlen(f->doc) > 0);
        (void)snprintf(text, sizeof(text), "%s(", f->name);
        outcome_of(span_str(text), &source, outcome);
        assert_string_not_equal(outcome, "ERR_EXPR_FUNCTION@1");
    }
    assert_in_range(count, 30, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_scratch_limit),
        cmocka_unit_test(test_matches_use_no_scratch),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("expr/functions", tests, NULL, NULL);
}
