/* Buckets: the burst at once, the rate in the long run, and no more after a long rest. */
#include "base/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* How many of `tries` are let through at once. */
static int take(const struct rate *r, int64_t *full_ns, int64_t now_ms, int tries)
{
    int taken = 0;
    for (int i = 0; i < tries; i++)
        taken += rate_take(r, full_ns, now_ms);
    return taken;
}

static void gives_the_burst_at_once(void **state)
{
    (void)state;
    struct rate r = rate_make(10, 25);
    int64_t full_ns = 0;
    assert_int_equal(take(&r, &full_ns, 5000, 100), 25);
    assert_int_equal(take(&r, &full_ns, 5000, 100), 0);
}

static void fills_at_the_rate(void **state)
{
    (void)state;
    struct rate r = rate_make(10, 25);
    int64_t full_ns = 0;
    (void)take(&r, &full_ns, 5000, 100);
    assert_int_equal(take(&r, &full_ns, 5099, 100), 0);
    assert_int_equal(take(&r, &full_ns, 5100, 100), 1);
    assert_int_equal(take(&r, &full_ns, 6100, 100), 10);
}

static void holds_no_more_than_the_burst(void **state)
{
    (void)state;
    struct rate r = rate_make(10, 25);
    int64_t full_ns = 0;
    (void)take(&r, &full_ns, 5000, 100);
    assert_int_equal(take(&r, &full_ns, 1000000000, 100), 25);
}

/* What was refused costs nothing: who tries all the time gets as much as who waits. */
static void refusals_are_free(void **state)
{
    (void)state;
    struct rate r = rate_make(100, 1);
    int64_t full_ns = 0;
    int taken = 0;
    for (int64_t ms = 1; ms <= 10000; ms++)
        taken += take(&r, &full_ns, ms, 7);
    assert_int_equal(taken, 1000);
}

static void keeps_high_rates(void **state)
{
    (void)state;
    struct rate r = rate_make(1000000, 2000);
    int64_t full_ns = 0;
    int taken = 0;
    for (int64_t ms = 1; ms <= 1000; ms++)
        taken += take(&r, &full_ns, ms, 5000);
    assert_in_range(taken, 999000, 1001000);
}

static void takes_a_burst_of_none_as_one(void **state)
{
    (void)state;
    struct rate r = rate_make(10, 0);
    int64_t full_ns = 0;
    assert_int_equal(take(&r, &full_ns, 5000, 100), 1);
}

static void knows_no_limit(void **state)
{
    (void)state;
    struct rate r = rate_make(0, 0);
    int64_t full_ns = 0;
    assert_int_equal(r.gap_ns, 0);
    assert_int_equal(take(&r, &full_ns, 5000, 100), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_burst_at_once),
        cmocka_unit_test(fills_at_the_rate),
        cmocka_unit_test(holds_no_more_than_the_burst),
        cmocka_unit_test(refusals_are_free),
        cmocka_unit_test(keeps_high_rates),
        cmocka_unit_test(takes_a_burst_of_none_as_one),
        cmocka_unit_test(knows_no_limit),
    };
    return cmocka_run_group_tests_name("base/rate", tests, NULL, NULL);
}
