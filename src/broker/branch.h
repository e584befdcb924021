/* A branch of the index: subscribers that stand apart from the plain ones at the same filter.
 * Either a shared group, of which one member gets each message, or the subscribers of a filter with
 * lists or a spec. A group also owns the messages that came while none of its members was there. */
#ifndef TRACKWIRE_BROKER_BRANCH_H
#define TRACKWIRE_BROKER_BRANCH_H

#include "base/rcu.h"
#include "broker/filter.h"
#include "broker/filter_spec.h"
#include "broker/holdings.h"
#include "broker/ring.h"

#include <pthread.h>

struct branch {
    struct ref ref;          /* the index holds one, each message on its way to a member another */
    struct rcu_later later;  /* drops the index's reference */
    _Atomic(void *) members; /* struct subscribers */
    bool is_shared;
    bool has_whole_text; /* the name is the whole filter, not a group's name */
    uint8_t sticky_from, sticky_count;
    struct filter_spec *spec; /* what messages must meet; NULL: nothing */
    pthread_mutex_t lock;     /* protects the queue; taken after no other lock but the index's */
    struct outbox_ring queue; /* items with a message of their own (not stored) */
    uint64_t queue_bytes;
    struct holdings *holdings; /* the account's, which counts the queue; NULL: it was never used */
    atomic_uint waiting;       /* queue.count, for a look without the lock */
    uint32_t name_n;
    uint8_t name[];
};

static inline struct branch *branch_of_ref(struct ref *r)
{
    return (struct branch *)((char *)r - offsetof(struct branch, ref));
}

static inline struct span branch_name(const struct branch *b)
{
    return (struct span){b->name, b->name_n};
}

/* A branch without members for a filter that has one; one reference. ERR_NO_MEMORY, or what is
 * wrong with the spec. */
int branch_new(const struct filter *filter, struct branch **ret) MUST_USE;
/* Drops the index's reference when readers have moved on. */
void branch_drop_later(struct branch *b);

#endif
