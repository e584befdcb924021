/* Read-copy-update over liburcu's QSBR flavour. A reader pays one function call a turn; writers
 * hand old versions to liburcu's background thread. Knows nothing of what is published. */
#include "base/rcu.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <urcu/urcu-qsbr.h>

#if defined(__SANITIZE_THREAD__)
#define RCU_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_UNDER_TSAN 1
#endif
#endif

/* liburcu is not instrumented, so ThreadSanitizer cannot see that a grace period orders a reader's
 * last look before the free. Two clocks stand for it: readers release `grace` when they are
 * quiescent, the background thread acquires it before it frees; `done` orders that against
 * rcu_drain. */
#ifdef RCU_UNDER_TSAN
void __tsan_acquire(void *);
void __tsan_release(void *);
static char grace, done;
#define clock_acquire(clock) __tsan_acquire(clock)
#define clock_release(clock) __tsan_release(clock)
#else
#define clock_acquire(clock) ((void)0)
#define clock_release(clock) ((void)0)
#endif

/* The header spares its users liburcu's headers by keeping the rcu_head as two words. */
static_assert(sizeof(struct rcu_head) <= sizeof(((struct rcu_later *)0)->words), "rcu_head grew");
static_assert(offsetof(struct rcu_later, words) == 0, "rcu_head is found at the start");

/* A thread may act for others that ended (see shard_set_join), so joins nest. */
static _Thread_local unsigned joins;

void rcu_join(void)
{
    if (joins++ == 0)
        urcu_qsbr_register_thread();
}

void rcu_leave(void)
{
    assert(joins > 0);
    clock_release(&grace);
    if (--joins == 0)
        urcu_qsbr_unregister_thread();
}

void rcu_mark_quiescent(void)
{
    clock_release(&grace);
    urcu_qsbr_quiescent_state();
}

void rcu_sleep(void)
{
    clock_release(&grace);
    urcu_qsbr_thread_offline();
}

void rcu_wake(void)
{
    urcu_qsbr_thread_online();
}

static void run_later(struct rcu_head *head)
{
    struct rcu_later *later = (struct rcu_later *)(void *)head;
    clock_acquire(later);
    clock_acquire(&grace);
    later->run(later);
    clock_release(&done);
}

void rcu_defer(struct rcu_later *later, void (*run)(struct rcu_later *))
{
    assert(joins > 0);
    later->run = run;
    clock_release(later);
    urcu_qsbr_call_rcu((struct rcu_head *)(void *)later->words, run_later);
}

void rcu_drain(void)
{
    urcu_qsbr_barrier();
    clock_acquire(&done);
}
