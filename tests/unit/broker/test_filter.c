/* Filters of subscriptions: shared groups, sticky forms, lists of values. */
#include "broker/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void takes_filters_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *topic, *branch;
        bool is_shared, has_lists;
        uint8_t from, count;
    } cases[] = {
        {"a/+/#", "a/+/#", "", false, false, 0, 0},
        {"a,b/c", "a,b/c", "", false, false, 0, 0},
        {"$share/g/a", "a", "g", true, false, 0, 0},
        {"$share/g:2/a", "a", "g:2", true, false, 0, 2},
        {"$share/g:1:4/a", "a", "g:1:4", true, false, 1, 4},
        {"$share/g:x/a", "a", "g:x", true, false, 0, 0},
        {"$share/:2/a", "a", ":2", true, false, 0, 0},
        {"$share/g:500/a", "a", "g:500", true, false, 0, 0},
        {"flespi/x/1,2", "flespi/x/1,2", "flespi/x/1,2", false, true, 0, 0},
        {"$share/g/flespi/x/1,2", "flespi/x/1,2", "$share/g/flespi/x/1,2", true, true, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct filter f;
        assert_int_equal(filter_parse(span_str(cases[i].text), &f), 0);
        bool is_right = span_equal(f.topic, span_str(cases[i].topic)) &&
                        span_equal(f.branch, span_str(cases[i].branch)) &&
                        f.is_shared == cases[i].is_shared && f.has_lists == cases[i].has_lists &&
                        f.sticky_from == cases[i].from && f.sticky_count == cases[i].count;
        if (!is_right)
            fail_msg("%s", cases[i].text);
    }
}

static void refuses_broken_lists(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int err;
    } cases[] = {
        {"flespi/a,", ERR_FILTER_LIST},
        {"flespi/,a", ERR_FILTER_LIST},
        {"flespi/a,,b", ERR_FILTER_LIST},
        {"flespi/a,b/,", ERR_FILTER_LIST},
        {"flespi/1,2,3,4,5,6,7,8,9,0/1,2,3,4,5,6,7,8,9,0/1,2,3", ERR_FILTER_PATHS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct filter f;
        if (filter_parse(span_str(cases[i].text), &f) != cases[i].err)
            fail_msg("%s", cases[i].text);
    }
    struct filter f;
    assert_true(filter_parse(SPAN_LIT("flespi/a,+"), &f) < 0);
}

static void writes_every_path_once(void **state)
{
    (void)state;
    static const char *const expected[] = {"flespi/a/+/1", "flespi/b/+/1", "flespi/a/+/2",
                                           "flespi/b/+/2", "flespi/a/+/3", "flespi/b/+/3"};
    struct filter f;
    struct buf path = buf_make(MEM_SESSION, 100);
    assert_int_equal(filter_parse(SPAN_LIT("flespi/a,b/+/1,2,3"), &f), 0);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(filter_path(&f, i, &path));
        assert_true(span_equal(buf_span(&path), span_str(expected[i])));
    }
    assert_false(filter_path(&f, 6, &path));
    assert_int_equal(filter_parse(SPAN_LIT("a,b"), &f), 0);
    assert_true(filter_path(&f, 0, &path));
    assert_true(span_equal(buf_span(&path), SPAN_LIT("a,b")));
    assert_false(filter_path(&f, 1, &path));
    buf_fini(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_filters_apart),
        cmocka_unit_test(refuses_broken_lists),
        cmocka_unit_test(writes_every_path_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
