/* One tracker's TCP connection: cuts the byte stream into frames, binds the connection to the ident
 * that the device says, keeps the time limits. What is in a frame is frame.c's. Lives on its
 * channel's owner shard and is freed when the connection tells its close. */
#include "gateway/gateway_internal.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdalign.h>

#define TIMER_SLACK_MS 500
/* flespi's fixed TCP idle timeout, for channels that name none. */
#define IDLE_TIMEOUT_S 600
/* Frames that a device may send before it has said its ident: pings and failed logins. */
#define LOGIN_FRAMES_MAX 16
/* The connection limit of one channel is logged at most this often. */
#define LIMIT_LOG_PAUSE_MS 10000

struct connection {
    struct connection *next, **back; /* in the channel's list */
    struct table_node by_ident;      /* in the channel's idents while is_bound */
    struct channel *channel;
    struct conn *conn;
    struct protocol_link link;
    struct timer timer;
    int64_t opened_ms, heard_ms;
    uint64_t counted_in, counted_out; /* bytes that the figures have already */
    unsigned login_frames;            /* before it was identified */
    bool is_bound;
    bool is_identified;     /* the device said who it is: the login timeout is over */
    bool is_refusal_logged; /* one line a connection, the rest is counted */
    bool is_ending;         /* waits for its last output */
    char peer[NET_ADDRESS_TEXT_MAX];
    size_t peer_n;
    alignas(max_align_t) uint8_t state[]; /* the protocol's */
};

struct connection *connection_next(const struct connection *con)
{
    return con->next;
}

static struct connection *of_node(struct table_node *node)
{
    return (struct connection *)((char *)node - offsetof(struct connection, by_ident));
}

static struct shard *shard_of(const struct connection *con)
{
    return con->channel->worker->shard;
}

struct connection *connection_by_ident(const struct channel *ch, struct span ident)
{
    struct table_node *node = table_first(&ch->idents, hash_bytes(ident));
    while (node && !span_equal(protocol_ident(&of_node(node)->link), ident))
        node = table_next(node);
    return node ? of_node(node) : NULL;
}

/* ---- ident ---- */

static void unbind_ident(struct connection *con)
{
    if (con->is_bound)
        table_remove(&con->channel->idents, &con->by_ident);
    con->is_bound = false;
}

/* The newest connection with an ident has it; an older one is a device that lost its network and
 * came back, or a second one with a copied ident: it is closed. */
static int bind_ident(struct connection *con)
{
    struct channel *ch = con->channel;
    struct span ident = protocol_ident(&con->link);
    uint64_t hash = hash_bytes(ident);
    if (con->is_bound && con->by_ident.hash == hash)
        return 0;
    unbind_ident(con);
    struct connection *older = connection_by_ident(ch, ident);
    if (older)
        connection_close(older, err_raise(ERR_CHANNEL_IDENT_COLLISION));
    int err = table_add(&ch->idents, &con->by_ident, hash);
    con->is_bound = !err;
    return err;
}

/* ---- time limits: one timer a connection, looked at late rather than moved often ---- */

static int64_t idle_ms(const struct connection *con)
{
    uint32_t idle_s = con->channel->snapshot->idle_timeout_s;
    return (int64_t)(idle_s ? idle_s : IDLE_TIMEOUT_S) * 1000;
}

static int64_t login_due_ms(const struct connection *con)
{
    uint32_t login_s = con->channel->worker->gateway->config.login_timeout_s;
    return con->opened_ms + (int64_t)login_s * 1000;
}

static int64_t due_ms(const struct connection *con)
{
    int64_t idle_due = con->heard_ms + idle_ms(con);
    int64_t login_due = login_due_ms(con);
    return con->is_identified || idle_due < login_due ? idle_due : login_due;
}

