/* loop/shard.h: tasks, watches, timers and rest of a running shard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "on_shard.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct shard_set *set;
static struct shard *shard;

static int start_shards(void **state)
{
    (void)state;
    if (shard_set_new(2, &set) < 0 || shard_set_start(set) < 0)
        return -1;
    shard = shard_at(set, 0);
    return 0;
}

static int stop_shards(void **state)
{
    (void)state;
    shard_set_stop(set);
    shard_set_join(set);
    shard_set_free(&set);
    return set ? -1 : 0;
}

/* ---- who is who ---- */

static void note_identity(void *arg)
{
    char *said = arg;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    char name[16];
    pthread_getname_np(pthread_self(), name, sizeof name);
    snprintf(said, 64, "%s %u %d %d", name, shard_index(shard_self()), shard_is_owner(shard_self()),
             sigismember(&blocked, SIGTERM));
}

static void test_each_shard_knows_itself(void **state)
{
    (void)state;
    char said[64];
    on_shard(shard_at(set, 1), note_identity, said);
    assert_string_equal(said, "tw-1 1 1 1");
    on_shard(shard_control(set), note_identity, said);
    assert_string_equal(said, "tw-ctl 2 1 1");
    assert_null(shard_self());
    assert_false(shard_is_owner(shard));
    assert_ptr_equal(shard_set_of(shard), set);
    assert_int_equal(shard_set_workers(set), 2);
}

static void test_owned_by_anyone_before_start_and_after_join(void **state)
{
    (void)state;
    struct shard_set *own;
    assert_int_equal(shard_set_new(1, &own), 0);
    assert_true(shard_is_owner(shard_at(own, 0)));
    int kept;
    shard_set_slot(shard_at(own, 0), SHARD_SLOT_BROKER, &kept);
    assert_ptr_equal(shard_slot(shard_at(own, 0), SHARD_SLOT_BROKER), &kept);
    assert_null(shard_slot(shard_at(own, 0), SHARD_SLOT_NET));
    assert_int_equal(shard_set_start(own), 0);
    shard_set_stop(own);
    shard_set_join(own);
    assert_true(shard_is_owner(shard_at(own, 0)));
    shard_set_free(&own);
}

/* ---- tasks ---- */

static char trace[32];
static uint64_t trace_turns[32];
static sem_t traced;

static void trace_add(char c)
{
    size_t n = strlen(trace);
    trace_turns[n] = shard_stats(shard_self()).turns;
    trace[n] = c;
}

static void task_a(struct task *t);
static void task_b(struct task *t);
static void task_last(struct task *t);
static void task_again(struct task *t);
static struct task a = {.run = task_a}, b = {.run = task_b}, last = {.run = task_last};
static struct task again = {.run = task_again};

static void task_a(struct task *t)
{
    (void)t;
    trace_add('a');
    shard_defer(shard_self(), &b);
}

static void task_b(struct task *t)
{
    (void)t;
    trace_add('b');
}

/* Defers once more: it runs in this turn still, and this task is not last any more. */
static void task_last(struct task *t)
{
    trace_add('l');
    if (strlen(trace) < 5) {
        shard_defer(shard_self(), &b);
        shard_defer_last(shard_self(), t);
    }
}

static void task_again(struct task *t)
{
    (void)t;
    trace_add('g');
    sem_post(&traced);
}

static void queue_tasks(void *arg)
{
    (void)arg;
    shard_again(shard_self(), &again);
    shard_defer_last(shard_self(), &last);
    shard_defer(shard_self(), &a);
    shard_defer(shard_self(), &a);
    shard_again(shard_self(), &again);
}

static void test_tasks_run_once_in_their_order(void **state)
{
    (void)state;
    sem_init(&traced, 0, 0);
    on_shard(shard, queue_tasks, NULL);
    assert_true(wait_posted(&traced, 10));
    assert_string_equal(trace, "ablblg");
    for (int i = 0; i < 5; i++)
        assert_int_equal(trace_turns[i], trace_turns[0]);
    assert_int_equal(trace_turns[5], trace_turns[0] + 1);
}

/* ---- watches ---- */

static struct pair {
    struct watch watch; /* first */
    struct pair *other;
    int told;
} pair[2];

static sem_t pair_told;

/* Both are ready in the same batch; whichever is told first takes the other away. */
static void unwatch_other(struct watch *w, uint32_t events)
{
    struct pair *p = (struct pair *)(void *)w;
    p->told += (events & EPOLLIN) != 0;
    shard_unwatch(shard_self(), &p->other->watch);
    shard_unwatch(shard_self(), &p->watch);
    close(p->other->watch.fd);
    close(p->watch.fd);
    memset(&p->other->watch, 0xff, sizeof p->other->watch);
    sem_post(&pair_told);
}

static void watch_pair(void *arg)
{
    int *err = arg;
    for (int i = 0; i < 2; i++) {
        pair[i] = (struct pair){{eventfd(1, EFD_NONBLOCK), unwatch_other}, &pair[!i], 0};
        *err |= shard_watch(shard_self(), &pair[i].watch, EPOLLIN);
    }
}

