/* A shard: one thread with its own epoll, timer wheel and mailbox. Everything that a connection,
 * session or channel does happens on its owner shard. Worker shards never block; the control shard
 * (one more, same loop) owns the hub's objects and may wait for the disk.
 *
 * A turn of the loop: wait for events or the next timer - run what epoll told - run due timers -
 * run the mail that came - run deferred tasks until none is left - hand outgoing mail over in one
 * batch per target, waking only those that sleep - run the last tasks (sockets are written now,
 * while the other shards work on their mail already) - mark RCU quiescent. An idle shard makes no
 * wake-ups. */
#ifndef TRACKWIRE_LOOP_SHARD_H
#define TRACKWIRE_LOOP_SHARD_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct shard;
struct shard_set;

/* `workers` worker shards and one control shard, not yet running. The caller owns the set. */
int shard_set_new(unsigned workers, struct shard_set **ret) MUST_USE;
/* Starts the threads; tasks posted before run in the first turn. */
int shard_set_start(struct shard_set *set) MUST_USE;
/* Asks every loop to end after its current turn's mail and tasks; any thread. */
void shard_set_stop(struct shard_set *set);
/* Waits for the threads. Mail that was still on its way is then delivered by the calling thread,
 * which acts for each shard in turn, so that nothing sent is lost. After it the caller owns all
 * shards. */
void shard_set_join(struct shard_set *set);
/* After join. */
void shard_set_free(struct shard_set **set);

/* Their number, the control shard not counted. */
unsigned shard_set_workers(const struct shard_set *set);
/* Worker `index` (0 .. workers-1), or the control shard for index == workers. */
struct shard *shard_at(struct shard_set *set, unsigned index);
struct shard *shard_control(struct shard_set *set);

/* The calling thread's shard, NULL on other threads. */
struct shard *shard_self(void);
unsigned shard_index(const struct shard *s);
struct shard_set *shard_set_of(const struct shard *s);
/* Time as read at the start of this turn; the owner only. */
int64_t shard_now_ms(const struct shard *s);  /* monotonic */
int64_t shard_wall_us(const struct shard *s); /* UTC */
/* True on the shard's own thread, before it was started and after it was joined. For assert(). */
bool shard_is_owner(const struct shard *s);

/* ---- file descriptors ---- */

struct watch {
    int fd;
    /* Events as epoll tells them. May unwatch and free any watch, itself too. */
    void (*on_event)(struct watch *w, uint32_t events);
};

/* Watches w->fd for `events` (EPOLLIN | EPOLLOUT | EPOLLET ...) on this shard; owner only. */
int shard_watch(struct shard *s, struct watch *w, uint32_t events) MUST_USE;
/* Stops; events of this turn that were not yet told are dropped. Does not close the fd. */
void shard_unwatch(struct shard *s, struct watch *w);

/* ---- timers ---- */

struct timer {
    struct timer *next, *prev;
    int64_t due_ms; /* 0: not started */
    void (*on_due)(struct timer *t);
};

/* Fires once, at or up to `slack_ms` after `due_ms` (monotonic); restarting moves it. A generous
 * slack lets many timers share a wake-up. Owner only. */
void shard_timer_start(struct shard *s, struct timer *t, int64_t due_ms, int64_t slack_ms);
void shard_timer_stop(struct shard *s, struct timer *t); /* not started: nothing */
static inline bool timer_is_started(const struct timer *t)
{
    return t->due_ms != 0;
}

/* ---- deferred tasks: once, at the end of this turn ---- */

struct task {
    struct task *next;
    bool is_queued;
    void (*run)(struct task *t);
};

/* Queues `t` unless it is queued. Owner only. A task may defer others (and itself: next round of
 * the same turn end; use a timer or shard_again for work that must let I/O pass). */
void shard_defer(struct shard *s, struct task *t);
/* As shard_defer, but runs after all tasks that are not last: for work that gathers what the others
 * leave behind, as the flush of sockets does. */
void shard_defer_last(struct shard *s, struct task *t);
/* Queues `t` for the next turn, which then does not sleep. Owner only. */
void shard_again(struct shard *s, struct task *t);

/* ---- mail: shard to shard ---- */

struct mail {
    struct mail *next;
    /* Runs on the target shard, which then owns the mail. */
    void (*deliver)(struct mail *m);
};

/* Sends to any shard, also the own (delivered next turn). From a shard's thread: batched until the
 * end of the turn. From other threads: at once. Mails of one sender to one target keep their order.
 */
void shard_send(struct shard *to, struct mail *m);

/* ---- what modules keep per shard ---- */

enum shard_slot {
    SHARD_SLOT_NET,
    SHARD_SLOT_BROKER,
    SHARD_SLOT_GATEWAY,
    SHARD_SLOT_REST,
    SHARD_SLOT_COUNT_
};
/* The module's own pointer, NULL until set. Set before the shards start or by the owner; read by
 * the owner, and by others where the module knows that it was set before the start. */
void *shard_slot(const struct shard *s, enum shard_slot slot);
void shard_set_slot(struct shard *s, enum shard_slot slot, void *p);

/* ---- counters ---- */

/* Turns are counted by how long they worked: place 0 is up to 16 us, each further one four times as
 * much, the last whatever is longer. */
#define SHARD_TURN_CLASSES 10
#define SHARD_TURN_FIRST_US 16

struct shard_stats {
    uint64_t turns, wakeups_sent, mails_sent, timers_fired;
    int64_t longest_turn_us, worked_us; /* of one turn; of all of them */
    uint64_t turns_by_time[SHARD_TURN_CLASSES];
};
/* A snapshot; owner only. */
struct shard_stats shard_stats(const struct shard *s);

#endif
