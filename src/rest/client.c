/* One HTTP connection on the worker shard that accepted it: framing, timeouts, and one request at a
 * time. While a request is with the control shard the connection is paused, so that pipelined
 * requests wait in the socket and are answered in order. Knows no resource.
 *
 *   idle --first byte--> receiving --last byte--> running (paused) --answer--> idle
 *     |                     |
 *     idle_timeout_s        REQUEST_TIMEOUT_S, then 408 */
#include "base/log.h"
#include "rest/respond.h"
#include "rest/server_internal.h"

#include <stddef.h>

#define HEAD_MAX 32768
#define REQUEST_TIMEOUT_S 30
#define TIMER_SLACK_MS 1000
/* Head and body as they travel, with the sizes of chunks in between. */
#define INPUT_SLACK (HEAD_MAX + 65536)
#define JOB_ARENA_SLACK 65536

struct rest_client {
    struct rest_client *next, *prev; /* of home->clients */
    struct rest_shard *home;
    struct conn *conn; /* NULL: gone, but a job is under way */
    struct timer timer;
    struct http_framer framer;
    bool is_receiving; /* a request has begun */
    bool is_running;   /* a job is under way */
    bool has_continued;
};

static void link_client(struct rest_client *client)
{
    struct rest_shard *home = client->home;
    client->next = home->clients;
    if (client->next)
        client->next->prev = client;
    home->clients = client;
}

/* Ends the client when nothing holds it any more. */
static void release(struct rest_client *client)
{
    struct rest_shard *home = client->home;
    if (client->conn || client->is_running)
        return;
    if (client->prev)
        client->prev->next = client->next;
    else
        home->clients = client->next;
    if (client->next)
        client->next->prev = client->prev;
    mem_free(MEM_REST, client);
    if (home->is_stopping && !home->clients)
        rest_shard_report(home);
}

static void start_timer(struct rest_client *client, uint32_t seconds)
{
    struct shard *shard = client->home->shard;
    shard_timer_start(shard, &client->timer, shard_now_ms(shard) + (int64_t)seconds * 1000,
                      TIMER_SLACK_MS);
}

/* ---- answers ---- */

/* False when the answer cannot be written: then the connection is of no more use. */
static bool write_answer(struct rest_client *client, const struct rest_answer *answer,
                         bool keep_alive, bool is_head)
{
    struct buf out = buf_make(MEM_REST, (size_t)REST_ANSWER_MAX + 4096);
    int err = rest_respond(answer, keep_alive, is_head, shard_wall_us(client->home->shard), &out);
    if (err >= 0)
        conn_write(client->conn, buf_span(&out));
    buf_fini(&out);
    return err >= 0;
}

static void close_after_answer(struct rest_client *client, int err)
{
    shard_timer_stop(client->home->shard, &client->timer);
    conn_close_flushed(client->conn, err);
}

/* Answers an error that no handler saw; the stream behind it means nothing. */
static void refuse(struct rest_client *client, int err)
{
    struct rest_answer answer = {.body = buf_make(MEM_REST, 4096)};
    rest_answer_refuse(&answer, err);
    (void)write_answer(client, &answer, false, false);
    buf_fini(&answer.body);
    close_after_answer(client, err);
}

static void await_request(struct rest_client *client)
{
    http_framer_init(&client->framer, HEAD_MAX, client->home->rest->config.request_bytes_max);
    client->is_receiving = client->has_continued = false;
    start_timer(client, client->home->rest->config.idle_timeout_s);
}

void rest_client_take_answer(struct rest_client *client, struct rest_job *job)
{
    bool is_head = job->request.method == HTTP_METHOD_HEAD;
    bool keep_alive = job->request.keep_alive && !client->home->is_stopping;
    client->is_running = false;
    if (!client->conn || conn_is_closing(client->conn)) {
        rest_job_free(&job);
        release(client);
        return;
    }
    keep_alive = write_answer(client, &job->answer, keep_alive, is_head) && keep_alive;
    rest_job_free(&job);
    if (!keep_alive) {
        close_after_answer(client, ERR_REST_DONE);
        return;
    }
    await_request(client);
    conn_resume(client->conn);
}

/* ---- requests ---- */

static int job_new(struct rest_client *client, struct span whole, struct rest_job **ret)
{
    struct rest_job *job = mem_zalloc(MEM_REST, sizeof(*job));
    if (!job)
        return err_raise(ERR_NO_MEMORY);
    job->home = client->home->shard;
    job->client = client;
    job->is_local = net_address_is_loopback(conn_peer(client->conn));
    job->bytes = buf_make(MEM_REST, whole.n);
    /* Holds headers and selectors, and a chunked body or escapes of the query once more. */
    job->arena = arena_make(MEM_REST, 4 * whole.n + JOB_ARENA_SLACK);
    buf_add_span(&job->bytes, whole);
    int err = job->bytes.is_failed
                  ? err_raise(ERR_NO_MEMORY)
                  : http_request_parse(buf_span(&job->bytes), &job->arena, &job->request);
    if (err < 0)
        rest_job_free(&job);
    else
        *ret = job;
    return err;
}

