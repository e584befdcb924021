/* The set of shards: threads made, started, stopped and joined. */
#include "base/mem.h"
#include "base/rcu.h"
#include "loop/shard_internal.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>

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

/* ---- threads ---- */

static void *run(void *arg)
{
    struct shard *s = arg;
    shard_become(s);
    rcu_join();
    /* Read before the turn: the turn that follows the stop still runs its mail and tasks. */
    bool is_last;
    do {
        is_last = atomic_load(&s->set->is_stopping);
        shard_turn(s);
    } while (!is_last);
    rcu_leave();
    shard_become(NULL);
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
            shard_wake(set->shards[i]);
}

/* Acts for the ended threads until no mail is left. */
static void deliver_rest(struct shard_set *set)
{
    bool is_any;
    rcu_join();
    do {
        is_any = false;
        for (unsigned i = 0; i <= set->workers; i++) {
            shard_become(set->shards[i]);
            is_any |= shard_finish(set->shards[i]);
        }
    } while (is_any);
    shard_become(NULL);
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
