/* The server: hands whole requests from the worker shards to the control shard, which runs them one
 * after another, and their answers back; and stops in order. Knows no HTTP. */
#include "rest/server_internal.h"

#include <assert.h>
#include <stddef.h>

const struct rest_config rest_config_default = {
    .request_bytes_max = 1024 * 1024,
    .idle_timeout_s = 75,
};

int rest_new(struct shard_set *shards, struct accounts *accounts, struct hub *hub,
             const struct rest_config *config, struct rest **ret)
{
    unsigned count = shard_set_workers(shards);
    struct rest *rest = mem_zalloc(MEM_REST, sizeof(*rest) + count * sizeof(rest->shards[0]));
    if (!rest)
        return err_raise(ERR_NO_MEMORY);
    rest->control = shard_control(shards);
    rest->config = *config;
    rest->plane = (struct rest_plane){
        .accounts = accounts,
        .hub = hub,
        .public_host = config->public_host,
        .broker = config->broker,
        .gateway = config->gateway,
        .channel_stats = config->channel_stats,
        .figures = config->figures,
        .started_us = shard_wall_us(shard_control(shards)),
    };
    rest->shard_count = count;
    for (unsigned i = 0; i < count; i++) {
        rest->shards[i].rest = rest;
        rest->shards[i].shard = shard_at(shards, i);
    }
    *ret = rest;
    return 0;
}

void rest_free(struct rest **rest)
{
    struct rest *r = *rest;
    *rest = NULL;
    if (!r)
        return;
    for (unsigned i = 0; i < r->shard_count; i++)
        rest_client_close_all(&r->shards[i]);
    mem_free(MEM_REST, r);
}

void rest_accept(void *rest, struct conn *c)
{
    struct rest *r = rest;
    rest_client_open(&r->shards[shard_index(shard_self())], c);
}

/* ---- requests ---- */

static struct rest_job *job_of(struct mail *m)
{
    return (struct rest_job *)(void *)((char *)m - offsetof(struct rest_job, mail));
}

void rest_job_free(struct rest_job **job)
{
    buf_fini(&(*job)->bytes);
    buf_fini(&(*job)->answer.body);
    arena_fini(&(*job)->arena);
    mem_free(MEM_REST, *job);
    *job = NULL;
}

static void take_answer(struct mail *m)
{
    struct rest_job *job = job_of(m);
    rest_client_take_answer(job->client, job);
}

static void on_survey(void *context, const struct survey *survey);

/* False when the answer is that there is none. */
static bool begin_survey(struct rest_job *job)
{
    struct shard_set *shards = shard_set_of(job->rest->control);
    int err = survey_start(shards, job->rest->plane.broker, on_survey, job);
    if (err < 0)
        rest_answer_refuse(&job->answer, err);
    else
        buf_fini(&job->answer.body);
    return err == 0;
}

static void run(struct rest_job *job, const struct survey *survey)
{
    struct rest *rest = job->rest;
    int64_t now_s = shard_wall_us(rest->control) / 1000000;
    const struct rest_asker asker = {
        .survey = survey,
        .may_wait = true,
        .is_local = job->is_local,
    };
    rest_handle_for(&rest->plane, &job->request, &asker, &job->arena, now_s, &job->answer);
    if (job->answer.wants_survey && begin_survey(job))
        return;
    job->mail.deliver = take_answer;
    shard_send(job->home, &job->mail);
}

static void run_request(struct mail *m)
{
    run(job_of(m), NULL);
}

static void on_survey(void *context, const struct survey *survey)
{
    run(context, survey);
}

void rest_submit(struct rest *rest, struct rest_job *job)
{
    job->rest = rest;
    job->mail.deliver = run_request;
    shard_send(rest->control, &job->mail);
}

/* ---- stopping ---- */

static struct rest_shard *shard_of_order(struct mail *m)
{
    return (struct rest_shard *)(void *)((char *)m - offsetof(struct rest_shard, order));
}

static struct rest_shard *shard_of_report(struct mail *m)
{
    return (struct rest_shard *)(void *)((char *)m - offsetof(struct rest_shard, report));
}

static void take_report(struct mail *m)
{
    struct rest *rest = shard_of_report(m)->rest;
    if (--rest->shards_left == 0)
        rest->done(rest->done_context);
}

void rest_shard_report(struct rest_shard *home)
{
    home->report.deliver = take_report;
    shard_send(home->rest->control, &home->report);
}

static void stop_shard(struct mail *m)
{
    rest_client_stop_all(shard_of_order(m));
}

void rest_stop(struct rest *rest, void (*done)(void *ctx), void *ctx)
{
    assert(shard_is_owner(rest->control) && !rest->plane.is_stopping);
    rest->plane.is_stopping = true;
    rest->done = done;
    rest->done_context = ctx;
    rest->shards_left = rest->shard_count;
    for (unsigned i = 0; i < rest->shard_count; i++) {
        rest->shards[i].order.deliver = stop_shard;
        shard_send(rest->shards[i].shard, &rest->shards[i].order);
    }
}
