/* Retained messages against a plain list; limits, expiry, and readers beside writers. */
#include "broker/retained.h"

#include "broker_test.h"

#include <stdlib.h>

#define OPERATIONS 50000
#define TOPICS 400

/* The model: one entry for each topic that was ever published to. */
struct entry {
    char topic[TEXT_MAX];
    uint32_t number; /* of the message kept; 0: none */
    int64_t expires_ms;
};

struct model {
    struct entry entries[TOPICS];
    uint32_t count;
};

struct found {
    uint32_t numbers[TOPICS];
    uint32_t count;
};

static struct entry *entry_of(struct model *model, const char *topic)
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (strcmp(model->entries[i].topic, topic) == 0)
            return &model->entries[i];
    }
    if (model->count == TOPICS)
        return NULL;
    struct entry *e = &model->entries[model->count++];
    *e = (struct entry){0};
    snprintf(e->topic, sizeof(e->topic), "%s", topic);
    return e;
}

static uint32_t live(const struct model *model)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->count; i++)
        count += model->entries[i].number != 0;
    return count;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void note(struct msg *m, void *context)
{
    struct found *f = context;
    assert_true(f->count < TOPICS);
    assert_int_equal(msg_payload(m).n, sizeof(uint32_t));
    memcpy(&f->numbers[f->count++], msg_payload(m).p, sizeof(uint32_t));
}

static int set(struct retained *r, const char *topic, uint32_t number, int64_t expires_ms)
{
    struct publication p = {
        .topic = span_str(topic),
        .payload = span_of(&number, sizeof(number)),
        .expires_ms = expires_ms,
    };
    struct msg *m = publication_msg(&p);
    assert_non_null(m);
    int err = retained_set(r, m);
    msg_drop(m);
    return err;
}

static uint32_t count_matches(const struct retained *r, const char *filter, int64_t now_ms)
{
    static struct found f;
    f.count = 0;
    retained_match(r, span_str(filter), now_ms, note, &f);
    return f.count;
}

static void check_filter(const struct retained *r, const struct model *model, const char *filter,
                         int64_t now_ms)
{
    static struct found got, expected;
    got.count = expected.count = 0;
    retained_match(r, span_str(filter), now_ms, note, &got);
    for (uint32_t i = 0; i < model->count; i++) {
        const struct entry *e = &model->entries[i];
        if (e->number && (!e->expires_ms || e->expires_ms > now_ms) &&
            topic_matches(span_str(filter), span_str(e->topic)))
            expected.numbers[expected.count++] = e->number;
    }
    qsort(got.numbers, got.count, sizeof(got.numbers[0]), compare_numbers);
    qsort(expected.numbers, expected.count, sizeof(expected.numbers[0]), compare_numbers);
    if (got.count != expected.count ||
        memcmp(got.numbers, expected.numbers, got.count * sizeof(got.numbers[0])) != 0)
        fail_msg("filter '%s': %u messages, %u expected", filter, got.count, expected.count);
}

static void agrees_with_a_list(void **state)
{
    (void)state;
    static struct model model;
    rcu_drain(); /* what earlier tests left */
    int64_t index_before = mem_bytes(MEM_INDEX), messages_before = mem_bytes(MEM_MESSAGE);
    struct retained r;
    assert_int_equal(retained_init(&r, 1000000), 0);
    uint64_t random = 31;
    for (uint32_t i = 1; i <= OPERATIONS; i++) {
        char text[TEXT_MAX];
        random_topic(&random, false, text);
        struct entry *e = entry_of(&model, text);
        if (e && random_below(&random, 10) < (i / 5000 % 2 ? 3u : 7u)) {
            int64_t expires_ms = random_below(&random, 3) ? 0 : i + random_below(&random, 500);
            assert_int_equal(set(&r, text, i, expires_ms), 0);
            e->number = i;
            e->expires_ms = expires_ms;
        } else if (e) {
            retained_clear(&r, span_str(text));
            e->number = 0;
        }
        assert_int_equal(atomic_load(&r.count), live(&model));
        if (i % 8 == 0) {
            random_topic(&random, true, text);
            check_filter(&r, &model, text, i);
            rcu_mark_quiescent();
        }
    }
    assert_true(live(&model) > 10);
    for (uint32_t i = 0; i < model.count; i++)
        retained_clear(&r, span_str(model.entries[i].topic));
    assert_int_equal(atomic_load(&r.count), 0);
    assert_int_equal(r.tree.root->child_count, 0);
    rcu_drain();
    assert_int_equal(mem_bytes(MEM_MESSAGE), messages_before);
    retained_fini(&r);
    assert_int_equal(mem_bytes(MEM_INDEX), index_before);
}

/* What is left goes with the tree. */
static void frees_all_at_the_end(void **state)
{
    (void)state;
    rcu_drain(); /* what earlier tests left */
    int64_t index_before = mem_bytes(MEM_INDEX), messages_before = mem_bytes(MEM_MESSAGE);
    struct retained r;
    assert_int_equal(retained_init(&r, 1000000), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        char topic[TEXT_MAX];
        snprintf(topic, sizeof(topic), "a/%u/b", i % 700);
        assert_int_equal(set(&r, topic, i + 1, 0), 0);
    }
    assert_int_equal(atomic_load(&r.count), 700);
    rcu_drain();
    retained_fini(&r);
    assert_int_equal(mem_bytes(MEM_MESSAGE), messages_before);
    assert_int_equal(mem_bytes(MEM_INDEX), index_before);
}

