/* What waits for clients, in bytes: for one session, for an account, and for all of them together,
 * with a limit on the last two. A session tells when what waits for it changed; its shard passes
 * changes on in batches, so that shards do not fight for one number. What the limits look at is
 * therefore behind by at most HOLDINGS_BATCH bytes for each shard.
 *
 *   session's queue ---------------------------+
 *   session's window or output, the larger one,+--> shard's batch --> account --> whole
 *     from HOLDINGS_FROM bytes on -------------+                        ^
 *   shared group's queue -----------------------------------------------+
 *
 * A message that waits for several sessions counts for each, as it does in their own limits. */
#ifndef TRACKWIRE_BROKER_HOLDINGS_H
#define TRACKWIRE_BROKER_HOLDINGS_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>

#define HOLDINGS_BATCH (16 * 1024)
/* Output that is shorter is no news: most of it is gone when the turn ends. */
#define HOLDINGS_FROM (16u * 1024)
/* A connection whose output fell to this is no longer behind. */
#define HOLDINGS_LOW (4u * 1024)

struct broker_shard;
struct session;

/* Relaxed atomics, changed and read by any shard: each is a sum that orders nothing. */
struct holdings {
    atomic_int_fast64_t bytes;
    /* Part of it that shared groups keep, and its messages. */
    atomic_int_fast64_t group_bytes, group_messages;
    int64_t max;            /* 0: none */
    int err;                /* at the limit */
    struct holdings *whole; /* what it is a part of; NULL: nothing */
};

/* As one session told last. */
struct holding {
    uint64_t queue_bytes, waiting_bytes;
    uint32_t queue_count;
};

/* Changes not yet passed on. */
struct holdings_batch {
    struct holdings *of;
    int64_t bytes;
};

/* Empty; `err` is what holdings_check tells at `max` bytes (0: no limit). */
void holdings_init(struct holdings *h, uint64_t max, int err, struct holdings *whole);

/* Looks again at what waits for the session. Owner shard of the session, whenever its queue or
 * window changed, or its output by much. */
void holdings_settle(struct session *s);
/* 0, or the limit (not counted) that `bytes` more for this session would pass. */
int holdings_check(const struct session *s, uint64_t bytes) MUST_USE;

/* A shared group keeps so much more or, with negative numbers, less. Any shard. */
void holdings_change_group(struct holdings *h, int64_t bytes, int64_t messages);
/* As holdings_check, for a shared group. */
int holdings_check_group(const struct holdings *h, uint64_t bytes) MUST_USE;

#endif
