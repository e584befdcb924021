/* A look at what only its owner may look at: one mail to each worker and back, for /metrics. */
#ifndef TRACKWIRE_REST_SURVEY_H
#define TRACKWIRE_REST_SURVEY_H

#include "broker/queues.h"
#include "loop/shard.h"

struct survey {
    struct queues queues; /* of all shards */
    unsigned count;       /* shards, the control shard last */
    struct shard_stats loops[];
};

/* Asks all shards; `done` gets the answers, borrowed for the call, in a later turn. Control shard.
 * ERR_NO_MEMORY. */
int survey_start(struct shard_set *shards, struct broker *broker,
                 void (*done)(void *context, const struct survey *survey), void *context) MUST_USE;

#endif
