/* base/mem.h: the heap, counted by purpose, also when threads free what others allocated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

static void test_counts_what_is_held(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_GATEWAY), other = mem_bytes(MEM_HUB);
    char *p = mem_alloc(MEM_GATEWAY, 1000);
    assert_non_null(p);
    assert_true(mem_bytes(MEM_GATEWAY) >= before + 1000);
    p = mem_realloc(MEM_GATEWAY, p, 5000);
    assert_non_null(p);
    assert_true(mem_bytes(MEM_GATEWAY) >= before + 5000);
    assert_true(mem_bytes(MEM_GATEWAY) < before + 7000); /* the first size was taken back */
    assert_int_equal(mem_bytes(MEM_HUB), other);
    mem_free(MEM_GATEWAY, p);
    assert_int_equal(mem_bytes(MEM_GATEWAY), before);
}

static void test_gives_bytes_for_nothing(void **state)
{
    (void)state;
    void *p = mem_alloc(MEM_BASE, 0), *q = mem_zalloc(MEM_BASE, 0);
    void *r = mem_realloc(MEM_BASE, NULL, 0);
    assert_true(p && q && r);
    mem_free(MEM_BASE, p);
    mem_free(MEM_BASE, q);
    mem_free(MEM_BASE, r);
    mem_free(MEM_BASE, NULL);
}

static void test_zeroes_and_copies(void **state)
{
    (void)state;
    static const uint8_t zeros[256];
    void *p = mem_zalloc(MEM_BASE, sizeof(zeros));
    assert_memory_equal(p, zeros, sizeof(zeros));
    mem_free(MEM_BASE, p);
    char *copy = mem_strdup(MEM_BASE, "teltonika");
    assert_string_equal(copy, "teltonika");
    mem_free(MEM_BASE, copy);
}

static void test_every_purpose_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < MEM_TAG_COUNT_; i++) {
        assert_non_null(mem_tag_name((enum mem_tag)i));
        assert_string_not_equal(mem_tag_name((enum mem_tag)i), "unknown");
    }
    assert_string_equal(mem_tag_name(MEM_TAG_COUNT_), "unknown");
}

#define THREADS 4
#define BLOCKS 2000
static void *blocks[THREADS][BLOCKS];
static pthread_barrier_t barrier;

/* Allocates its own row, then frees its neighbour's. */
static void *exchange(void *argument)
{
    size_t own = (size_t)(uintptr_t)argument;
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[own][i] = mem_alloc(MEM_MESSAGE, i);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < BLOCKS; i++)
        mem_free(MEM_MESSAGE, blocks[(own + 1) % THREADS][i]);
    return NULL;
}

static void test_the_sum_holds_across_threads(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_MESSAGE);
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, exchange, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    assert_int_equal(mem_bytes(MEM_MESSAGE), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_what_is_held),
        cmocka_unit_test(test_gives_bytes_for_nothing),
        cmocka_unit_test(test_zeroes_and_copies),
        cmocka_unit_test(test_every_purpose_has_a_name),
        cmocka_unit_test(test_the_sum_holds_across_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
