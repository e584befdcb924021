/* base/rcu.h: a reader never sees freed memory, and what was deferred runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rcu.h"

#include <pthread.h>
#include <stdbool.h>

#define READERS 3
#define VERSIONS 2000
#define ALIVE 0x600D600Du

struct version {
    struct rcu_later later; /* first: run_version finds its version here */
    unsigned mark;
    int number;
};

static _Atomic(struct version *) current;
static atomic_int freed;
static atomic_bool is_over;

static struct version *version_new(int number)
{
    struct version *v = mem_zalloc(MEM_BASE, sizeof(*v));
    assert_non_null(v);
    v->mark = ALIVE;
    v->number = number;
    return v;
}

static void version_free(struct rcu_later *later)
{
    struct version *v = (struct version *)later;
    v->mark = 0;
    mem_free(MEM_BASE, v);
    atomic_fetch_add(&freed, 1);
}

/* Reads until told to stop; counts what it saw go back or dead. */
static void *read_versions(void *argument)
{
    long *wrong = argument;
    int last = 0;
    rcu_join();
    for (unsigned turn = 0; !atomic_load(&is_over); turn++) {
        struct version *v = rcu_read(current);
        for (int look = 0; look < 20; look++)
            *wrong += v->mark != ALIVE || v->number < last;
        last = v->number;
        if (turn % 64 == 0) {
            rcu_sleep();
            rcu_wake();
        } else {
            rcu_mark_quiescent();
        }
    }
    rcu_leave();
    return NULL;
}

static void test_readers_see_whole_versions(void **state)
{
    (void)state;
    pthread_t readers[READERS];
    long wrong[READERS] = {0};
    atomic_store(&freed, 0);
    atomic_store(&is_over, false);
    rcu_publish(current, version_new(0));
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_versions, &wrong[i]), 0);
    rcu_join();
    for (int i = 1; i <= VERSIONS; i++) {
        struct version *old = rcu_read(current);
        rcu_publish(current, version_new(i));
        rcu_defer(&old->later, version_free);
        rcu_mark_quiescent();
    }
    rcu_sleep();
    atomic_store(&is_over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    rcu_wake();
    rcu_leave();
    rcu_drain();
    assert_int_equal(atomic_load(&freed), VERSIONS);
    mem_free(MEM_BASE, rcu_read(current));
    for (int i = 0; i < READERS; i++)
        assert_int_equal(wrong[i], 0);
}

static void *hold_until_told(void *argument)
{
    atomic_bool *is_holding = argument;
    rcu_join();
    struct version *v = rcu_read(current);
    atomic_store(is_holding, true);
    while (!atomic_load(&is_over))
        assert_int_equal(v->mark, ALIVE);
    rcu_leave();
    return NULL;
}

static void test_a_reader_holds_back_the_free(void **state)
{
    (void)state;
    atomic_bool is_holding = false;
    pthread_t reader;
    atomic_store(&freed, 0);
    atomic_store(&is_over, false);
    struct version *v = version_new(1);
    rcu_publish(current, v);
    assert_int_equal(pthread_create(&reader, NULL, hold_until_told, &is_holding), 0);
    while (!atomic_load(&is_holding))
        continue;
    rcu_join();
    rcu_publish(current, NULL);
    rcu_defer(&v->later, version_free);
    rcu_leave();
    assert_int_equal(atomic_load(&freed), 0);
    atomic_store(&is_over, true);
    pthread_join(reader, NULL);
    rcu_drain();
    assert_int_equal(atomic_load(&freed), 1);
}

static void test_joins_nest(void **state)
{
    (void)state;
    rcu_join();
    rcu_join();
    rcu_leave();
    rcu_mark_quiescent(); /* still joined: liburcu would abort otherwise */
    rcu_leave();
    rcu_drain();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_see_whole_versions),
        cmocka_unit_test(test_a_reader_holds_back_the_free),
        cmocka_unit_test(test_joins_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
