/* Percent-decoding and query pairs. */
#include "http/query.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_text(struct span s, const char *text)
{
    if (!span_equal(s, span_str(text)))
        fail_msg("'%.*s' is not '%s'", SPAN_FMT(s), text);
}

static void test_decodes(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        enum http_plus plus;
    } rows[] = {
        {"", "", HTTP_PLUS_SPACE},         {"plain", "plain", HTTP_PLUS_SPACE},
        {"a+b", "a b", HTTP_PLUS_SPACE},   {"a+b", "a+b", HTTP_PLUS_KEEP},
        {"a%2Bb", "a+b", HTTP_PLUS_SPACE}, {"%d0%91", "\xd0\x91", HTTP_PLUS_KEEP},
        {"1%2C2", "1,2", HTTP_PLUS_KEEP},  {"%2541", "%41", HTTP_PLUS_KEEP},
        {"%7b%7D", "{}", HTTP_PLUS_KEEP},
    };
    struct arena arena = arena_make(MEM_BASE, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text;
        assert_int_equal(http_percent_decode(span_str(rows[i].in), rows[i].plus, &arena, &text), 0);
        assert_text(text, rows[i].out);
    }
    arena_fini(&arena);
}

static void test_plain_text_is_borrowed(void **state)
{
    (void)state;
    struct arena none = arena_make(MEM_BASE, 0);
    struct span in = SPAN_LIT("no-escapes"), out;
    assert_int_equal(http_percent_decode(in, HTTP_PLUS_SPACE, &none, &out), 0);
    assert_ptr_equal(out.p, in.p);
    assert_int_equal(http_percent_decode(SPAN_LIT("a+b"), HTTP_PLUS_SPACE, &none, &out),
                     ERR_NO_MEMORY);
}

static void test_bad_escapes(void **state)
{
    (void)state;
    static const char *const rows[] = {"%", "%4", "a%", "%zz", "%4g", "%g4", "100% sure"};
    struct arena arena = arena_make(MEM_BASE, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = {0};
        assert_int_equal(http_percent_decode(span_str(rows[i]), HTTP_PLUS_KEEP, &arena, &text),
                         ERR_HTTP_ESCAPE);
        assert_null(text.p);
    }
    arena_fini(&arena);
}

static void test_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } pairs[] = {{"id", "1"}, {"a b", "c=d"}, {"flag", ""}, {"", "v"}, {"e", ""}};
    struct arena arena = arena_make(MEM_BASE, 4096);
    struct http_query q = http_query_of(SPAN_LIT("&&id=1&a+b=c%3Dd&flag&=v&&e=&"));
    struct span name, value;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(http_query_next(&q, &arena, &name, &value), 1);
        assert_text(name, pairs[i].name);
        assert_text(value, pairs[i].value);
    }
    assert_int_equal(http_query_next(&q, &arena, &name, &value), 0);
    assert_int_equal(http_query_next(&q, &arena, &name, &value), 0);
    arena_fini(&arena);
}

static void test_find(void **state)
{
    (void)state;
    struct arena arena = arena_make(MEM_BASE, 4096);
    struct span value = {0};
    struct span text = SPAN_LIT("a=1&fields=id%2Cname&a=2");
    assert_int_equal(http_query_find(text, "a", &arena, &value), 1);
    assert_text(value, "1");
    assert_int_equal(http_query_find(text, "fields", &arena, &value), 1);
    assert_text(value, "id,name");
    assert_int_equal(http_query_find(text, "field", &arena, &value), 0);
    assert_int_equal(http_query_find(SPAN_LIT("x=%&a=1"), "a", &arena, &value), ERR_HTTP_ESCAPE);
    assert_int_equal(http_query_find(SPAN_LIT("%q=1&a=1"), "a", &arena, &value), ERR_HTTP_ESCAPE);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decodes),     cmocka_unit_test(test_plain_text_is_borrowed),
        cmocka_unit_test(test_bad_escapes), cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests_name("http/query", tests, NULL, NULL);
}
