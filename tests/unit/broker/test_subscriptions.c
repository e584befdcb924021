/* The subscriptions of one session in an index, against a plain list; thousands of them. */
#include "broker/subscriptions.h"

#include "base/clock.h"
#include "broker_test.h"

#define FILTERS 4000u
#define OPERATIONS 40000
#define WHO 77u
#define OTHER 78u

static struct filter parse(const char *text)
{
    struct filter f;
    assert_int_equal(filter_parse(span_str(text), &f), 0);
    return f;
}

/* The filter with number `i`: plain, with wildcards and shared ones by turns. */
static struct filter filter_number(uint32_t i, char text[TEXT_MAX])
{
    static const struct {
        const char *before, *after;
    } forms[] = {
        {"a/", "/b"}, {"a/", "/+"}, {"$share/g/a/", "/b"}, {"+/", "/#"}, {"$share/h/a/", "/b"},
    };
    uint32_t count = sizeof(forms) / sizeof(forms[0]);
    snprintf(text, TEXT_MAX, "%s%u%s", forms[i % count].before, i / count, forms[i % count].after);
    return parse(text);
}

static void check_place(const struct subscription *s, const char *text)
{
    struct buf out = buf_make(MEM_BASE, 1000);
    index_filter_text(&s->place, &out);
    assert_true(span_equal(buf_span(&out), span_str(text)));
    buf_fini(&out);
}

static void tells_new_from_changed(void **state)
{
    (void)state;
    struct index x;
    assert_int_equal(index_init(&x), 0);
    struct subscriptions s = {0};
    struct filter f = parse("a/+/c"), g = parse("$share/g/a/+/c");
    assert_false(subscriptions_remove(&s, &x, &f, WHO));
    assert_int_equal(subscriptions_set(&s, &x, &f, WHO, 1), 1);
    assert_int_equal(subscriptions_set(&s, &x, &f, WHO, 2), 0);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.list[0].options, 2);
    check_place(&s.list[0], "a/+/c");
    /* The same filter in a group is another subscription. */
    assert_false(subscriptions_remove(&s, &x, &g, WHO));
    assert_int_equal(subscriptions_set(&s, &x, &g, WHO, 1), 1);
    assert_int_equal(s.count, 2);
    check_place(&s.list[1], "$share/g/a/+/c");
    assert_int_equal(atomic_load(&x.count), 2);
    assert_true(subscriptions_remove(&s, &x, &f, WHO));
    assert_false(subscriptions_remove(&s, &x, &f, WHO));
    assert_int_equal(s.count, 1);
    subscriptions_clear(&s, &x, WHO);
    assert_int_equal(s.count, 0);
    assert_int_equal(atomic_load(&x.count), 0);
    index_fini(&x);
}

/* A place that only another session has is not ours. */
static void keeps_sessions_apart(void **state)
{
    (void)state;
    struct index x;
    assert_int_equal(index_init(&x), 0);
    struct subscriptions mine = {0}, theirs = {0};
    struct filter f = parse("t");
    assert_int_equal(subscriptions_set(&theirs, &x, &f, OTHER, 1), 1);
    assert_false(subscriptions_remove(&mine, &x, &f, WHO));
    assert_int_equal(subscriptions_set(&mine, &x, &f, WHO, 2), 1);
    assert_int_equal(atomic_load(&x.count), 2);
    assert_true(subscriptions_remove(&mine, &x, &f, WHO));
    assert_int_equal(atomic_load(&x.count), 1);
    assert_int_equal(subscriptions_set(&theirs, &x, &f, OTHER, 2), 0);
    subscriptions_clear(&mine, &x, WHO);
    subscriptions_clear(&theirs, &x, OTHER);
    assert_int_equal(atomic_load(&x.count), 0);
    index_fini(&x);
}

