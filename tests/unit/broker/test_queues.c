/* Which queues are told: the largest ten, most bytes first, over any number of shards. */
#include "broker/queues.h"

#include "broker_test.h"

static struct queues_row row(uint64_t bytes)
{
    struct queues_row r = {.bytes = bytes, .messages = 1};
    r.client_id_n =
        (uint32_t)snprintf(r.client_id, sizeof(r.client_id), "%llu", (unsigned long long)bytes);
    return r;
}

static void offer(struct queues *q, uint64_t bytes)
{
    struct queues_row r = row(bytes);
    queues_offer(q, &r);
}

static void keeps_the_largest_in_order(void **state)
{
    (void)state;
    struct queues q = {0};
    uint64_t random = 1;
    uint64_t seen[200];
    for (int i = 0; i < 200; i++) {
        seen[i] = random_below(&random, 1000);
        offer(&q, seen[i]);
        assert_int_equal(q.top_count, i + 1 < QUEUES_TOP ? i + 1 : QUEUES_TOP);
    }
    for (uint32_t i = 0; i < QUEUES_TOP; i++) {
        unsigned larger = 0, equal = 0;
        for (int k = 0; k < 200; k++) {
            larger += seen[k] > q.top[i].bytes;
            equal += seen[k] == q.top[i].bytes;
        }
        assert_true(equal > 0);
        assert_in_range(i, larger, larger + equal - 1);
        char id[32];
        snprintf(id, sizeof(id), "%llu", (unsigned long long)q.top[i].bytes);
        assert_memory_equal(q.top[i].client_id, id, q.top[i].client_id_n);
    }
}

static void merges_shards(void **state)
{
    (void)state;
    struct queues all = {0};
    struct queues a = {.sessions = 3, .oldest_us = 500}, b = {.sessions = 4, .oldest_us = 200};
    struct queues none = {0};
    for (uint64_t i = 0; i < 8; i++) {
        offer(&a, 2 * i + 1);
        offer(&b, 2 * i + 2);
    }
    queues_merge(&all, &none);
    queues_merge(&all, &a);
    assert_int_equal(all.oldest_us, 500);
    queues_merge(&all, &b);
    queues_merge(&all, &none);
    assert_int_equal(all.oldest_us, 200);
    assert_int_equal(all.sessions, 7);
    assert_int_equal(all.top_count, QUEUES_TOP);
    for (uint32_t i = 0; i < QUEUES_TOP; i++)
        assert_int_equal(all.top[i].bytes, 16 - i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_largest_in_order),
        cmocka_unit_test(merges_shards),
    };
    return cmocka_run_group_tests_name("broker/queues", tests, NULL, NULL);
}