static void test_unwatched_in_the_batch_is_not_told(void **state)
{
    (void)state;
    int err = 0;
    sem_init(&pair_told, 0, 0);
    on_shard(shard, watch_pair, &err);
    assert_int_equal(err, 0);
    assert_true(wait_posted(&pair_told, 10));
    on_shard(shard, note_identity, (char[64]){0});
    assert_int_equal(pair[0].told + pair[1].told, 1);
}

static void watch_nonsense(void *arg)
{
    struct watch w = {.fd = -1};
    *(int *)arg = shard_watch(shard_self(), &w, EPOLLIN);
}

static void test_refuses_what_cannot_be_watched(void **state)
{
    (void)state;
    int err = 0;
    on_shard(shard, watch_nonsense, &err);
    assert_int_equal(err, ERR_LOOP_WATCH);
}

/* ---- time ---- */

static struct alarm {
    struct timer timer; /* first */
    int64_t set_ms, fired_ms, seen_now_ms, seen_wall_us;
    sem_t fired;
} alarm_clock;

static void ring(struct timer *t)
{
    struct alarm *al = (struct alarm *)(void *)t;
    al->fired_ms = clock_mono_ms();
    al->seen_now_ms = shard_now_ms(shard_self());
    al->seen_wall_us = shard_wall_us(shard_self());
    sem_post(&al->fired);
}

static void set_alarm(void *arg)
{
    struct alarm *al = arg;
    al->timer.on_due = ring;
    al->set_ms = shard_now_ms(shard_self());
    shard_timer_start(shard_self(), &al->timer, al->set_ms + 60, 0);
}

static void test_timer_wakes_the_loop_in_time(void **state)
{
    (void)state;
    sem_init(&alarm_clock.fired, 0, 0);
    on_shard(shard, set_alarm, &alarm_clock);
    assert_true(wait_posted(&alarm_clock.fired, 10));
    int64_t took_ms = alarm_clock.fired_ms - alarm_clock.set_ms;
    assert_in_range(took_ms, 60, 2000);
    assert_in_range(alarm_clock.fired_ms - alarm_clock.seen_now_ms, 0, 2000);
    assert_in_range(clock_wall_us() - alarm_clock.seen_wall_us, 0, 10000000);
}

/* ---- rest ---- */

static void note_stats(void *arg)
{
    *(struct shard_stats *)arg = shard_stats(shard_self());
}

static void test_idle_shard_makes_no_turns(void **state)
{
    (void)state;
    struct shard_stats before, after;
    on_shard(shard, note_stats, &before);
    usleep(300000);
    on_shard(shard, note_stats, &after);
    /* The one turn that noted `before`. */
    assert_int_equal(after.turns, before.turns + 1);
    assert_int_equal(after.wakeups_sent, before.wakeups_sent);
    assert_true(after.longest_turn_us >= 0);
}

static void work_5_ms(void *arg)
{
    (void)arg;
    usleep(5000);
}

static uint64_t turns_above_4_ms(const struct shard_stats *stats)
{
    uint64_t sum = 0;
    int64_t limit_us = SHARD_TURN_FIRST_US;
    for (size_t i = 0; i < SHARD_TURN_CLASSES; i++, limit_us *= 4)
        sum += limit_us > 4096 ? stats->turns_by_time[i] : 0;
    return sum;
}

static void test_turns_are_counted_by_time(void **state)
{
    (void)state;
    struct shard_stats before, after;
    on_shard(shard, note_stats, &before);
    on_shard(shard, work_5_ms, NULL);
    on_shard(shard, note_stats, &after);
    uint64_t sum = 0;
    for (size_t i = 0; i < SHARD_TURN_CLASSES; i++)
        sum += after.turns_by_time[i];
    assert_int_equal(sum, after.turns);
    assert_true(turns_above_4_ms(&after) > turns_above_4_ms(&before));
    assert_true(after.longest_turn_us >= 5000);
    assert_true(after.worked_us - before.worked_us >= 5000);
}

static void test_stop_ends_sleeping_shards(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct shard_set *own;
        assert_int_equal(shard_set_new(2, &own), 0);
        assert_int_equal(shard_set_start(own), 0);
        if (i % 2)
            usleep(500);
        shard_set_stop(own);
        shard_set_join(own);
        shard_set_free(&own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_shard_knows_itself),
        cmocka_unit_test(test_owned_by_anyone_before_start_and_after_join),
        cmocka_unit_test(test_tasks_run_once_in_their_order),
        cmocka_unit_test(test_unwatched_in_the_batch_is_not_told),
        cmocka_unit_test(test_refuses_what_cannot_be_watched),
        cmocka_unit_test(test_timer_wakes_the_loop_in_time),
        cmocka_unit_test(test_idle_shard_makes_no_turns),
        cmocka_unit_test(test_turns_are_counted_by_time),
        cmocka_unit_test(test_stop_ends_sleeping_shards),
    };
    return cmocka_run_group_tests(tests, start_shards, stop_shards);
}
