/* REST over MQTT: requests that came as publications. The answer, the same envelope as over HTTP,
 * is published to the client's response topic. */
#include "base/log.h"
#include "rest/server_internal.h"

/* As over HTTP: what decoding and answering may take besides the request itself. */
#define ARENA_SLACK (64 * 1024)

struct mqtt_job {
    struct mail mail;
    struct rest *rest;
    struct broker *broker;
    struct login login;
    uint8_t qos;
    struct arena arena; /* what the spans borrow from, and the request while it runs */
    struct span method, uri, body, response_topic, correlation;
};

static const struct {
    struct span name;
    enum http_request_method method;
} methods[] = {
    {{(const uint8_t *)"get", 3}, HTTP_METHOD_GET},
    {{(const uint8_t *)"post", 4}, HTTP_METHOD_POST},
    {{(const uint8_t *)"put", 3}, HTTP_METHOD_PUT},
    {{(const uint8_t *)"patch", 5}, HTTP_METHOD_PATCH},
    {{(const uint8_t *)"delete", 6}, HTTP_METHOD_DELETE},
};

static enum http_request_method method_of(struct span name)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (http_name_equal(name, methods[i].name))
            return methods[i].method;
    }
    return HTTP_METHOD_OTHER;
}

static void publish_answer(struct mqtt_job *job, const struct rest_answer *answer)
{
    struct broker_publication publication = {
        .topic = job->response_topic,
        .payload = buf_span(&answer->body),
        .qos = job->qos,
        .timestamp_us = shard_wall_us(shard_self()),
        .correlation = job->correlation,
    };
    int err = broker_publish(job->broker, job->login.account, &publication);
    if (err < 0)
        log_warning("answer to a request over MQTT: %.*s: %s", SPAN_FMT(job->response_topic),
                    err_text(err));
}

static void job_free(struct mqtt_job **job)
{
    arena_fini(&(*job)->arena);
    mem_free(MEM_REST, *job);
    *job = NULL;
}

/* On the control shard. */
static void run(struct mail *mail)
{
    struct mqtt_job *job =
        (struct mqtt_job *)(void *)((char *)mail - offsetof(struct mqtt_job, mail));
    size_t n = span_find(job->uri, '?');
    struct http_request request = {
        .method = method_of(job->method),
        .method_name = job->method,
        .path = span_head(job->uri, n),
        .query = span_from(job->uri, n + 1),
        .version_minor = 1,
        .body = job->body,
    };
    const struct rest_asker asker = {.login = &job->login};
    struct rest_answer answer;
    rest_handle_for(&job->rest->plane, &request, &asker, &job->arena,
                    shard_wall_us(shard_self()) / 1000000, &answer);
    if (job->response_topic.n)
        publish_answer(job, &answer);
    buf_fini(&answer.body);
    job_free(&job);
}

/* `text` behind a '/', in the arena; p == NULL out of memory. */
static struct span with_slash(struct arena *arena, struct span text)
{
    uint8_t *p = arena_alloc(arena, text.n + 1);
    if (!p)
        return (struct span){0};
    p[0] = '/';
    memcpy(p + 1, text.p, text.n);
    return (struct span){p, text.n + 1};
}

void rest_serve_mqtt(void *context, const struct broker_request *request)
{
    struct rest *rest = context;
    struct mqtt_job *job = mem_zalloc(MEM_REST, sizeof(*job));
    if (!job)
        return;
    size_t bytes = request->method.n + request->uri.n + request->body.n +
                   request->response_topic.n + request->correlation.n;
    job->arena = arena_make(MEM_REST, 4 * bytes + ARENA_SLACK);
    job->rest = rest;
    job->broker = request->broker;
    job->login = *request->login;
    job->qos = request->qos;
    job->method = arena_copy(&job->arena, request->method);
    job->uri = with_slash(&job->arena, request->uri);
    job->body = arena_copy(&job->arena, request->body);
    job->response_topic = arena_copy(&job->arena, request->response_topic);
    job->correlation = arena_copy(&job->arena, request->correlation);
    bool is_whole =
        job->method.p && job->uri.p && job->body.p && job->response_topic.p && job->correlation.p;
    if (!is_whole) {
        log_warning("request over MQTT: %.*s: %s", SPAN_FMT(request->uri),
                    err_text(err_raise(ERR_NO_MEMORY)));
        job_free(&job);
        return;
    }
    job->mail.deliver = run;
    shard_send(rest->control, &job->mail);
}
