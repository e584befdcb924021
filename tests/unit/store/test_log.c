/* The log: numbers, holders, segments that go when nobody needs them, and several threads at
 * once. */
#include "store/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* More than one segment of the log, whatever its size. */
#define MANY 10000

struct body {
    struct ref ref;
    atomic_int *live;
    uint32_t number;
};

static void free_body(struct ref *ref)
{
    struct body *body = (struct body *)ref;
    atomic_fetch_sub(body->live, 1);
    mem_free(MEM_MESSAGE, body);
}

static struct body *new_body(atomic_int *live, uint32_t number)
{
    struct body *body = mem_alloc(MEM_MESSAGE, sizeof(*body));
    ref_init(&body->ref, free_body);
    body->live = live;
    body->number = number;
    atomic_fetch_add(live, 1);
    return body;
}

static uint64_t append(struct store *store, atomic_int *live, uint32_t number, uint32_t holders)
{
    uint64_t lsn = 0;
    struct body *body = new_body(live, number);
    if (store_append(store, &body->ref, holders, &lsn) < 0)
        lsn = 0;
    ref_drop(&body->ref);
    return lsn;
}

static int64_t number_at(struct store *store, uint64_t lsn)
{
    struct body *body = (struct body *)store_read(store, lsn);
    if (!body)
        return -1;
    int64_t number = body->number;
    ref_drop(&body->ref);
    return number;
}

static int set_up(void **state)
{
    struct store *store = NULL;
    int err = store_open(&store_engine_memory, NULL, &store);
    *state = store;
    return err;
}

static int tear_down(void **state)
{
    struct store *store = *state;
    store_close(&store);
    return 0;
}

static void keeps_until_the_last_release(void **state)
{
    struct store *store = *state;
    atomic_int live = 0;
    uint64_t lsn = append(store, &live, 7, 2);
    assert_true(lsn > 0);
    store_release(store, lsn);
    assert_int_equal(number_at(store, lsn), 7);
    struct ref *held = store_read(store, lsn);
    store_release(store, lsn);
    assert_null(store_read(store, lsn));
    assert_int_equal(store_log_count(store), 0);
    assert_int_equal(atomic_load(&live), 1);
    ref_drop(held);
    assert_int_equal(atomic_load(&live), 0);
}

static void numbers_grow(void **state)
{
    struct store *store = *state;
    atomic_int live = 0;
    uint64_t first = append(store, &live, 0, 1), last = first;
    for (uint32_t i = 1; i < MANY; i++) {
        uint64_t lsn = append(store, &live, i, 1);
        assert_true(lsn > last);
        last = lsn;
        if (i % 2)
            store_release(store, lsn);
    }
    assert_int_equal(store_log_count(store), MANY / 2);
    assert_int_equal(atomic_load(&live), MANY / 2);
    for (uint64_t lsn = first; lsn <= last; lsn++)
        store_release(store, lsn);
    assert_int_equal(atomic_load(&live), 0);
}

static void answers_nothing_for_strange_numbers(void **state)
{
    struct store *store = *state;
    atomic_int live = 0;
    uint64_t lsn = append(store, &live, 1, 1);
    assert_null(store_read(store, 0));
    assert_null(store_read(store, lsn + 1));
    assert_null(store_read(store, UINT64_MAX));
    store_release(store, 0);
    store_release(store, lsn + 1);
    store_release(store, lsn);
    store_release(store, lsn);
    assert_int_equal(store_log_count(store), 0);
}

static void one_old_record_keeps_no_bodies_behind_it(void **state)
{
    struct store *store = *state;
    atomic_int live = 0;
    uint64_t old = append(store, &live, 42, 1);
    int64_t early = 0;
    for (uint32_t i = 0; i < 20 * MANY; i++) {
        store_release(store, append(store, &live, i, 1));
        if (i == MANY)
            early = mem_bytes(MEM_STORE);
    }
    assert_int_equal(number_at(store, old), 42);
    assert_int_equal(atomic_load(&live), 1);
    assert_true(mem_bytes(MEM_STORE) < early + 4096);
    store_release(store, old);
    assert_int_equal(store_log_count(store), 0);
}

static void frees_what_is_left_at_close(void **state)
{
    (void)state;
    struct store *store = NULL;
    atomic_int live = 0;
    int64_t before = mem_bytes(MEM_STORE);
    assert_int_equal(store_open(&store_engine_memory, NULL, &store), 0);
    for (uint32_t i = 0; i < MANY; i++)
        assert_true(append(store, &live, i, 3) > 0);
    store_close(&store);
    assert_int_equal(atomic_load(&live), 0);
    assert_int_equal(mem_bytes(MEM_STORE), before);
}

/* ---- threads ---- */

struct worker {
    struct store *store;
    atomic_int *live;
    uint32_t base;
    int wrong;
};

/* Appends in a window of 100, each time reading back and releasing the oldest. */
static void *append_and_release(void *argument)
{
    struct worker *w = argument;
    uint64_t window[100] = {0};
    for (uint32_t i = 0; i < MANY + 100; i++) {
        uint64_t *slot = &window[i % 100];
        if (*slot) {
            w->wrong += number_at(w->store, *slot) != (int64_t)w->base + i - 100;
            store_release(w->store, *slot);
            store_release(w->store, *slot);
        }
        *slot = i < MANY ? append(w->store, w->live, w->base + i, 2) : 0;
        w->wrong += i < MANY && !*slot;
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    struct store *store = *state;
    atomic_int live = 0;
    struct worker workers[4];
    pthread_t threads[4];
    for (uint32_t i = 0; i < 4; i++) {
        workers[i] = (struct worker){store, &live, i * 1000000, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, append_and_release, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
    assert_int_equal(store_log_count(store), 0);
    assert_int_equal(atomic_load(&live), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_until_the_last_release, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_nothing_for_strange_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_old_record_keeps_no_bodies_behind_it, set_up,
                                        tear_down),
        cmocka_unit_test(frees_what_is_left_at_close),
        cmocka_unit_test_setup_teardown(threads_do_not_disturb_each_other, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
