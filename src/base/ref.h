/* Reference counting for things that several threads hold and nobody changes: message bodies,
 * mailbox payloads. Embed a `struct ref`; the last unref frees through its function. */
#ifndef TRACKWIRE_BASE_REF_H
#define TRACKWIRE_BASE_REF_H

#include <stdatomic.h>

struct ref {
    atomic_uint count;
    /* Called once, by whoever drops the last reference, on that thread. */
    void (*free)(struct ref *);
};

static inline void ref_init(struct ref *r, void (*free_it)(struct ref *))
{
    atomic_init(&r->count, 1);
    r->free = free_it;
}

static inline struct ref *ref_take(struct ref *r)
{
    /* Relaxed: whoever takes a reference holds one already, so nothing is ordered by it. */
    atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);
    return r;
}

static inline void ref_drop(struct ref *r)
{
    /* Release orders our reads before the free; acquire makes the freeing thread see them done. */
    if (atomic_fetch_sub_explicit(&r->count, 1, memory_order_acq_rel) == 1)
        r->free(r);
}

#endif
