/* The array of subscribers at one place, against a plain list. Readers beside the writer are tested
 * in test_index.c. */
#include "broker/subscribers.h"

#include "broker_test.h"

#define WHO_MAX 300u
#define OPERATIONS 100000

static void names_a_session_in_one_word(void **state)
{
    (void)state;
    static const struct {
        unsigned shard;
        uint32_t slot, generation;
    } names[] = {
        {0, 0, 1},          {1023, UINT32_MAX, SUBSCRIBER_GENERATION_MASK},
        {5, 70000, 3},      {1023, 0, 1},
        {0, UINT32_MAX, 1},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint64_t who = subscriber_make(names[i].shard, names[i].slot, names[i].generation);
        assert_true(who != 0);
        assert_int_equal(subscriber_shard(who), names[i].shard);
        assert_int_equal(subscriber_slot(who), names[i].slot);
        assert_int_equal(subscriber_generation(who), names[i].generation);
    }
}

static void packs_options_in_one_word(void **state)
{
    (void)state;
    uint64_t options = subscription_options(2, true, false, 268435455);
    assert_int_equal(options & SUBSCRIPTION_QOS_MASK, 2);
    assert_true(options & SUBSCRIPTION_NO_LOCAL);
    assert_false(options & SUBSCRIPTION_RETAIN_AS_PUBLISHED);
    assert_int_equal(subscription_id(options), 268435455);
    options = subscription_options(1, false, true, 0);
    assert_int_equal(options & SUBSCRIPTION_QOS_MASK, 1);
    assert_false(options & SUBSCRIPTION_NO_LOCAL);
    assert_true(options & SUBSCRIPTION_RETAIN_AS_PUBLISHED);
    assert_int_equal(subscription_id(options), 0);
}

/* What a reader sees, by `who`; 0 where there is none. */
static uint32_t look(const _Atomic(void *) *home, uint64_t options[WHO_MAX])
{
    memset(options, 0, WHO_MAX * sizeof(options[0]));
    const struct subscribers *s = subscribers_read(home);
    uint32_t seen = 0, count = s ? atomic_load(&((struct subscribers *)s)->count) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct subscribers_place *place = (struct subscribers_place *)&s->places[i];
        uint64_t who = atomic_load(&place->who);
        if (!who)
            continue;
        assert_true(who < WHO_MAX);
        assert_true(options[who] == 0); /* nobody is there twice */
        options[who] = atomic_load(&place->options);
        seen++;
    }
    return seen;
}

/* Options are never 0 here, so that the model knows who is there by them. */
static void agrees_with_a_list(void **state)
{
    (void)state;
    rcu_drain(); /* what earlier tests left */
    int64_t before = mem_bytes(MEM_INDEX);
    _Atomic(void *) home = NULL;
    static uint64_t model[WHO_MAX], seen[WHO_MAX];
    static uint32_t at[WHO_MAX];
    uint64_t random = 5;
    for (int i = 0; i < OPERATIONS; i++) {
        uint32_t who = 1 + random_below(&random, WHO_MAX - 1);
        uint64_t options = 1 + random_below(&random, 1000);
        bool is_growing = i / 2000 % 2 == 0;
        if (!model[who] && random_below(&random, is_growing ? 1 : 4) == 0) {
            assert_int_equal(subscribers_add(&home, who, options, &at[who]), 0);
            model[who] = options;
        } else if (model[who] && random_below(&random, is_growing ? 8 : 2) == 0) {
            subscribers_remove(&home, who, at[who]);
            model[who] = 0;
        } else if (model[who]) {
            subscribers_change(&home, who, at[who], options);
            model[who] = options;
        }
        if (i % 16 == 0) {
            look(&home, seen);
            assert_memory_equal(seen, model, sizeof(model));
        }
        rcu_mark_quiescent();
    }
    for (uint32_t who = 1; who < WHO_MAX; who++) {
        if (model[who])
            subscribers_remove(&home, who, at[who]);
    }
    assert_null(subscribers_read(&home));
    rcu_drain();
    assert_int_equal(mem_bytes(MEM_INDEX), before);
}

static void ignores_who_is_not_there(void **state)
{
    (void)state;
    _Atomic(void *) home = NULL;
    uint32_t at;
    subscribers_remove(&home, 1, 0);
    subscribers_change(&home, 1, 0, 5);
    assert_null(subscribers_read(&home));
    assert_int_equal(subscribers_add(&home, 1, 10, &at), 0);
    subscribers_remove(&home, 2, at);
    subscribers_remove(&home, 2, 1000);
    subscribers_change(&home, 2, at, 5);
    uint64_t seen[WHO_MAX];
    assert_int_equal(look(&home, seen), 1);
    assert_int_equal(seen[1], 10);
    subscribers_fini(&home);
    assert_null(subscribers_read(&home));
}

/* The hint that `add` gave goes stale when the array is copied; it is a hint only. */
static void finds_those_that_moved(void **state)
{
    (void)state;
    _Atomic(void *) home = NULL;
    uint32_t at[WHO_MAX];
    uint64_t seen[WHO_MAX];
    for (uint32_t who = 1; who < WHO_MAX; who++)
        assert_int_equal(subscribers_add(&home, who, who, &at[who]), 0);
    for (uint32_t who = 1; who < 250; who++)
        subscribers_remove(&home, who, at[who]);
    for (uint32_t who = 250; who < WHO_MAX; who++)
        subscribers_change(&home, who, at[who], who + 1000);
    assert_int_equal(look(&home, seen), WHO_MAX - 250);
    for (uint32_t who = 250; who < WHO_MAX; who++)
        assert_int_equal(seen[who], who + 1000);
    /* Most places were empty: the array has shrunk. */
    assert_true(((const struct subscribers *)subscribers_read(&home))->cap < WHO_MAX);
    for (uint32_t who = WHO_MAX - 1; who >= 250; who--)
        subscribers_remove(&home, who, at[who]);
    assert_null(subscribers_read(&home));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_a_session_in_one_word), cmocka_unit_test(packs_options_in_one_word),
        cmocka_unit_test(agrees_with_a_list),          cmocka_unit_test(ignores_who_is_not_there),
        cmocka_unit_test(finds_those_that_moved),
    };
    return cmocka_run_group_tests(tests, join_readers, leave_readers);
}
