/* Retained messages of one account: the last message of each topic that was published with the
 * retain flag (MQTT 5.0 3.3.1.3). Any shard; readers lock-free, writers under the lock. */
#ifndef TRACKWIRE_BROKER_RETAINED_H
#define TRACKWIRE_BROKER_RETAINED_H

#include "broker/msg.h"
#include "broker/tree.h"

#include <pthread.h>

struct retained {
    pthread_mutex_t lock; /* protects all changes of the tree; taken after no other lock */
    struct tree tree;     /* value[0]: struct msg, with a reference */
    atomic_uint_fast64_t count, bytes; /* messages, and what they weigh */
    uint64_t count_max;                /* topics; further ones are refused */
};

/* An empty store for at most `count_max` topics; ERR_NO_MEMORY. Then retained_fini also after a
 * failure, when nobody reads any more. */
int retained_init(struct retained *r, uint64_t count_max) MUST_USE;
/* Drops all messages. */
void retained_fini(struct retained *r);

/* Keeps `m` (takes a reference of its own) for its topic; ERR_RETAINED_LIMIT, ERR_NO_MEMORY. */
int retained_set(struct retained *r, struct msg *m) MUST_USE;
/* Forgets the topic's message, if there is one. */
void retained_clear(struct retained *r, struct span topic);
/* Calls `each` with every message whose topic matches `filter` (without `$share`) and that has not
 * expired at `now_ms`; the message is borrowed for the call. Joined RCU readers. */
void retained_match(const struct retained *r, struct span filter, int64_t now_ms,
                    void (*each)(struct msg *m, void *context), void *context);

#endif
