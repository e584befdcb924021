/* The subscribers at one place of the index: an array that readers walk while one writer changes
 * it. A subscriber is two words, each read and written whole, so that no reader sees half of one.
 */
#ifndef TRACKWIRE_BROKER_SUBSCRIBERS_H
#define TRACKWIRE_BROKER_SUBSCRIBERS_H

#include "base/err.h"
#include "base/rcu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A subscriber (`who`, a uint64_t) names a session: its shard, its slot there, and the slot's
 * generation, so that a stale name finds nobody instead of another session. Never 0: generations
 * start at 1. */
#define SUBSCRIBER_SLOT_BITS 32
#define SUBSCRIBER_SHARD_BITS 10
#define SUBSCRIBER_GENERATION_MASK 0x3FFFFFu

static inline uint64_t subscriber_make(unsigned shard, uint32_t slot, uint32_t generation)
{
    return (uint64_t)(generation & SUBSCRIBER_GENERATION_MASK)
               << (SUBSCRIBER_SLOT_BITS + SUBSCRIBER_SHARD_BITS) |
           (uint64_t)shard << SUBSCRIBER_SLOT_BITS | slot;
}

static inline unsigned subscriber_shard(uint64_t who)
{
    return (unsigned)(who >> SUBSCRIBER_SLOT_BITS) & ((1u << SUBSCRIBER_SHARD_BITS) - 1);
}

static inline uint32_t subscriber_slot(uint64_t who)
{
    return (uint32_t)who;
}

static inline uint32_t subscriber_generation(uint64_t who)
{
    return (uint32_t)(who >> (SUBSCRIBER_SLOT_BITS + SUBSCRIBER_SHARD_BITS));
}

/* How: subscription identifier (0: none) in the high half, options in the low one. */
#define SUBSCRIPTION_QOS_MASK 3u
#define SUBSCRIPTION_NO_LOCAL 4u
#define SUBSCRIPTION_RETAIN_AS_PUBLISHED 8u

static inline uint64_t subscription_options(uint8_t qos, bool no_local, bool retain_as_published,
                                            uint32_t id)
{
    return (uint64_t)id << 32 | qos | (no_local ? SUBSCRIPTION_NO_LOCAL : 0u) |
           (retain_as_published ? SUBSCRIPTION_RETAIN_AS_PUBLISHED : 0u);
}

static inline uint32_t subscription_id(uint64_t options)
{
    return (uint32_t)(options >> 32);
}

struct subscribers {
    struct rcu_later later;
    atomic_uint count; /* places in use, removed ones too */
    uint32_t cap;
    uint32_t removed; /* writers only */
    struct subscribers_place {
        _Atomic uint64_t who; /* 0: removed */
        _Atomic uint64_t options;
    } places[];
};

/* `home` below: where an array hangs, a value of a tree node or the members of a shared group. */

/* Adds `who`; `ret_at` is its place, a hint for the other calls. Writer. */
int subscribers_add(_Atomic(void *) *home, uint64_t who, uint64_t options,
                    uint32_t *ret_at) MUST_USE;
/* Changes the options in place. Writer. */
void subscribers_change(_Atomic(void *) *home, uint64_t who, uint32_t at, uint64_t options);
/* Removes it; the array goes when it was the last. Writer. */
void subscribers_remove(_Atomic(void *) *home, uint64_t who, uint32_t at);
/* Frees the array at once: no readers any more. */
void subscribers_fini(_Atomic(void *) *home);

static inline const struct subscribers *subscribers_read(const _Atomic(void *) *home)
{
    return rcu_read(*(_Atomic(void *) *)home);
}

#endif
