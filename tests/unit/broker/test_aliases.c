/* Topic aliases, both directions. */
#include "broker/aliases.h"

#include "broker_test.h"

static void in_remembers_and_replaces(void **state)
{
    (void)state;
    struct aliases_in *a = NULL;
    struct span topic;
    assert_int_equal(aliases_in_get(a, 10, 1, &topic), ERR_BROKER_ALIAS_UNKNOWN);
    char text[] = "first";
    assert_int_equal(aliases_in_set(&a, 10, 1, span_str(text)), 0);
    memset(text, 'x', 5); /* it was copied */
    assert_int_equal(aliases_in_set(&a, 10, 10, SPAN_LIT("last")), 0);
    assert_int_equal(aliases_in_get(a, 10, 1, &topic), 0);
    assert_true(span_equal(topic, SPAN_LIT("first")));
    assert_int_equal(aliases_in_get(a, 10, 10, &topic), 0);
    assert_true(span_equal(topic, SPAN_LIT("last")));
    assert_int_equal(aliases_in_get(a, 10, 5, &topic), ERR_BROKER_ALIAS_UNKNOWN);
    assert_int_equal(aliases_in_set(&a, 10, 1, SPAN_LIT("another, longer")), 0);
    assert_int_equal(aliases_in_get(a, 10, 1, &topic), 0);
    assert_true(span_equal(topic, SPAN_LIT("another, longer")));
    aliases_in_free(&a);
    assert_null(a);
}

static void in_refuses_what_is_out_of_range(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_SESSION);
    struct aliases_in *a = NULL;
    struct span topic;
    assert_int_equal(aliases_in_set(&a, 10, 11, SPAN_LIT("t")), ERR_BROKER_ALIAS_TOO_LARGE);
    assert_int_equal(aliases_in_set(&a, 10, 0, SPAN_LIT("t")), ERR_BROKER_ALIAS_TOO_LARGE);
    assert_int_equal(aliases_in_set(&a, 0, 1, SPAN_LIT("t")), ERR_BROKER_ALIAS_TOO_LARGE);
    assert_null(a); /* what is refused costs nothing */
    assert_int_equal(aliases_in_get(a, 10, 11, &topic), ERR_BROKER_ALIAS_TOO_LARGE);
    assert_int_equal(aliases_in_get(a, 10, 65535, &topic), ERR_BROKER_ALIAS_TOO_LARGE);
    assert_int_equal(aliases_in_get(a, 10, 0, &topic), ERR_BROKER_ALIAS_TOO_LARGE);
    aliases_in_free(&a);
    assert_int_equal(mem_bytes(MEM_SESSION), before);
}

static void in_takes_the_whole_range(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_SESSION);
    struct aliases_in *a = NULL;
    for (uint32_t i = 1; i <= UINT16_MAX; i++) {
        char text[16];
        snprintf(text, sizeof(text), "t/%u", i);
        assert_int_equal(aliases_in_set(&a, UINT16_MAX, (uint16_t)i, span_str(text)), 0);
    }
    struct span topic;
    assert_int_equal(aliases_in_get(a, UINT16_MAX, UINT16_MAX, &topic), 0);
    assert_true(span_equal(topic, SPAN_LIT("t/65535")));
    aliases_in_free(&a);
    assert_int_equal(mem_bytes(MEM_SESSION), before);
}

static void out_gives_each_topic_one_alias(void **state)
{
    (void)state;
    struct aliases_out *a = aliases_out_new(5);
    bool is_new;
    assert_int_equal(aliases_out_get(a, SPAN_LIT("a"), &is_new), 1);
    assert_true(is_new);
    assert_int_equal(aliases_out_get(a, SPAN_LIT("b"), &is_new), 2);
    assert_true(is_new);
    assert_int_equal(aliases_out_get(a, SPAN_LIT("a"), &is_new), 1);
    assert_false(is_new);
    assert_int_equal(aliases_out_get(a, SPAN_LIT("b"), &is_new), 2);
    assert_false(is_new);
    aliases_out_free(&a);
    assert_null(a);
}

/* Never an alias above the client's maximum; those given stay good when all are given. */
static void out_ends_at_the_clients_maximum(void **state)
{
    (void)state;
    static const uint16_t maxima[] = {0, 1, 2, 31, 1000, UINT16_MAX};
    for (size_t k = 0; k < sizeof(maxima) / sizeof(maxima[0]); k++) {
        int64_t before = mem_bytes(MEM_SESSION);
        struct aliases_out *a = aliases_out_new(maxima[k]);
        uint16_t given[500] = {0};
        bool is_taken[UINT16_MAX + 1] = {0};
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 500; i++) {
                char text[16];
                snprintf(text, sizeof(text), "t/%d", i);
                bool is_new;
                uint16_t alias = aliases_out_get(a, span_str(text), &is_new);
                assert_true(alias <= maxima[k]);
                if (round == 0) {
                    assert_int_equal(is_new, alias != 0);
                    assert_false(alias && is_taken[alias]);
                    is_taken[alias] = true;
                    given[i] = alias;
                } else {
                    assert_false(is_new);
                    assert_int_equal(alias, given[i]);
                }
            }
        }
        assert_int_equal(given[0], maxima[k] ? 1 : 0);
        aliases_out_free(&a);
        assert_int_equal(mem_bytes(MEM_SESSION), before);
    }
}

/* What one connection makes us remember stays small: long topics get none. */
static void out_passes_long_topics_over(void **state)
{
    (void)state;
    struct aliases_out *a = aliases_out_new(10);
    uint8_t text[60000];
    memset(text, 'x', sizeof(text));
    bool is_new;
    assert_int_equal(aliases_out_get(a, span_of(text, sizeof(text)), &is_new), 0);
    assert_false(is_new);
    assert_int_equal(aliases_out_get(a, span_of(text, 100), &is_new), 1);
    assert_true(is_new);
    aliases_out_free(&a);
}

int main(void)
{
    hash_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_remembers_and_replaces),
        cmocka_unit_test(in_refuses_what_is_out_of_range),
        cmocka_unit_test(in_takes_the_whole_range),
        cmocka_unit_test(out_gives_each_topic_one_alias),
        cmocka_unit_test(out_ends_at_the_clients_maximum),
        cmocka_unit_test(out_passes_long_topics_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
