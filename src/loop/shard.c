/* The shard: its thread and the turns of its loop. Knows file descriptors, time and mail, and
 * nothing of what they are for. */
#include "loop/shard.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "loop/mailbox.h"
#include "loop/timer_wheel.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 512

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
    struct epoll_event *events;
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

static _Thread_local struct shard *self;

/* ---- the set ---- */

static void queue_init(struct task_queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void shard_free(struct shard *s)
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

static int shard_new(struct shard_set *set, unsigned index, struct shard **ret)
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
    s->events = mem_alloc(MEM_LOOP, EVENTS_MAX * sizeof *s->events);
    s->outboxes = mem_zalloc(MEM_LOOP, (set->workers + 1) * sizeof *s->outboxes);
    if (!s->events || !s->outboxes)
        return err_raise(ERR_NO_MEMORY);
    s->now_ms = s->turn_end_ms = clock_mono_ms();
    s->wall_us = clock_wall_us();
    wheel_init(&s->wheel, s->now_ms);
    return open_fds(s);
}

int shard_set_new(unsigned workers, struct shard_set **ret)
{
    assert(workers > 0);
    struct shard_set *set =
        mem_zalloc(MEM_LOOP, sizeof *set + (workers + 1) * sizeof(struct shard *));
    if (!set)
        return err_raise(ERR_NO_MEMORY);
    set->workers = workers;
    for (unsigned i = 0; i <= workers; i++) {
        int err = shard_new(set, i, &set->shards[i]);
        if (err < 0) {
            shard_set_free(&set);
            return err;
        }
    }
    for (unsigned from = 0; from <= workers; from++)
        for (unsigned to = 0; to <= workers; to++)
            set->shards[from]->outboxes[to].target = set->shards[to];
    *ret = set;
    return 0;
}

void shard_set_free(struct shard_set **set)
{
    if (!*set)
        return;
    assert((*set)->state != SET_RUNNING);
    for (unsigned i = 0; i <= (*set)->workers; i++)
        shard_free((*set)->shards[i]);
    mem_free(MEM_LOOP, *set);
    *set = NULL;
}

unsigned shard_set_workers(const struct shard_set *set)
{
    return set->workers;
}

struct shard *shard_at(struct shard_set *set, unsigned index)
{
    assert(index <= set->workers);
    return set->shards[index];
}

struct shard *shard_control(struct shard_set *set)
{
    return set->shards[set->workers];
}

struct shard *shard_self(void)
{
    return self;
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

/* Runs what is queued and what is added meanwhile. */
static void queue_run(struct task_queue *q)
{
    while (q->first) {
        struct task *t = q->first;
        q->first = t->next;
        if (!q->first)
            q->end = &q->first;
        t->is_queued = false;
        t->run(t);
    }
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

static void wake(struct shard *s)
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
            wake(to);
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
            wake(o->target);
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
    int n = epoll_wait(s->epoll_fd, s->events, EVENTS_MAX, may_sleep ? limit_ms : 0);
    if (may_sleep) {
        rcu_wake();
        mailbox_rise(&s->mailbox);
    }
    s->events_count = n > 0 ? n : 0;
}

static void end_turn(struct shard *s)
{
    do {
        queue_run(&s->tasks);
        hand_over(s);
        queue_run(&s->last_tasks);
    } while (s->tasks.first || s->filled);
}

static int64_t mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void turn(struct shard *s)
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
    s->stats.turns++;
    int64_t end_us = mono_us();
    s->turn_end_ms = end_us / 1000;
    if (end_us - begin_us > s->stats.longest_turn_us)
        s->stats.longest_turn_us = end_us - begin_us;
}

static void *run(void *arg)
{
    struct shard *s = arg;
    self = s;
    rcu_join();
    /* Read before the turn: the turn that follows the stop still runs its mail and tasks. */
    bool is_last;
    do {
        is_last = atomic_load(&s->set->is_stopping);
        turn(s);
    } while (!is_last);
    rcu_leave();
    self = NULL;
    return NULL;
}

static int start_thread(struct shard *s)
{
    char name[16];
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        return err_raise(ERR_LOOP_THREAD);
    if (s->index == s->set->workers)
        snprintf(name, sizeof name, "tw-ctl");
    else
        snprintf(name, sizeof name, "tw-%u", s->index % 10000);
    (void)pthread_setname_np(s->thread, name);
    return 0;
}

int shard_set_start(struct shard_set *set)
{
    assert(set->state == SET_NEW);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited: signals go to other threads */
    atomic_store(&set->state, SET_RUNNING);
    int err = 0;
    while (err == 0 && set->started <= set->workers) {
        err = start_thread(set->shards[set->started]);
        set->started += err == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err < 0) {
        shard_set_stop(set);
        shard_set_join(set);
    }
    return err;
}

void shard_set_stop(struct shard_set *set)
{
    atomic_store(&set->is_stopping, true);
    for (unsigned i = 0; i <= set->workers; i++)
        if (mailbox_must_wake(&set->shards[i]->mailbox))
            wake(set->shards[i]);
}

/* Acts for the ended threads until no mail is left. */
static void deliver_rest(struct shard_set *set)
{
    bool is_any;
    rcu_join();
    do {
        is_any = false;
        for (unsigned i = 0; i <= set->workers; i++) {
            self = set->shards[i];
            is_any |= deliver_mail(self);
            begin_tasks(self);
            end_turn(self);
        }
    } while (is_any);
    self = NULL;
    rcu_leave();
}

void shard_set_join(struct shard_set *set)
{
    for (unsigned i = 0; i < set->started; i++)
        pthread_join(set->shards[i]->thread, NULL);
    set->started = 0;
    atomic_store(&set->state, SET_JOINED);
    deliver_rest(set);
}
