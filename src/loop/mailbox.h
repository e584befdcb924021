/* Mail between shards: each shard has one mailbox that any thread may put into, and one outbox per
 * target that only itself fills. Files of loop/ only; others call shard_send. */
#ifndef TRACKWIRE_LOOP_MAILBOX_H
#define TRACKWIRE_LOOP_MAILBOX_H

#include "loop/shard.h"

#include <stdatomic.h>

#define CACHE_LINE 64

/* What other threads write to, on a cache line of its own. */
struct mailbox {
    char apart_before[CACHE_LINE];
    _Atomic(struct mail *) newest; /* linked from the newest mail to the oldest */
    atomic_bool is_sleeping;       /* the owner waits, or is about to, and needs a wake-up */
    char apart_after[CACHE_LINE];
};

/* Mail of one sender to one target, newest first; owner only. */
struct outbox {
    struct mail *newest, *oldest;
    struct shard *target;
    struct outbox *next_filled; /* the sender's list of outboxes to hand over */
};

/* Adds to the outbox. True when it was empty. */
bool outbox_add(struct outbox *o, struct mail *m);

/* Puts a chain (linked newest to oldest) in. True when the caller must wake the owner. Any thread.
 */
bool mailbox_put(struct mailbox *b, struct mail *newest, struct mail *oldest) MUST_USE;
/* Takes all that is in, oldest first. Owner. */
struct mail *mailbox_take(struct mailbox *b);
/* True when the owner may sleep: from now on, the first that puts mail in is told to wake it, until
 * mailbox_rise. False when mail is there already. Owner. */
bool mailbox_lie_down(struct mailbox *b);
void mailbox_rise(struct mailbox *b);
/* Claims the waking of an owner that lies down: true for one caller. Any thread. */
bool mailbox_must_wake(struct mailbox *b) MUST_USE;

#endif
