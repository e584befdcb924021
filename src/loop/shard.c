/* The shard: its parts, and the turns of its loop. Knows file descriptors, time and mail, and
 * nothing of what they are for. */
#include "loop/shard.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "loop/shard_internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static _Thread_local struct shard *self;

/* ---- making one ---- */

static void queue_init(struct task_queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

void shard_free(struct shard *s)
{
    if (!s)
        return;
    if (s->epoll_fd >= 0)
        close(s->epoll_fd);
    if (s->event_fd >= 0)
        close(s->event_fd);
    mem_free(MEM_LOOP, s->events);
    mem_free(MEM_LOOP, s->outboxes);
    mem_free(MEM_LOOP, s);
}

/* The eventfd is watched by edge and never read: each write is an edge of its own. */
static int open_fds(struct shard *s)
{
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0)
        return err_raise(ERR_LOOP_EPOLL);
    s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->event_fd < 0)
        return err_raise(ERR_LOOP_EVENTFD);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->event_fd, &e) < 0)
        return err_raise(ERR_LOOP_EVENTFD);
    return 0;
}

int shard_new(struct shard_set *set, unsigned index, struct shard **ret)
{
    struct shard *s = mem_zalloc(MEM_LOOP, sizeof *s);
    if (!s)
        return err_raise(ERR_NO_MEMORY);
    *ret = s;
    s->set = set;
    s->index = index;
    s->epoll_fd = s->event_fd = -1;
    queue_init(&s->tasks);
    queue_init(&s->last_tasks);
    queue_init(&s->next_tasks);
    s->events = mem_alloc(MEM_LOOP, SHARD_EVENTS_MAX * sizeof *s->events);
    s->outboxes = mem_zalloc(MEM_LOOP, (set->workers + 1) * sizeof *s->outboxes);
    if (!s->events || !s->outboxes)
        return err_raise(ERR_NO_MEMORY);
    s->now_ms = s->turn_end_ms = clock_mono_ms();
    s->wall_us = clock_wall_us();
    wheel_init(&s->wheel, s->now_ms);
    return open_fds(s);
}

/* ---- what it knows ---- */

struct shard *shard_self(void)
{
    return self;
}

void shard_become(struct shard *s)
{
    self = s;
}

unsigned shard_index(const struct shard *s)
{
    return s->index;
}

struct shard_set *shard_set_of(const struct shard *s)
{
    return s->set;
}

int64_t shard_now_ms(const struct shard *s)
{
    return s->now_ms;
}

int64_t shard_wall_us(const struct shard *s)
{
    return s->wall_us;
}

bool shard_is_owner(const struct shard *s)
{
    return self == s || atomic_load_explicit(&s->set->state, memory_order_relaxed) != SET_RUNNING;
}

void *shard_slot(const struct shard *s, enum shard_slot slot)
{
    return s->slots[slot];
}

void shard_set_slot(struct shard *s, enum shard_slot slot, void *p)
{
    assert(shard_is_owner(s));
    s->slots[slot] = p;
}

struct shard_stats shard_stats(const struct shard *s)
{
    assert(shard_is_owner(s));
    return s->stats;
}

/* ---- file descriptors ---- */

int shard_watch(struct shard *s, struct watch *w, uint32_t events)
{
    assert(shard_is_owner(s));
    struct epoll_event e = {.events = events, .data.ptr = w};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, w->fd, &e) < 0)
        return err_raise(errno == ENOSPC || errno == ENOMEM ? ERR_LOOP_WATCH_LIMIT
                                                            : ERR_LOOP_WATCH);
    return 0;
}

void shard_unwatch(struct shard *s, struct watch *w)
{
    assert(shard_is_owner(s));
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    for (int i = s->events_told; i < s->events_count; i++)
        if (s->events[i].data.ptr == w)
            s->events[i].data.ptr = NULL;
}

static void tell_events(struct shard *s)
{
    for (s->events_told = 0; s->events_told < s->events_count;) {
        const struct epoll_event *e = &s->events[s->events_told++];
        struct watch *w = e->data.ptr;
        if (w)
            w->on_event(w, e->events);
    }
    s->events_told = s->events_count = 0;
}

/* ---- timers ---- */

void shard_timer_start(struct shard *s, struct timer *t, int64_t due_ms, int64_t slack_ms)
{
    assert(shard_is_owner(s));
    wheel_start(&s->wheel, t, due_ms, slack_ms);
}

void shard_timer_stop(struct shard *s, struct timer *t)
{
    assert(shard_is_owner(s));
    wheel_stop(&s->wheel, t);
}

/* ---- deferred tasks ---- */

static void queue_add(struct task_queue *q, struct task *t)
{
    if (t->is_queued)
        return;
    t->is_queued = true;
    t->next = NULL;
    *q->end = t;
    q->end = &t->next;
}

/* False: none is queued. */
static bool run_first(struct task_queue *q)
{
    struct task *t = q->first;
    if (!t)
        return false;
    q->first = t->next;
    if (!q->first)
        q->end = &q->first;
    t->is_queued = false;
    t->run(t);
    return true;
}

