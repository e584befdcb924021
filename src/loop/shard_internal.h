/* The shard and its set, for the files of loop/ only. */
#ifndef TRACKWIRE_LOOP_SHARD_INTERNAL_H
#define TRACKWIRE_LOOP_SHARD_INTERNAL_H

#include "loop/mailbox.h"
#include "loop/shard.h"
#include "loop/timer_wheel.h"

#include <pthread.h>
#include <sys/epoll.h>

#define SHARD_EVENTS_MAX 512

struct task_queue {
    struct task *first, **end;
};

struct shard {
    struct shard_set *set;
    unsigned index;
    int epoll_fd, event_fd;
    pthread_t thread;
    int64_t now_ms, wall_us;
    int64_t turn_end_ms; /* of the last turn: what the wait counts from */
    /* The batch being told; a fd unwatched meanwhile has its event's pointer nulled. */
    struct epoll_event *events; /* SHARD_EVENTS_MAX */
    int events_told, events_count;
    struct task_queue tasks, last_tasks, next_tasks; /* of this turn, its end, and the next turn */
    struct outbox *outboxes;                         /* one per shard of the set */
    struct outbox *filled;
    void *slots[SHARD_SLOT_COUNT_];
    struct shard_stats stats;
    struct mailbox mailbox;
    struct timer_wheel wheel;
};

enum set_state {
    SET_NEW,
    SET_RUNNING,
    SET_JOINED
};

struct shard_set {
    unsigned workers;
    unsigned started;
    /* Relaxed: shard_is_owner reads it, and the start and join of threads order it. */
    atomic_int state;
    atomic_bool is_stopping;
    struct shard *shards[]; /* the control shard last */
};

/* ---- shard.c ---- */

/* A shard of `set` into *ret, also when it fails: shard_free takes it half-built. */
int shard_new(struct shard_set *set, unsigned index, struct shard **ret) MUST_USE;
void shard_free(struct shard *s);
/* Makes `s` (NULL: none) what shard_self answers on this thread. */
void shard_become(struct shard *s);
/* Waits for work and does it, on a thread that became the shard and joined RCU. */
void shard_turn(struct shard *s);
/* Delivers mail and runs what it deferred; nothing else of a turn. True when there was mail. */
bool shard_finish(struct shard *s);
/* Ends the shard's present or next wait. Any thread. */
void shard_wake(struct shard *s);

#endif
