/* Running test code on a shard's thread. Checks stay on the main thread, because cmocka's failures
 * jump: code that runs on a shard notes what it saw, and the test looks at the notes. */
#ifndef TRACKWIRE_TESTS_ON_SHARD_H
#define TRACKWIRE_TESTS_ON_SHARD_H

#include "loop/shard.h"

#include <semaphore.h>
#include <time.h>

struct on_shard_call {
    struct mail mail; /* first */
    void (*run)(void *arg);
    void *arg;
    sem_t done;
};

static inline void on_shard_deliver(struct mail *m)
{
    struct on_shard_call *call = (struct on_shard_call *)(void *)m;
    call->run(call->arg);
    sem_post(&call->done);
}

/* Calls run(arg) on the shard's thread and waits for it. */
static inline void on_shard(struct shard *s, void (*run)(void *arg), void *arg)
{
    struct on_shard_call call = {.mail.deliver = on_shard_deliver, .run = run, .arg = arg};
    sem_init(&call.done, 0, 0);
    shard_send(s, &call.mail);
    while (sem_wait(&call.done) != 0)
        continue;
    sem_destroy(&call.done);
}

/* False when `s` is not posted within `seconds`. */
static inline bool wait_posted(sem_t *s, int seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    return sem_timedwait(s, &until) == 0;
}

#endif
