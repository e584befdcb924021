/* Selectors: what is understood, what is refused, what matches. */
#include "rest/selectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int parse(const char *text, struct arena *arena, struct selector *ret)
{
    return selector_parse(span_str(text), arena, ret);
}

static void understands_three_forms(void **state)
{
    (void)state;
    struct arena arena = arena_make(MEM_REST, 4096);
    struct selector s;
    assert_int_equal(parse("all", &arena, &s), 0);
    assert_int_equal(s.kind, SELECT_ALL);
    assert_int_equal(parse("1,22,333", &arena, &s), 0);
    assert_int_equal(s.kind, SELECT_IDS);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.ids[2], 333);
    assert_int_equal(parse("name=a b,configuration.ident=35*", &arena, &s), 0);
    assert_int_equal(s.kind, SELECT_FIELDS);
    assert_int_equal(s.count, 2);
    assert_true(span_equal(s.filters[0].pattern, SPAN_LIT("a b")));
    assert_true(span_equal(s.filters[1].path, SPAN_LIT("configuration.ident")));
    assert_int_equal(parse("name=", &arena, &s), 0);
    assert_int_equal(s.filters[0].pattern.n, 0);
    arena_fini(&arena);
}

static void refuses_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int expected;
    } cases[] = {
        {"ALL", ERR_REST_SELECTOR},
        {"name", ERR_REST_SELECTOR},
        {"=a", ERR_REST_SELECTOR},
        {"name=a,b", ERR_REST_SELECTOR},
        {"-1", ERR_REST_SELECTOR},
        {",1", ERR_REST_SELECTOR},
        {"1,", ERR_REST_SELECTOR_ID},
        {"1,,2", ERR_REST_SELECTOR_ID},
        {"1,x", ERR_REST_SELECTOR_ID},
        {"1 ", ERR_REST_SELECTOR_ID},
        {"9999999999999999999", ERR_REST_SELECTOR_ID},
        {"{name=='a'}", ERR_REST_SELECTOR_EXPRESSION},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = arena_make(MEM_REST, 4096);
        struct selector s;
        assert_int_equal(parse(cases[i].text, &arena, &s), cases[i].expected);
        arena_fini(&arena);
    }
}

static void stops_at_the_arenas_limit(void **state)
{
    (void)state;
    struct arena arena = arena_make(MEM_REST, 16);
    struct selector s;
    assert_int_equal(parse("1,2,3,4,5", &arena, &s), ERR_NO_MEMORY);
    assert_int_equal(parse("a=1,b=2,c=3", &arena, &s), ERR_NO_MEMORY);
    arena_fini(&arena);
}

static void fits_wildcards(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"", "", true},           {"", "a", false},          {"a", "a", true},
        {"a", "A", false},        {"*", "", true},           {"*", "anything", true},
        {"a*", "a", true},        {"a*", "abc", true},       {"a*", "ba", false},
        {"*c", "abc", true},      {"*c", "abcd", false},     {"a*c", "abcbc", true},
        {"?", "", false},         {"?", "a", true},          {"??", "a", false},
        {"a?c", "abc", true},     {"*?", "", false},         {"**", "x", true},
        {"*a*b*", "xaxbx", true}, {"*a*b*", "xbxax", false}, {"*aab", "aaaab", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (selector_fits(span_str(cases[i].pattern), span_str(cases[i].text)) != cases[i].fits)
            fail_msg("\"%s\" on \"%s\"", cases[i].pattern, cases[i].text);
}

static void fits_hostile_patterns_in_time(void **state)
{
    (void)state;
    char pattern[2001], text[20001];
    for (size_t i = 0; i < 2000; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    memset(text, 'a', sizeof(text));
    pattern[2000] = 'b';
    assert_false(selector_fits(span_of(pattern, 2001), span_of(text, 20000)));
}

static void matches_objects(void **state)
{
    (void)state;
    static const struct {
        const char *selector;
        bool matches;
    } cases[] = {
        {"all", true},
        {"7", true},
        {"1,7", true},
        {"8", false},
        {"name=car 1", true},
        {"name=car*", true},
        {"name=bus*", false},
        {"enabled=true", true},
        {"enabled=false", false},
        {"id=7", true},
        {"id=?", true},
        {"id=70", false},
        {"configuration.ident=35*", true},
        {"configuration.ident=36*", false},
        {"configuration=*", false},
        {"configuration.none=*", false},
        {"none=*", false},
        {"none.at.all=*", false},
        {"name=car*,enabled=true", true},
        {"name=car*,enabled=false", false},
        {"metadata.a.b=dotted", true},
        {"metadata.ratio=0.5", true},
        {"metadata.empty=*", false},
        {"name.x=*", false},
    };
    json_t *object = json_loads(
        "{\"id\":7,\"name\":\"car 1\",\"enabled\":true,\"configuration\":{\"ident\":\"352\"},"
        "\"metadata\":{\"a.b\":\"dotted\",\"ratio\":0.5,\"empty\":null}}",
        0, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = arena_make(MEM_REST, 4096);
        struct selector s;
        assert_int_equal(parse(cases[i].selector, &arena, &s), 0);
        if (selector_matches(&s, object) != cases[i].matches)
            fail_msg("%s", cases[i].selector);
        arena_fini(&arena);
    }
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands_three_forms),       cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(stops_at_the_arenas_limit),     cmocka_unit_test(fits_wildcards),
        cmocka_unit_test(fits_hostile_patterns_in_time), cmocka_unit_test(matches_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
