/* loop/timer_wheel.h: due times, slack, callbacks that meddle, far timers, and a long random run
 * against a list that is searched whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/timer_wheel.h"

#include <stdlib.h>
#include <string.h>

#define START_MS 1234567

static struct timer_wheel wheel;
static int64_t now_ms; /* what the running wheel_run was given */

/* A timer that notes when it fired, and may do something then. */
struct probe {
    struct timer timer; /* first */
    int fired;
    int64_t fired_ms;
    int order;
    struct probe *stops, *starts;
    int64_t starts_ms;
};

static int fired_total;

static void note(struct timer *t)
{
    struct probe *p = (struct probe *)(void *)t;
    p->fired++;
    p->fired_ms = now_ms;
    p->order = ++fired_total;
    if (p->stops)
        wheel_stop(&wheel, &p->stops->timer);
    if (p->starts)
        wheel_start(&wheel, &p->starts->timer, p->starts_ms, 0);
}

static struct probe probe(void)
{
    return (struct probe){.timer.on_due = note};
}

static unsigned run(int64_t ms)
{
    now_ms = ms;
    return wheel_run(&wheel, ms);
}

static int set_up(void **state)
{
    (void)state;
    fired_total = 0;
    wheel_init(&wheel, START_MS);
    return 0;
}

static void test_fires_in_order_of_due_times(void **state)
{
    (void)state;
    static const int delays[] = {700, 3, 65, 64, 4097, 4096, 1, 262145, 3};
    enum {
        COUNT = sizeof delays / sizeof *delays
    };
    struct probe p[COUNT];
    for (int i = 0; i < COUNT; i++) {
        p[i] = probe();
        wheel_start(&wheel, &p[i].timer, START_MS + delays[i], 0);
    }
    assert_int_equal(run(START_MS), 0);
    assert_int_equal(run(START_MS + 300000), COUNT);
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++)
            if (delays[i] < delays[j])
                assert_true(p[i].order < p[j].order);
    assert_int_equal(wheel_next_ms(&wheel), WHEEL_NEVER);
}

static void test_fires_at_its_millisecond_and_once(void **state)
{
    (void)state;
    for (int64_t delay = 1; delay < 10000; delay += 37) {
        struct probe p = probe();
        int64_t due = wheel.now_ms + delay;
        wheel_start(&wheel, &p.timer, due, 0);
        assert_int_equal(wheel_next_ms(&wheel), due);
        run(due - 1);
        assert_int_equal(p.fired, 0);
        assert_true(timer_is_started(&p.timer));
        run(due);
        assert_int_equal(p.fired, 1);
        assert_false(timer_is_started(&p.timer));
        run(due + 100000);
        assert_int_equal(p.fired, 1);
    }
}

static void test_slack_gathers_timers(void **state)
{
    (void)state;
    enum {
        COUNT = 100,
        SLACK = 100
    };
    struct probe p[COUNT];
    for (int i = 0; i < COUNT; i++) {
        p[i] = probe();
        wheel_start(&wheel, &p[i].timer, START_MS + 5000 + i, SLACK);
        assert_in_range(p[i].timer.due_ms, START_MS + 5000 + i, START_MS + 5000 + i + SLACK);
    }
    int wakeups = 0;
    for (int64_t next; (next = wheel_next_ms(&wheel)) != WHEEL_NEVER; wakeups++)
        run(next);
    assert_int_equal(fired_total, COUNT);
    assert_in_range(wakeups, 1, 4);
}

static void test_restart_moves(void **state)
{
    (void)state;
    struct probe p = probe();
    wheel_start(&wheel, &p.timer, START_MS + 10, 0);
    wheel_start(&wheel, &p.timer, START_MS + 5000, 0);
    run(START_MS + 100);
    assert_int_equal(p.fired, 0);
    wheel_start(&wheel, &p.timer, START_MS + 200, 0);
    assert_int_equal(wheel_next_ms(&wheel), START_MS + 200);
    run(START_MS + 10000);
    assert_int_equal(p.fired, 1);
}

static void test_stop(void **state)
{
    (void)state;
    struct probe p = probe(), q = probe();
    wheel_stop(&wheel, &p.timer);
    wheel_start(&wheel, &p.timer, START_MS + 10, 0);
    wheel_start(&wheel, &q.timer, START_MS + 3000, 0);
    wheel_stop(&wheel, &p.timer);
    assert_int_equal(wheel_next_ms(&wheel), START_MS + 3000);
    run(START_MS + 3000);
    assert_int_equal(p.fired, 0);
    assert_int_equal(q.fired, 1);
}

