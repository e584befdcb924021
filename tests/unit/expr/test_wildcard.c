/* Patterns against texts, and the bound on their work. */
#include "expr/expr_internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int match(const char *pattern, const char *text)
{
    size_t steps = 10000;
    return expr_wildcard_match(span_str(pattern), span_str(text), &steps);
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        int fits;
    } rows[] = {
        {"", "", 1},
        {"", "a", 0},
        {"a", "", 0},
        {"*", "", 1},
        {"***", "", 1},
        {"*", "anything", 1},
        {"?", "", 0},
        {"?", "a", 1},
        {"?", "ab", 0},
        {"?", "\xc3\xb6", 1},
        {"??", "\xc3\xb6", 0},
        {"?l", "\xc3\xb6l", 1},
        {"*?", "\xe2\x82\xac", 1},
        {"abc", "abc", 1},
        {"abc", "abd", 0},
        {"abc", "ab", 0},
        {"ab", "abc", 0},
        {"a*c", "ac", 1},
        {"a*c", "abbbc", 1},
        {"a*c", "abbb", 0},
        {"*b*", "abc", 1},
        {"*b*", "ac", 0},
        {"*ab", "aab", 1},
        {"*aab", "aaab", 1},
        {"a*b*c", "a-b-b-c", 1},
        {"a*b*c", "a-c-b", 0},
        {"*a?c*", "xxabcxx", 1},
        {"*a?c*", "xxacxx", 0},
        {"?*", "", 0},
        {"?*", "a", 1},
        {"*.jpg", "x.jpg.jpg", 1},
        {"\\*", "*", 1},
        {"\\*", "a", 0},
        {"\\?", "?", 1},
        {"a\\*b*", "a*bc", 1},
        {"a\\*b*", "axbc", 0},
        {"\\", "\\", 1},
        {"*\\", "a\\", 1},
        {"A", "a", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (match(rows[i].pattern, rows[i].text) != rows[i].fits)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
    }
}

static void test_is(void **state)
{
    (void)state;
    assert_true(expr_wildcard_is(SPAN_LIT("a*")));
    assert_true(expr_wildcard_is(SPAN_LIT("?")));
    assert_false(expr_wildcard_is(SPAN_LIT("a\\b")));
    assert_false(expr_wildcard_is(SPAN_LIT("")));
}

/* What makes a backtracking matcher exponential takes steps in the product of the lengths. */
static void test_work_is_bounded(void **state)
{
    (void)state;
    size_t steps = 2000;
    assert_int_equal(expr_wildcard_match(SPAN_LIT("*a*a*a*a*a*a*a*a*a*b"),
                                         SPAN_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &steps),
                     0);
    assert_in_range(steps, 1300, 1999);
    steps = 10;
    assert_int_equal(expr_wildcard_match(SPAN_LIT("*x"), SPAN_LIT("aaaaaaaaaaaa"), &steps),
                     ERR_EXPR_MATCH_STEPS);
    assert_int_equal(steps, 0);
}

static int find_text(void *context, struct span name, struct expr_value *ret_value)
{
    (void)name;
    *ret_value = expr_text(*(struct span *)context);
    return 1;
}

/* The bound is one for all matches of an evaluation. */
static void test_work_of_an_evaluation_is_bounded(void **state)
{
    (void)state;
    static uint8_t bytes[600 * 1024];
    memset(bytes, 'a', sizeof(bytes));
    struct span text = span_of(bytes, sizeof(bytes));
    struct expr_source source = {find_text, &text};
    struct expr *e;
    size_t column;
    struct expr_result result;
    assert_int_equal(expr_compile(SPAN_LIT("t ~ '*x' || t ~ '*y'"), &e, &column), 0);
    assert_int_equal(expr_eval(e, &source, &result), ERR_EXPR_MATCH_STEPS);
    assert_int_equal(result.column, 15);
    text.n = 400 * 1024;
    assert_int_equal(expr_eval(e, &source, &result), 0);
    assert_false(result.value.is_true);
    expr_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_is),
        cmocka_unit_test(test_work_is_bounded),
        cmocka_unit_test(test_work_of_an_evaluation_is_bounded),
    };
    return cmocka_run_group_tests_name("expr/wildcard", tests, NULL, NULL);
}