static void refuses_topics_over_the_limit(void **state)
{
    (void)state;
    struct retained r;
    assert_int_equal(retained_init(&r, 2), 0);
    assert_int_equal(set(&r, "a", 1, 0), 0);
    assert_int_equal(set(&r, "b/c", 2, 0), 0);
    assert_int_equal(set(&r, "b/d", 3, 0), ERR_RETAINED_LIMIT);
    assert_int_equal(set(&r, "x/y/z", 3, 0), ERR_RETAINED_LIMIT);
    assert_int_equal(set(&r, "b", 3, 0), ERR_RETAINED_LIMIT); /* a node, but not a topic yet */
    /* Refused topics leave no nodes, and those that are there can still change. */
    assert_int_equal(r.tree.root->child_count, 2);
    assert_int_equal(set(&r, "b/c", 4, 0), 0);
    assert_int_equal(count_matches(&r, "#", 0), 2);
    retained_clear(&r, SPAN_LIT("nothing/here"));
    retained_clear(&r, SPAN_LIT("b")); /* no topic: "b/c" stays */
    assert_int_equal(atomic_load(&r.count), 2);
    retained_clear(&r, SPAN_LIT("a"));
    assert_int_equal(set(&r, "b", 5, 0), 0);
    assert_int_equal(count_matches(&r, "b/#", 0), 2);
    retained_fini(&r);
}

static void expired_messages_are_not_told(void **state)
{
    (void)state;
    struct retained r;
    assert_int_equal(retained_init(&r, 100), 0);
    assert_int_equal(set(&r, "a", 1, 1000), 0);
    assert_int_equal(set(&r, "b", 2, 0), 0);
    assert_int_equal(count_matches(&r, "+", 999), 2);
    assert_int_equal(count_matches(&r, "+", 1000), 1);
    assert_int_equal(count_matches(&r, "a", 1001), 0);
    assert_int_equal(set(&r, "a", 3, 5000), 0);
    assert_int_equal(count_matches(&r, "a", 1001), 1);
    retained_fini(&r);
}

static void wildcards_hide_dollar_topics(void **state)
{
    (void)state;
    struct retained r;
    assert_int_equal(retained_init(&r, 100), 0);
    assert_int_equal(set(&r, "$sys/a", 1, 0), 0);
    assert_int_equal(set(&r, "sys/$a", 2, 0), 0);
    assert_int_equal(count_matches(&r, "#", 0), 1);
    assert_int_equal(count_matches(&r, "+/#", 0), 1);
    assert_int_equal(count_matches(&r, "+/+", 0), 1);
    assert_int_equal(count_matches(&r, "+/a", 0), 0);
    assert_int_equal(count_matches(&r, "$sys/#", 0), 1);
    assert_int_equal(count_matches(&r, "$sys/+", 0), 1);
    assert_int_equal(count_matches(&r, "sys/+", 0), 1);
    retained_fini(&r);
}

/* ---- readers beside two writers ---- */

#define READERS 2
#define ROUNDS 8000

struct race {
    struct retained r;
    atomic_bool is_over;
    atomic_uint looks;
};

/* Payload and topic say the same, if the message is whole. */
static void check_whole(struct msg *m, void *context)
{
    assert_true(span_equal(msg_topic(m), msg_payload(m)));
    ++*(uint32_t *)context;
}

static void *look_again_and_again(void *context)
{
    struct race *race = context;
    rcu_join();
    while (!atomic_load(&race->is_over)) {
        uint32_t seen = 0;
        retained_match(&race->r, SPAN_LIT("race/#"), 0, check_whole, &seen);
        assert_true(seen >= 10);
        seen = 0;
        retained_match(&race->r, SPAN_LIT("+/+/x"), 0, check_whole, &seen);
        atomic_fetch_add(&race->looks, 1);
        rcu_mark_quiescent();
    }
    rcu_leave();
    return NULL;
}

static void write_some(struct race *race, uint64_t random)
{
    for (int i = 0; i < ROUNDS || atomic_load(&race->looks) < 500; i++) {
        char topic[TEXT_MAX];
        uint32_t n = random_below(&random, 100);
        snprintf(topic, sizeof(topic), "race/%u/x", n);
        struct msg *m = make_msg(topic, topic, 0);
        if (n < 10 || random_below(&random, 2))
            assert_int_equal(retained_set(&race->r, m), 0);
        else
            retained_clear(&race->r, span_str(topic));
        msg_drop(m);
        rcu_mark_quiescent();
    }
}

static void *write_on_a_thread(void *context)
{
    rcu_join();
    write_some(context, 71);
    rcu_leave();
    return NULL;
}

static void readers_see_whole_messages(void **state)
{
    (void)state;
    static struct race race;
    race = (struct race){0};
    assert_int_equal(retained_init(&race.r, 1000), 0);
    for (int n = 0; n < 10; n++) {
        char topic[TEXT_MAX];
        snprintf(topic, sizeof(topic), "race/%d/x", n);
        struct msg *m = make_msg(topic, topic, 0);
        assert_int_equal(retained_set(&race.r, m), 0);
        msg_drop(m);
    }
    pthread_t readers[READERS], writer;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, look_again_and_again, &race), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_on_a_thread, &race), 0);
    write_some(&race, 72);
    rcu_sleep();
    pthread_join(writer, NULL);
    atomic_store(&race.is_over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    rcu_wake();
    assert_int_equal(count_matches(&race.r, "nothing/#", 0), 0);
    rcu_drain();
    retained_fini(&race.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_list),
        cmocka_unit_test(frees_all_at_the_end),
        cmocka_unit_test(refuses_topics_over_the_limit),
        cmocka_unit_test(expired_messages_are_not_told),
        cmocka_unit_test(wildcards_hide_dollar_topics),
        cmocka_unit_test(readers_see_whole_messages),
    };
    return cmocka_run_group_tests(tests, join_readers, leave_readers);
}