static void test_callbacks_stop_their_neighbours(void **state)
{
    (void)state;
    struct probe first = probe(), same_slot = probe(), later = probe();
    wheel_start(&wheel, &first.timer, START_MS + 20, 0);
    wheel_start(&wheel, &same_slot.timer, START_MS + 20, 0);
    wheel_start(&wheel, &later.timer, START_MS + 900, 0);
    first.stops = &same_slot;
    first.starts = &later;
    first.starts_ms = START_MS + 30;
    assert_int_equal(run(START_MS + 100), 2);
    assert_int_equal(same_slot.fired, 0);
    assert_int_equal(later.fired, 1);
}

/* A callback that starts its timer for a time that has passed must not hold the loop. */
static void test_restarted_in_the_past_fires_in_the_next_run(void **state)
{
    (void)state;
    struct probe p = probe();
    p.starts = &p;
    p.starts_ms = START_MS - 5;
    wheel_start(&wheel, &p.timer, START_MS + 1, 0);
    assert_int_equal(run(START_MS + 50), 1);
    assert_true(wheel_next_ms(&wheel) <= START_MS + 50);
    assert_int_equal(run(START_MS + 50), 1);
    wheel_stop(&wheel, &p.timer);
    assert_int_equal(run(START_MS + 50), 0);
    assert_int_equal(wheel_next_ms(&wheel), WHEEL_NEVER);
}

static void test_far_timers(void **state)
{
    (void)state;
    const int64_t day = 24 * 3600 * 1000;
    struct probe month = probe(), year = probe(), never = probe();
    wheel_start(&wheel, &never.timer, INT64_MAX, 1000);
    wheel_start(&wheel, &year.timer, START_MS + 365 * day, 0);
    wheel_start(&wheel, &month.timer, START_MS + 30 * day, 0);
    assert_int_equal(wheel_next_ms(&wheel), START_MS + 30 * day);
    run(START_MS + 30 * day - 1);
    assert_int_equal(month.fired, 0);
    run(START_MS + 30 * day);
    assert_int_equal(month.fired, 1);
    assert_int_equal(wheel_next_ms(&wheel), START_MS + 365 * day);
    run(START_MS + 4000 * day);
    assert_int_equal(year.fired, 1);
    assert_int_equal(never.fired, 0);
}

/* ---- against the obvious way ---- */

/* The wheel and an array of due times do the same; after each run they must agree on everything. */
static void compare_with_list(int count, int rounds, unsigned seed)
{
    struct probe *p = calloc((size_t)count, sizeof *p);
    int64_t *due = calloc((size_t)count, sizeof *due), ms = START_MS;
    srandom(seed);
    for (int i = 0; i < count; i++)
        p[i] = probe();
    for (int round = 0; round < rounds; round++) {
        for (int k = (int)(random() % 20); k > 0; k--) {
            int i = (int)(random() % count);
            if (random() % 4 == 0) {
                wheel_stop(&wheel, &p[i].timer);
                due[i] = 0;
            } else {
                int64_t reach = INT64_C(1) << (random() % 30);
                wheel_start(&wheel, &p[i].timer, ms + random() % reach, random() % 2 ? 50 : 0);
                due[i] = p[i].timer.due_ms;
            }
        }
        int64_t first = WHEEL_NEVER;
        for (int i = 0; i < count; i++)
            if (due[i] && due[i] < first)
                first = due[i];
        int64_t next = wheel_next_ms(&wheel);
        assert_true(next <= (first > ms ? first : ms));
        if (count <= 64 && first > ms)
            assert_int_equal(next, first);
        ms = random() % 3 && next != WHEEL_NEVER ? (next > ms ? next : ms) : ms + random() % 2000;
        run(ms);
        for (int i = 0; i < count; i++) {
            assert_int_equal(p[i].fired, due[i] && due[i] <= ms);
            if (p[i].fired)
                due[i] = p[i].fired = 0;
            assert_int_equal(timer_is_started(&p[i].timer), due[i] != 0);
        }
    }
    free(p);
    free(due);
}

static void test_agrees_with_a_list(void **state)
{
    (void)state;
    compare_with_list(50, 20000, 1);
    wheel_init(&wheel, START_MS);
    compare_with_list(1000, 3000, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_fires_in_order_of_due_times, set_up),
        cmocka_unit_test_setup(test_fires_at_its_millisecond_and_once, set_up),
        cmocka_unit_test_setup(test_slack_gathers_timers, set_up),
        cmocka_unit_test_setup(test_restart_moves, set_up),
        cmocka_unit_test_setup(test_stop, set_up),
        cmocka_unit_test_setup(test_callbacks_stop_their_neighbours, set_up),
        cmocka_unit_test_setup(test_restarted_in_the_past_fires_in_the_next_run, set_up),
        cmocka_unit_test_setup(test_far_timers, set_up),
        cmocka_unit_test_setup(test_agrees_with_a_list, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
