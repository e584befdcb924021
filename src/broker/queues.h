/* What waits behind the windows of this shard's sessions: how old it is, and for whom most of it.
 */
#ifndef TRACKWIRE_BROKER_QUEUES_H
#define TRACKWIRE_BROKER_QUEUES_H

#include "base/span.h"
#include "loop/shard.h"

struct broker;
struct broker_shard;

#define QUEUES_TOP 10
#define QUEUES_ID_MAX 128

struct queues_row {
    uint64_t bytes, messages;
    uint64_t dropped;  /* of the session, since it began */
    int64_t oldest_us; /* UTC: when its oldest message came */
    uint32_t client_id_n;
    char client_id[QUEUES_ID_MAX]; /* cut at a character's end */
};

struct queues {
    uint64_t sessions;  /* that have a queue */
    int64_t oldest_us;  /* of all; 0: none */
    uint32_t top_count; /* rows in `top`, most bytes first */
    struct queues_row top[QUEUES_TOP];
};

/* Adds what one shard found to `all`. */
void queues_merge(struct queues *all, const struct queues *found);
/* Adds one row, if it is among the largest. */
void queues_offer(struct queues *all, const struct queues_row *row);

/* A look at the sessions, some in each turn, so that a million of them hold nobody up. The caller's
 * memory, until `done`. */
struct queues_walk {
    struct task task;
    struct broker_shard *bs;
    uint32_t at;
    struct queues found;
    /* On the shard that was walked, perhaps before queues_walk_start returns. */
    void (*done)(struct queues_walk *w);
};

/* Walks this shard's sessions; w->done is set by the caller. Any worker shard. */
void queues_walk_start(struct broker *b, struct queues_walk *w);

#endif
