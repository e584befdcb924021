/* The mailbox: a lock-free stack that many push to and the owner takes whole, so that there is no
 * ABA problem and a batch costs one exchange on each side.
 *
 * No wake-up is lost, and none is sent to a shard that is awake:
 *
 *     sender                               owner
 *     1. push onto newest                  1. is_sleeping = true
 *     2. read is_sleeping                  2. read newest
 *        true: claim it and write eventfd     mail: do not sleep
 *
 * All four are sequentially consistent, so they have one order that every thread agrees on. In that
 * order either the sender's push comes before the owner's read, which then finds the mail, or the
 * owner's store comes before the sender's read, which then wakes. Acquire and release would not do:
 * they allow both reads to miss both writes. On x86 the price is the locked push that is needed
 * anyway, and one exchange before each sleep. */
#include "loop/mailbox.h"

#include <stddef.h>

bool outbox_add(struct outbox *o, struct mail *m)
{
    bool was_empty = !o->newest;
    m->next = o->newest;
    o->newest = m;
    if (was_empty)
        o->oldest = m;
    return was_empty;
}

bool mailbox_must_wake(struct mailbox *b)
{
    /* The plain read first: while the owner is awake its line stays shared between the senders. */
    return atomic_load(&b->is_sleeping) && atomic_exchange(&b->is_sleeping, false);
}

bool mailbox_put(struct mailbox *b, struct mail *newest, struct mail *oldest)
{
    struct mail *before = atomic_load_explicit(&b->newest, memory_order_relaxed);
    do
        oldest->next = before;
    while (!atomic_compare_exchange_weak(&b->newest, &before, newest));
    return mailbox_must_wake(b);
}

struct mail *mailbox_take(struct mailbox *b)
{
    /* Relaxed: a miss is only put off, mailbox_lie_down looks again before a sleep. */
    if (!atomic_load_explicit(&b->newest, memory_order_relaxed))
        return NULL;
    struct mail *m = atomic_exchange_explicit(&b->newest, NULL, memory_order_acquire);
    struct mail *oldest_first = NULL;
    while (m) {
        struct mail *older = m->next;
        m->next = oldest_first;
        oldest_first = m;
        m = older;
    }
    return oldest_first;
}

bool mailbox_lie_down(struct mailbox *b)
{
    atomic_store(&b->is_sleeping, true);
    if (!atomic_load(&b->newest))
        return true;
    mailbox_rise(b);
    return false;
}

void mailbox_rise(struct mailbox *b)
{
    /* Relaxed: a sender that still sees true only writes the eventfd for nothing. */
    atomic_store_explicit(&b->is_sleeping, false, memory_order_relaxed);
}
