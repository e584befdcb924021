/* base/ref.h and base/clock.h: the last holder frees, on whichever thread; time goes forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ref.h"

#include <pthread.h>

#define HOLDERS 4
#define ROUNDS 20000

struct body {
    struct ref ref;
    int value;
    atomic_int freed;
};

static void body_free(struct ref *r)
{
    struct body *b = (struct body *)((char *)r - offsetof(struct body, ref));
    b->value = 0; /* what every holder read before: a race here is a missing order in ref_drop */
    atomic_fetch_add(&b->freed, 1);
}

static void test_the_last_drop_frees(void **state)
{
    (void)state;
    struct body b = {.value = 7};
    ref_init(&b.ref, body_free);
    assert_ptr_equal(ref_take(&b.ref), &b.ref);
    ref_drop(&b.ref);
    assert_int_equal(b.freed, 0);
    ref_drop(&b.ref);
    assert_int_equal(b.freed, 1);
}

static void *hold(void *argument)
{
    struct body *b = argument;
    for (int i = 0; i < ROUNDS; i++) {
        ref_take(&b->ref);
        assert_int_equal(b->value, 7);
        ref_drop(&b->ref);
    }
    ref_drop(&b->ref);
    return NULL;
}

static void test_holders_on_many_threads(void **state)
{
    (void)state;
    struct body b = {.value = 7};
    ref_init(&b.ref, body_free);
    pthread_t threads[HOLDERS];
    for (int i = 0; i < HOLDERS; i++)
        ref_take(&b.ref);
    for (int i = 0; i < HOLDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold, &b), 0);
    ref_drop(&b.ref);
    for (int i = 0; i < HOLDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(b.freed, 1);
    assert_int_equal(b.value, 0);
}

static void test_clocks(void **state)
{
    (void)state;
    int64_t before = clock_mono_ms(), wall = clock_wall_us();
    assert_true(clock_mono_ms() >= before);
    assert_true(wall > INT64_C(1700000000) * 1000000); /* microseconds, after 2023 */
    assert_true(wall < INT64_C(4100000000) * 1000000); /* and before 2100 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_drop_frees),
        cmocka_unit_test(test_holders_on_many_threads),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