/* The index knows of the subscription what the session's list does. */
static void check_in_index(struct index *x, const struct filter *f, uint64_t options)
{
    struct index_place place;
    if (!index_find(x, f, &place)) {
        assert_int_equal(options, 0);
        return;
    }
    const struct subscribers *s =
        subscribers_read(place.branch ? &place.branch->members : &place.node->value[0]);
    uint32_t count = s ? atomic_load(&((struct subscribers *)s)->count) : 0, seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct subscribers_place *p = (struct subscribers_place *)&s->places[i];
        if (atomic_load(&p->who) == WHO) {
            assert_int_equal(atomic_load(&p->options), options);
            seen++;
        }
    }
    assert_int_equal(seen, options ? 1 : 0);
}

static void agrees_with_a_list(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_SESSION);
    static uint64_t model[FILTERS]; /* options; 0: not subscribed */
    struct index x;
    assert_int_equal(index_init(&x), 0);
    struct subscriptions s = {0};
    uint64_t random = 9;
    uint32_t count = 0;
    for (int i = 0; i < OPERATIONS; i++) {
        char text[TEXT_MAX];
        /* Long and short lists by turns. */
        uint32_t n = random_below(&random, i / 4000 % 3 ? 100 : FILTERS);
        struct filter f = filter_number(n, text);
        if (random_below(&random, 10) < (i / 8000 % 2 ? 1u : 9u)) {
            uint64_t options = 1 + random_below(&random, 1000);
            assert_int_equal(subscriptions_set(&s, &x, &f, WHO, options), model[n] ? 0 : 1);
            count += !model[n];
            model[n] = options;
        } else {
            assert_int_equal(subscriptions_remove(&s, &x, &f, WHO), model[n] != 0);
            count -= model[n] != 0;
            model[n] = 0;
        }
        assert_int_equal(s.count, count);
        assert_int_equal(atomic_load(&x.count), count);
        assert_int_equal(subscriptions_has(&s, &x, &f), model[n] != 0);
        check_in_index(&x, &f, model[n]);
        rcu_mark_quiescent();
    }
    assert_true(count > 0);
    for (uint32_t n = 0; n < FILTERS; n++) {
        char text[TEXT_MAX];
        struct filter f = filter_number(n, text);
        check_in_index(&x, &f, model[n]);
    }
    subscriptions_clear(&s, &x, WHO);
    assert_int_equal(atomic_load(&x.count), 0);
    assert_int_equal(x.tree.root->child_count, 0);
    assert_int_equal(mem_bytes(MEM_SESSION), before);
    index_fini(&x);
    memset(model, 0, sizeof(model));
}

#define MANY 20000u

/* As many as a session may have do not make it slow to add, change or remove one: a packet holds
 * thousands, and the shard serves nobody else meanwhile. */
static void stays_fast_with_many(void **state)
{
    (void)state;
    struct index x;
    assert_int_equal(index_init(&x), 0);
    struct subscriptions s = {0};
    int64_t start = clock_mono_ms();
    for (int round = 0; round < 2; round++) {
        for (uint32_t n = 0; n < MANY; n++) {
            char text[TEXT_MAX];
            struct filter f = filter_number(n, text);
            assert_int_equal(subscriptions_set(&s, &x, &f, WHO, 1), round == 0);
        }
    }
    int64_t added = clock_mono_ms();
    for (uint32_t n = 0; n < MANY; n++) {
        char text[TEXT_MAX];
        struct filter f = filter_number(n, text);
        assert_true(subscriptions_remove(&s, &x, &f, WHO));
    }
    int64_t removed = clock_mono_ms();
    /* Removing costs what adding does, give or take a slow machine. */
    assert_true(removed - added < 10 * (added - start) + 200);
    assert_int_equal(s.count, 0);
    subscriptions_clear(&s, &x, WHO);
    index_fini(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_new_from_changed),
        cmocka_unit_test(keeps_sessions_apart),
        cmocka_unit_test(agrees_with_a_list),
        cmocka_unit_test(stays_fast_with_many),
    };
    return cmocka_run_group_tests(tests, join_readers, leave_readers);
}