static void on_timer(struct timer *t)
{
    struct connection *con = (struct connection *)((char *)t - offsetof(struct connection, timer));
    int64_t now_ms = shard_now_ms(shard_of(con));
    if (!con->is_identified && now_ms >= login_due_ms(con))
        connection_close(con, err_raise(ERR_CHANNEL_LOGIN_TIMEOUT));
    else if (now_ms >= con->heard_ms + idle_ms(con))
        connection_close(con, err_raise(ERR_CHANNEL_IDLE));
    else
        shard_timer_start(shard_of(con), t, due_ms(con), TIMER_SLACK_MS);
}

/* ---- frames ---- */

struct stream_source {
    struct frame_source source;
    struct connection *con;
};

static void answer(struct frame_source *source, struct span reply)
{
    conn_write(((struct stream_source *)source)->con->conn, reply);
}

static struct stream_source source_of(struct connection *con)
{
    struct span peer = span_of(con->peer, con->peer_n);
    return (struct stream_source){{con->channel, &con->link, peer, answer}, con};
}

static void refuse(struct connection *con, int err, struct span bytes)
{
    refusal_count(con->channel, err);
    if (con->is_refusal_logged)
        return;
    con->is_refusal_logged = true;
    struct stream_source s = source_of(con);
    refusal_log(&s.source, err, bytes);
}

/* Length of the first frame in `in`, 0 when more bytes are needed, or a refusal. */
static int next_frame(const struct connection *con, struct span in)
{
    const struct protocol *protocol = con->link.protocol;
    int n = protocol->frame(&con->link, in);
    if (n > 0 && (size_t)n > in.n)
        return err_raise(ERR_CHANNEL_FRAME_LENGTH);
    size_t length = n ? (size_t)n : in.n;
    if (n >= 0 && length > protocol->frame_max)
        return err_raise(ERR_PROTOCOL_FRAME_TOO_LONG);
    return n;
}

/* Notes who the device is, once a frame told it. 0, or why the connection ends. */
static int identify(struct connection *con)
{
    if (con->link.ident_n) {
        con->is_identified = true;
        return bind_ident(con);
    }
    if (con->channel->worker->result.message_count)
        con->is_identified = true; /* messages that carry their own idents */
    return 0;
}

/* True when the connection goes on; otherwise it must not be touched again. */
static bool take_frame(struct connection *con, struct span frame)
{
    bool must_close;
    struct stream_source s = source_of(con);
    int err = frame_process(&s.source, frame, &must_close);
    if (!err) {
        err = identify(con);
        must_close = must_close || err;
    }
    if (!must_close && !con->is_identified && ++con->login_frames > LOGIN_FRAMES_MAX) {
        err = err_raise(ERR_CHANNEL_LOGIN_MISSING);
        must_close = true;
    }
    if (err < 0)
        refuse(con, err, frame);
    if (!must_close)
        return true;
    connection_close_flushed(con, err < 0 ? err : ERR_CHANNEL_ENDED);
    return false;
}

static void count_bytes(struct connection *con)
{
    uint64_t in = conn_bytes_in(con->conn), out = conn_bytes_out(con->conn);
    figure_add(&con->channel->figures->bytes_in, in - con->counted_in);
    figure_add(&con->channel->figures->bytes_out, out - con->counted_out);
    con->counted_in = in;
    con->counted_out = out;
}

/* ---- what the connection tells ---- */

static ssize_t on_data(struct conn *c, void *owner, struct span in)
{
    struct connection *con = owner;
    if (con->is_ending)
        return (ssize_t)in.n;
    con->heard_ms = shard_now_ms(shard_of(con));
    size_t used = 0;
    while (used < in.n) {
        struct span rest = span_from(in, used);
        int n = next_frame(con, rest);
        if (n < 0) {
            refuse(con, n, rest);
            return n;
        }
        if (n == 0)
            break;
        if (!take_frame(con, span_head(rest, (size_t)n)))
            return (ssize_t)in.n;
        used += (size_t)n;
    }
    count_bytes(con);
    if (conn_output_bytes(c) > OUTPUT_HIGH_BYTES)
        conn_pause(c);
    return (ssize_t)used;
}

static void on_drain(struct conn *c, void *owner)
{
    (void)owner;
    conn_resume(c);
}