static void submit(struct rest_client *client, struct rest_job *job)
{
    shard_timer_stop(client->home->shard, &client->timer);
    client->is_running = true;
    conn_pause(client->conn);
    rest_submit(client->home->rest, job);
}

/* The connection stops being HTTP and ours. Frees the client. */
static int upgrade(struct rest_client *client, const struct http_request *request,
                   struct span behind)
{
    struct conn *c = client->conn;
    const struct rest *rest = client->home->rest;
    int err = rest_upgrade(c, request, behind);
    if (err < 0)
        return err;
    shard_timer_stop(client->home->shard, &client->timer);
    client->conn = NULL;
    release(client);
    rest_upgrade_hand_over(rest, c);
    return 0;
}

/* The whole request at the front of `in`: how much of `in` is done with. */
static ssize_t take_request(struct rest_client *client, struct span in, size_t n)
{
    struct rest_job *job = NULL;
    int err = job_new(client, span_head(in, n), &job);
    if (err < 0)
        return err;
    if (!rest_upgrade_is_wanted(client->home->rest, &job->request)) {
        submit(client, job);
        return (ssize_t)n;
    }
    err = upgrade(client, &job->request, span_from(in, n));
    rest_job_free(&job);
    return err < 0 ? err : (ssize_t)in.n;
}

static void note_progress(struct rest_client *client)
{
    if (!client->is_receiving) {
        client->is_receiving = true;
        start_timer(client, REQUEST_TIMEOUT_S);
    }
    if (client->framer.head_n && client->framer.expects_continue && !client->has_continued) {
        client->has_continued = true;
        conn_write(client->conn, REST_CONTINUE);
    }
}

static ssize_t on_data(struct conn *c, void *owner, struct span in)
{
    struct rest_client *client = owner;
    (void)c;
    if (client->is_running)
        return 0;
    ssize_t n = http_framer_next(&client->framer, in);
    if (n > 0)
        n = take_request(client, in, (size_t)n);
    else if (n == 0)
        note_progress(client);
    if (n < 0)
        refuse(client, (int)n);
    return n < 0 ? 0 : n;
}

/* ---- the end ---- */

static void note_close(const struct conn *c, int err)
{
    char peer[NET_ADDRESS_TEXT_MAX];
    enum err_class class = err_class(err);
    bool is_peers_fault = class == ERR_CLASS_INPUT || class == ERR_CLASS_LIMIT;
    (void)net_address_text(conn_peer(c), peer);
    if (is_peers_fault)
        log_notice("HTTP connection closed: %s: %s", peer, err_text(err));
    else
        log_debug("HTTP connection closed: %s: %s", peer, err_text(err));
}

static void on_close(struct conn *c, void *owner, int err)
{
    struct rest_client *client = owner;
    note_close(c, err);
    shard_timer_stop(client->home->shard, &client->timer);
    client->conn = NULL;
    release(client);
}

static void on_due(struct timer *t)
{
    struct rest_client *client =
        (struct rest_client *)(void *)((char *)t - offsetof(struct rest_client, timer));
    if (client->is_receiving)
        refuse(client, err_raise(ERR_REST_SLOW));
    else
        conn_close(client->conn, ERR_REST_IDLE);
}

static const struct conn_handler handler = {.on_data = on_data, .on_close = on_close};

void rest_client_open(struct rest_shard *home, struct conn *c)
{
    struct rest_client *client = home->is_stopping ? NULL : mem_zalloc(MEM_REST, sizeof(*client));
    if (!client) {
        conn_close(c, err_raise(home->is_stopping ? ERR_REST_STOPPING : ERR_NO_MEMORY));
        return;
    }
    client->home = home;
    client->conn = c;
    client->timer.on_due = on_due;
    link_client(client);
    conn_set_handler(c, &handler, client);
    conn_set_input_limit(c, (size_t)home->rest->config.request_bytes_max + INPUT_SLACK);
    await_request(client);
    int err = conn_start(c);
    if (err < 0)
        conn_close(c, err);
}

void rest_client_stop_all(struct rest_shard *home)
{
    home->is_stopping = true;
    for (struct rest_client *client = home->clients; client; client = client->next)
        if (client->conn && !client->is_running)
            close_after_answer(client, ERR_REST_STOPPING);
    if (!home->clients)
        rest_shard_report(home);
}

void rest_client_close_all(struct rest_shard *home)
{
    while (home->clients && home->clients->conn)
        conn_close(home->clients->conn, ERR_REST_STOPPING);
}
