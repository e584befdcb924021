/* The survey's mails: control to worker, where the walk over the sessions may take several turns,
 * and back. */
#include "rest/survey.h"

#include "base/mem.h"

#include <stddef.h>

/* One worker's part; whoever has the mail owns it. */
struct part {
    struct mail mail;
    struct asking *asking;
    struct broker *broker;
    struct queues_walk walk;
    struct shard_stats loop;
};

/* The control shard's. */
struct asking {
    void (*done)(void *context, const struct survey *survey);
    void *context;
    struct survey *survey;
    unsigned waiting;
    struct part parts[];
};

static struct part *part_of_mail(struct mail *m)
{
    return (struct part *)(void *)((char *)m - offsetof(struct part, mail));
}

static void on_answer(struct mail *m)
{
    struct part *p = part_of_mail(m);
    struct asking *a = p->asking;
    struct survey *survey = a->survey;
    survey->loops[p - a->parts] = p->loop;
    queues_merge(&survey->queues, &p->walk.found);
    if (--a->waiting > 0)
        return;
    survey->loops[survey->count - 1] = shard_stats(shard_self());
    a->done(a->context, survey);
    mem_free(MEM_REST, survey);
    mem_free(MEM_REST, a);
}

static void on_walked(struct queues_walk *w)
{
    struct part *p = (struct part *)(void *)((char *)w - offsetof(struct part, walk));
    p->loop = shard_stats(shard_self());
    p->mail.deliver = on_answer;
    shard_send(shard_control(shard_set_of(shard_self())), &p->mail);
}

static void on_question(struct mail *m)
{
    struct part *p = part_of_mail(m);
    p->walk.done = on_walked;
    queues_walk_start(p->broker, &p->walk);
}

int survey_start(struct shard_set *shards, struct broker *broker,
                 void (*done)(void *context, const struct survey *survey), void *context)
{
    unsigned workers = shard_set_workers(shards);
    struct asking *a = mem_zalloc(MEM_REST, sizeof(*a) + workers * sizeof(a->parts[0]));
    struct survey *survey =
        mem_zalloc(MEM_REST, sizeof(*survey) + (workers + 1) * sizeof(survey->loops[0]));
    if (!a || !survey) {
        mem_free(MEM_REST, a);
        mem_free(MEM_REST, survey);
        return err_raise(ERR_NO_MEMORY);
    }
    survey->count = workers + 1;
    a->done = done;
    a->context = context;
    a->survey = survey;
    a->waiting = workers;
    for (unsigned i = 0; i < workers; i++) {
        struct part *p = &a->parts[i];
        p->asking = a;
        p->broker = broker;
        p->mail.deliver = on_question;
        shard_send(shard_at(shards, i), &p->mail);
    }
    return 0;
}