void shard_defer(struct shard *s, struct task *t)
{
    assert(shard_is_owner(s));
    queue_add(&s->tasks, t);
}

void shard_defer_last(struct shard *s, struct task *t)
{
    assert(shard_is_owner(s));
    queue_add(&s->last_tasks, t);
}

void shard_again(struct shard *s, struct task *t)
{
    assert(shard_is_owner(s));
    queue_add(&s->next_tasks, t);
}

/* What was put off to this turn runs before what this turn defers. */
static void begin_tasks(struct shard *s)
{
    if (!s->next_tasks.first)
        return;
    *s->next_tasks.end = s->tasks.first;
    if (!s->tasks.first)
        s->tasks.end = s->next_tasks.end;
    s->tasks.first = s->next_tasks.first;
    queue_init(&s->next_tasks);
}

/* ---- mail ---- */

void shard_wake(struct shard *s)
{
    uint64_t one = 1;
    /* Cannot fail but by overflow after 2^64 wake-ups. */
    ssize_t n = write(s->event_fd, &one, sizeof one);
    (void)n;
}

void shard_send(struct shard *to, struct mail *m)
{
    struct shard *from = self;
    if (!from || from->set != to->set) {
        m->next = NULL;
        if (mailbox_put(&to->mailbox, m, m))
            shard_wake(to);
        return;
    }
    struct outbox *o = &from->outboxes[to->index];
    if (outbox_add(o, m)) {
        o->next_filled = from->filled;
        from->filled = o;
    }
    from->stats.mails_sent++;
}

static void hand_over(struct shard *s)
{
    while (s->filled) {
        struct outbox *o = s->filled;
        s->filled = o->next_filled;
        if (mailbox_put(&o->target->mailbox, o->newest, o->oldest)) {
            s->stats.wakeups_sent++;
            shard_wake(o->target);
        }
        o->newest = o->oldest = NULL;
    }
}

static bool deliver_mail(struct shard *s)
{
    struct mail *m = mailbox_take(&s->mailbox);
    bool is_any = m;
    while (m) {
        struct mail *next = m->next; /* the mail is the receiver's once delivered */
        m->deliver(m);
        m = next;
    }
    return is_any;
}

/* ---- the loop ---- */

/* Milliseconds that the wait may last: 0 when there is work, -1 for ever. */
static int wait_limit(struct shard *s)
{
    /* Those of this turn and its end are there only before the first turn. */
    if (s->next_tasks.first || s->tasks.first || s->last_tasks.first)
        return 0;
    int64_t next_ms = wheel_next_ms(&s->wheel);
    if (next_ms == WHEEL_NEVER)
        return -1;
    int64_t left_ms = next_ms - s->turn_end_ms;
    if (left_ms <= 0)
        return 0;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static void wait_events(struct shard *s)
{
    int limit_ms = wait_limit(s);
    bool may_sleep = limit_ms != 0 && mailbox_lie_down(&s->mailbox);
    /* After lying down: shard_set_stop sets the flag before it looks for sleepers. */
    if (may_sleep && atomic_load(&s->set->is_stopping)) {
        mailbox_rise(&s->mailbox);
        may_sleep = false;
    }
    if (may_sleep)
        rcu_sleep();
    int n = epoll_wait(s->epoll_fd, s->events, SHARD_EVENTS_MAX, may_sleep ? limit_ms : 0);
    if (may_sleep) {
        rcu_wake();
        mailbox_rise(&s->mailbox);
    }
    s->events_count = n > 0 ? n : 0;
}

static void end_turn(struct shard *s)
{
    do {
        while (run_first(&s->tasks))
            continue;
        hand_over(s);
    } while (run_first(&s->last_tasks) || s->tasks.first || s->filled);
}

static int64_t mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void count_turn(struct shard_stats *stats, int64_t us)
{
    size_t place = 0;
    for (int64_t limit = SHARD_TURN_FIRST_US; us > limit && place < SHARD_TURN_CLASSES - 1;
         limit *= 4)
        place++;
    stats->turns++;
    stats->turns_by_time[place]++;
    stats->worked_us += us;
    if (us > stats->longest_turn_us)
        stats->longest_turn_us = us;
}

void shard_turn(struct shard *s)
{
    wait_events(s);
    int64_t begin_us = mono_us();
    s->now_ms = begin_us / 1000;
    s->wall_us = clock_wall_us();
    begin_tasks(s);
    tell_events(s);
    s->stats.timers_fired += wheel_run(&s->wheel, s->now_ms);
    deliver_mail(s);
    end_turn(s);
    rcu_mark_quiescent();
    int64_t end_us = mono_us();
    s->turn_end_ms = end_us / 1000;
    count_turn(&s->stats, end_us - begin_us);
}

bool shard_finish(struct shard *s)
{
    bool is_any = deliver_mail(s);
    end_turn(s);
    return is_any;
}
