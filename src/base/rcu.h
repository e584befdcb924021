/* Read-copy-update (liburcu, QSBR flavour) for the few shared structures that shards read without
 * locks. A reader is a registered thread between two calls of rcu_mark_quiescent; it must not keep
 * a pointer that rcu_read gave across such a call. Writers hold their own lock, publish with
 * rcu_publish and hand the old version to rcu_defer, which frees it after every reader moved on.
 * ThreadSanitizer does not see liburcu's ordering: the wrappers tell it. */
#ifndef TRACKWIRE_BASE_RCU_H
#define TRACKWIRE_BASE_RCU_H

#include <stdatomic.h>

/* Embedded in what is freed later. */
struct rcu_later {
    void *words[2]; /* liburcu's rcu_head */
    void (*run)(struct rcu_later *);
};

/* A thread that reads registers first and unregisters last. */
void rcu_join(void);
void rcu_leave(void);
/* The calling reader holds no pointer from rcu_read: once a turn of its loop. */
void rcu_mark_quiescent(void);
/* Around a wait that may be long: the thread reads nothing in between. */
void rcu_sleep(void);
void rcu_wake(void);
/* Runs `run(later)` on a background thread after all readers moved on. Joined threads only. */
void rcu_defer(struct rcu_later *later, void (*run)(struct rcu_later *));
/* Waits until all that was deferred has run; at exit and in tests. Not from within a read. */
void rcu_drain(void);

/* Loads a pointer that rcu_publish stored. Acquire: what the pointer points to is visible. */
#define rcu_read(place) atomic_load_explicit(&(place), memory_order_acquire)
#define rcu_publish(place, value) atomic_store_explicit(&(place), (value), memory_order_release)

#endif
