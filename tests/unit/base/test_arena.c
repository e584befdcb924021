/* base/arena.h: memory that dies all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

#include <stdalign.h>

static void test_gives_aligned_bytes_that_do_not_overlap(void **state)
{
    (void)state;
    struct arena a = arena_make(MEM_BASE, 1 << 20);
    uint8_t *taken[200];
    for (size_t i = 0; i < 200; i++) {
        taken[i] = arena_alloc(&a, i);
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t)taken[i] % alignof(max_align_t), 0);
        memset(taken[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_equal(taken[i][k], i);
    }
    arena_fini(&a);
}

static void test_gives_blocks_larger_than_its_own(void **state)
{
    (void)state;
    struct arena a = arena_make(MEM_BASE, 1 << 20);
    uint8_t *small = arena_alloc(&a, 10), *large = arena_alloc(&a, 100000);
    assert_true(small && large);
    memset(large, 1, 100000);
    assert_non_null(arena_alloc(&a, 10));
    arena_fini(&a);
}

static void test_refuses_past_the_limit(void **state)
{
    (void)state;
    struct arena a = arena_make(MEM_BASE, 1000);
    assert_non_null(arena_alloc(&a, 600));
    assert_null(arena_alloc(&a, 401));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_non_null(arena_alloc(&a, 400));
    assert_null(arena_alloc(&a, 1));
    assert_null(arena_copy(&a, SPAN_LIT("x")).p);
    arena_clear(&a);
    assert_non_null(arena_alloc(&a, 1000));
    arena_fini(&a);
}

static void test_copies(void **state)
{
    (void)state;
    struct arena a = arena_make(MEM_BASE, 1000);
    char text[] = "ident";
    struct span copy = arena_copy(&a, span_str(text));
    text[0] = 'X';
    assert_true(span_equal(copy, SPAN_LIT("ident")));
    assert_non_null(arena_copy(&a, (struct span){NULL, 0}).p);
    arena_fini(&a);
}

static void test_gives_all_memory_back(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_GATEWAY);
    struct arena a = arena_make(MEM_GATEWAY, 1 << 20);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&a, 1000));
    assert_true(mem_bytes(MEM_GATEWAY) > before + 100000);
    arena_clear(&a);
    assert_true(mem_bytes(MEM_GATEWAY) < before + 10000); /* one block is kept */
    arena_fini(&a);
    assert_int_equal(mem_bytes(MEM_GATEWAY), before);
    arena_fini(&a); /* empty is fine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_aligned_bytes_that_do_not_overlap),
        cmocka_unit_test(test_gives_blocks_larger_than_its_own),
        cmocka_unit_test(test_refuses_past_the_limit),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_gives_all_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
