/* Command lines by table, and suggestions for misspelt words. */
#include "app/options.h"

#include "app/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct values {
    const char *name;
    uint64_t count;
    double interval_s;
    bool is_udp;
};

static const struct option_spec specs[] = {
    {"name", OPTION_TEXT, offsetof(struct values, name), "NAME", "", 0, 0},
    {"count", OPTION_NUMBER, offsetof(struct values, count), "N", "", 1, 100},
    {"interval", OPTION_SECONDS, offsetof(struct values, interval_s), "SECONDS", "", 0, 60},
    {"udp", OPTION_FLAG, offsetof(struct values, is_udp), "", "", 0, 0},
};

static const struct option_table table = {specs, sizeof(specs) / sizeof(specs[0])};

static struct values values;
static struct option_problem problem;
static int words;

#define PARSE(...) parse((char *[]){__VA_ARGS__}, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *))

static int parse(char **argv, size_t n)
{
    values = (struct values){.count = 7};
    problem = (struct option_problem){0};
    words = -1;
    return options_parse(&table, (int)n, argv, &values, &words, &problem);
}

static void reads_each_kind(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--name", "a", "--count=42", "--interval", "0.25", "--udp"), 0);
    assert_string_equal(values.name, "a");
    assert_int_equal(values.count, 42);
    assert_true(values.interval_s > 0.249 && values.interval_s < 0.251);
    assert_true(values.is_udp);
    assert_int_equal(words, 0);
    assert_int_equal(PARSE("--name="), 0);
    assert_string_equal(values.name, "");
    assert_int_equal(values.count, 7);
}

static void moves_words_to_the_front(void **state)
{
    (void)state;
    char *argv[] = {"one", "--udp", "two", "--name", "--", "three"};
    assert_int_equal(parse(argv, 6), 0);
    assert_int_equal(words, 3);
    assert_string_equal(argv[0], "one");
    assert_string_equal(argv[1], "two");
    assert_string_equal(argv[2], "three");
    assert_string_equal(values.name, "--");
}

static void refuses_with_the_reason(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--nam", "x"), ERR_OPTION_UNKNOWN);
    assert_non_null(strstr(problem.text, "did you mean --name?"));
    assert_int_equal(PARSE("--count"), ERR_OPTION_VALUE_MISSING);
    assert_int_equal(PARSE("--udp=1"), ERR_OPTION_VALUE_UNWANTED);
    static char *const bad_counts[] = {"0", "101", "-1", "x", "1x", "", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof(bad_counts) / sizeof(bad_counts[0]); i++)
        assert_int_equal(PARSE("--count", bad_counts[i]), ERR_OPTION_VALUE);
    static char *const bad_intervals[] = {"-1", "61", "nan", "inf", "", "1s"};
    for (size_t i = 0; i < sizeof(bad_intervals) / sizeof(bad_intervals[0]); i++)
        assert_int_equal(PARSE("--interval", bad_intervals[i]), ERR_OPTION_VALUE);
    assert_int_equal(problem.err, ERR_OPTION_VALUE);
}

static const char *suggest(const char *wrong)
{
    struct suggestion s = suggestion_for(span_str(wrong));
    suggestion_offer(&s, "serve");
    suggestion_offer(&s, "simulate");
    suggestion_offer(&s, "decode");
    return s.best;
}

static void suggests_what_is_close(void **state)
{
    (void)state;
    assert_string_equal(suggest("srve"), "serve");
    assert_string_equal(suggest("sevre"), "serve");
    assert_string_equal(suggest("simulat"), "simulate");
    assert_string_equal(suggest("decoed"), "decode");
    assert_null(suggest("backup"));
    assert_null(suggest(""));
    assert_null(suggest("a word that is much longer than any that we know of, so it is none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_kind),
        cmocka_unit_test(moves_words_to_the_front),
        cmocka_unit_test(refuses_with_the_reason),
        cmocka_unit_test(suggests_what_is_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