static void on_close(struct conn *c, void *owner, int err)
{
    (void)c;
    struct connection *con = owner;
    struct channel *ch = con->channel;
    struct span ident = protocol_ident(&con->link);
    log_info("connection closed: channel %llu: peer %s%s%.*s: %s (close_code %d), %llu s",
             (unsigned long long)ch->snapshot->id, con->peer, ident.n ? " ident " : "",
             SPAN_FMT(ident), err_text(err), gateway_close_code(err),
             (unsigned long long)(shard_now_ms(shard_of(con)) - con->opened_ms) / 1000);
    count_bytes(con);
    unbind_ident(con);
    shard_timer_stop(shard_of(con), &con->timer);
    *con->back = con->next;
    if (con->next)
        con->next->back = con->back;
    ch->connection_count--;
    ch->worker->connection_count--;
    atomic_fetch_sub_explicit(&ch->figures->connections, 1, memory_order_relaxed);
    mem_free(MEM_GATEWAY, con);
    worker_check_stopped(ch->worker);
}

static const struct conn_handler handler = {on_data, on_close, on_drain};

/* ---- begin and end ---- */

void connection_close(struct connection *con, int err)
{
    con->is_ending = true;
    conn_close(con->conn, err);
}

void connection_close_flushed(struct connection *con, int err)
{
    con->is_ending = true;
    conn_close_flushed(con->conn, err);
}

static void log_limit(struct channel *ch)
{
    int64_t now_ms = shard_now_ms(ch->worker->shard);
    if (ch->limit_logged_ms && now_ms - ch->limit_logged_ms < LIMIT_LOG_PAUSE_MS)
        return;
    ch->limit_logged_ms = now_ms;
    log_warning("connection refused: channel %llu \"%s\": %s (%u)",
                (unsigned long long)ch->snapshot->id, ch->snapshot->name,
                err_text(ERR_CHANNEL_CONNECTIONS_LIMIT), ch->connection_count);
}

static void link_up(struct channel *ch, struct connection *con)
{
    con->next = ch->connections;
    con->back = &ch->connections;
    if (con->next)
        con->next->back = &con->next;
    ch->connections = con;
    ch->connection_count++;
    ch->worker->connection_count++;
    figure_add(&ch->figures->connections, 1);
}

static void init(struct connection *con, struct channel *ch, struct conn *c)
{
    const struct hub_channel *snapshot = ch->snapshot;
    con->channel = ch;
    con->conn = c;
    con->opened_ms = con->heard_ms = shard_now_ms(ch->worker->shard);
    con->timer.on_due = on_timer;
    con->peer_n = net_address_text(conn_peer(c), con->peer);
    protocol_link_init(&con->link, snapshot->protocol, snapshot->options, PROTOCOL_TCP,
                       snapshot->protocol->state_size ? con->state : NULL);
}

void connection_accept(void *channel, struct conn *c)
{
    struct channel *ch = channel;
    struct worker *w = ch->worker;
    if (ch->connection_count >= w->gateway->config.connections_max) {
        refusal_count(ch, err_raise(ERR_CHANNEL_CONNECTIONS_LIMIT));
        log_limit(ch);
        conn_close(c, ERR_CHANNEL_CONNECTIONS_LIMIT);
        return;
    }
    struct connection *con =
        mem_zalloc(MEM_GATEWAY, sizeof(*con) + ch->snapshot->protocol->state_size);
    if (!con) {
        conn_close(c, ERR_NO_MEMORY);
        return;
    }
    init(con, ch, c);
    link_up(ch, con);
    conn_set_handler(c, &handler, con);
    conn_set_input_limit(c, ch->snapshot->protocol->frame_max);
    conn_set_output_marks(c, OUTPUT_HIGH_BYTES, OUTPUT_LOW_BYTES);
    shard_timer_start(w->shard, &con->timer, due_ms(con), TIMER_SLACK_MS);
    int err = conn_start(c);
    if (err)
        connection_close(con, err);
}
