/* Topic names and filters: those that are legal, taken apart, and matched. Refusals are in
 * test_refusals.c. */
#include "support.h"

#include "mqtt/topic.h"

static uint8_t slashes[MQTT_TOPIC_LEVELS_MAX];

static int fill_slashes(void **state)
{
    (void)state;
    memset(slashes, '/', sizeof(slashes));
    return 0;
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a", "/", "//", "a/b c", "$SYS/x", "$share/g/t", " ", "\xce\xb1",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(topic_name_check(span_str(names[i])), 0);
    /* 127 slashes part 128 levels. */
    assert_int_equal(topic_name_check(span_of(slashes, MQTT_TOPIC_LEVELS_MAX - 1)), 0);
}

static void test_filters_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *group, *filter;
        bool has_wildcard;
    } cases[] = {
        {"a", "", "a", false},
        {"/", "", "/", false},
        {"#", "", "#", true},
        {"+", "", "+", true},
        {"a/+/b", "", "a/+/b", true},
        {"+/+/#", "", "+/+/#", true},
        {"$SYS/#", "", "$SYS/#", true},
        {"$share/g/a/b", "g", "a/b", false},
        {"$share/g/#", "g", "#", true},
        {"$share/g//", "g", "/", false},
        {"$share/g//t", "g", "/t", false},
        {"$share/name:2/+", "name:2", "+", true},
        {"$share", "", "$share", false},
        {"$shared/a/b", "", "$shared/a/b", false},
        {"flespi/state/gw/channels/+/id,name", "", "flespi/state/gw/channels/+/id,name", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct topic_filter f;
        struct span text = bytes_copy(span_str(cases[i].text));
        assert_int_equal(topic_filter_parse(text, &f), 0);
        assert_span(f.group, cases[i].group);
        assert_span(f.filter, cases[i].filter);
        assert_int_equal(f.has_wildcard, cases[i].has_wildcard);
        bytes_free(&text);
    }
}

/* The levels of a shared filter count without `$share/group/`. */
static void test_depth_of_a_shared_filter(void **state)
{
    (void)state;
    uint8_t text[9 + MQTT_TOPIC_LEVELS_MAX - 1];
    struct topic_filter f;
    memcpy(text, "$share/g/", 9);
    memcpy(text + 9, slashes, MQTT_TOPIC_LEVELS_MAX - 1);
    assert_int_equal(topic_filter_parse(span_of(text, sizeof(text)), &f), 0);
    assert_int_equal(f.filter.n, MQTT_TOPIC_LEVELS_MAX - 1);
}

static void test_levels(void **state)
{
    (void)state;
    static const char *const want[] = {"a", "", "b", ""};
    struct span rest = SPAN_LIT("a//b/");
    struct span level;
    bool more = true;
    for (size_t i = 0; i < 4; i++) {
        assert_true(topic_level_next(&rest, &more, &level));
        assert_span(level, want[i]);
    }
    assert_false(topic_level_next(&rest, &more, &level));
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *topic;
        bool is_match;
    } cases[] = {
        {"a/b", "a/b", true},
        {"a/b", "a/B", false},
        {"a/b", "a", false},
        {"a", "a/b", false},
        {"a", "/a", false},
        {"a/", "a", false},
        {"a", "a/", false},
        {"a/b", "a/bc", false},
        {"#", "a", true},
        {"#", "a/b/c", true},
        {"#", "/", true},
        {"a/#", "a", true},
        {"a/#", "a/", true},
        {"a/#", "a/b/c", true},
        {"a/#", "ab", false},
        {"a/b/#", "a", false},
        {"+", "a", true},
        {"+", "/a", false},
        {"+", "a/b", false},
        {"+/+", "/a", true},
        {"/+", "/a", true},
        {"+/", "a", false},
        {"+/", "a/", true},
        {"a/+", "a", false},
        {"a/+", "a/", true},
        {"a/+/c", "a/b/c", true},
        {"a/+/c", "a/b/d/c", false},
        {"a/+/#", "a", false},
        {"a/+/#", "a/b", true},
        {"+/b/#", "a/b", true},
        /* MQTT-4.7.2-1: not by a wildcard at the first level. */
        {"#", "$SYS/a", false},
        {"+/a", "$SYS/a", false},
        {"$SYS/#", "$SYS/a", true},
        {"$SYS/#", "$SYS", true},
        {"$SYS/+", "$SYS/a", true},
        {"a/+", "a/$b", true},
        {"a/#", "a/$b", true},
        /* MQTT-4.7.3-4: bytes are compared as they are. */
        {"\xc3\xa9", "e\xcc\x81", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_match = topic_matches(span_str(cases[i].filter), span_str(cases[i].topic));
        if (is_match != cases[i].is_match)
            fail_msg("%s and %s", cases[i].filter, cases[i].topic);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_filters_taken_apart),
        cmocka_unit_test(test_depth_of_a_shared_filter),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_matches),
    };
    return cmocka_run_group_tests(tests, fill_slashes, NULL);
}
