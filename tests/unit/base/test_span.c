/* base/span.h: borrowed runs of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

static void test_makes_spans(void **state)
{
    (void)state;
    assert_int_equal(SPAN_LIT("abc").n, 3);
    assert_int_equal(SPAN_LIT("a\0c").n, 3);
    assert_int_equal(span_str("").n, 0);
    assert_true(span_equal(span_of("abcd", 2), span_str("ab")));
}

static void test_compares(void **state)
{
    (void)state;
    struct span none = {NULL, 0};
    assert_true(span_equal(none, SPAN_LIT("")));
    assert_false(span_equal(SPAN_LIT("ab"), SPAN_LIT("abc")));
    assert_false(span_equal(SPAN_LIT("abd"), SPAN_LIT("abc")));
    assert_int_equal(span_compare(SPAN_LIT("ab"), SPAN_LIT("ab")), 0);
    assert_true(span_compare(SPAN_LIT("ab"), SPAN_LIT("abc")) < 0);
    assert_true(span_compare(SPAN_LIT("b"), SPAN_LIT("abc")) > 0);
    assert_true(span_compare(SPAN_LIT("\xff"), SPAN_LIT("a")) > 0); /* bytes, not chars */
    assert_true(span_compare(none, SPAN_LIT("a")) < 0);
}

static void test_finds_prefixes_and_bytes(void **state)
{
    (void)state;
    struct span none = {NULL, 0};
    assert_true(span_starts(SPAN_LIT("flespi/x"), SPAN_LIT("flespi/")));
    assert_true(span_starts(none, none));
    assert_false(span_starts(SPAN_LIT("fl"), SPAN_LIT("flespi/")));
    assert_int_equal(span_find(SPAN_LIT("a/b/c"), '/'), 1);
    assert_int_equal(span_find(SPAN_LIT("abc"), '/'), 3);
    assert_int_equal(span_find(none, '/'), 0);
}

static void test_cuts(void **state)
{
    (void)state;
    struct span s = SPAN_LIT("hello");
    assert_true(span_equal(span_from(s, 2), SPAN_LIT("llo")));
    assert_int_equal(span_from(s, 5).n, 0);
    assert_int_equal(span_from(s, 99).n, 0);
    assert_true(span_equal(span_head(s, 2), SPAN_LIT("he")));
    assert_true(span_equal(span_head(s, 99), s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_makes_spans),
        cmocka_unit_test(test_compares),
        cmocka_unit_test(test_finds_prefixes_and_bytes),
        cmocka_unit_test(test_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
