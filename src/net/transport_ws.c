/* WebSocket as a layer on TCP or TLS. What the client's frames hold is passed on as a stream, as it
 * comes; what a turn queued leaves as one binary frame, or several of at most FRAME_MAX bytes.
 * Pings are answered and closes returned here: the owner hears of neither. Knows no HTTP and not
 * what the bytes mean.
 *
 * Output goes frame by frame; own frames (pongs) only between two others:
 *
 *   answer of the handshake, as it is | own ... | head, payload | own ... | head, payload | close
 *   `frame_left` counts down             `own`    `head`
 */
#include "net/transport_ws.h"

#include "base/mem.h"
#include "http/websocket.h"
#include "net/conn_internal.h"
#include "net/layer.h"

/* So that a client, which mostly sees a frame when it is whole, sees it soon. */
#define FRAME_MAX 65535
/* Of pongs that a client lets wait; then it is closed: ERR_WEBSOCKET_PINGS. */
#define OWN_MAX 16384
#define IOV_COUNT 65

struct websocket {
    struct layer layer; /* first */
    struct websocket_reader reader;
    struct output own; /* whole frames */
    size_t frame_left; /* bytes at the front of the connection's queue that the frame still takes */
    uint8_t head[WEBSOCKET_HEAD_MAX]; /* of that frame */
    uint8_t head_n, head_sent;
    uint16_t peer_code; /* of the peer's close */
    bool has_peer_closed;
    bool is_cut; /* the lower transport ended */
    int end;     /* TRANSPORT_EOF or an error, once reading met it */
};

/* ---- reading ---- */

static int answer_ping(struct conn *c, struct websocket *ws, struct span payload)
{
    uint8_t head[WEBSOCKET_HEAD_MAX];
    struct out_pool *pool = &c->net->pool;
    if (ws->own.bytes > OWN_MAX)
        return err_raise(ERR_WEBSOCKET_PINGS);
    size_t n = websocket_write_head(WEBSOCKET_PONG, payload.n, head);
    if (!output_add(&ws->own, pool, span_of(head, n)) || !output_add(&ws->own, pool, payload))
        return err_raise(ERR_WEBSOCKET_PONG_MEMORY);
    if (!c->is_blocked)
        conn_want_flush(c);
    return 0;
}

static int follow(struct conn *c, struct websocket *ws, const struct websocket_step *step)
{
    if (step->event == WEBSOCKET_PING)
        return answer_ping(c, ws, step->control);
    if (step->event != WEBSOCKET_CLOSE)
        return 0;
    ws->has_peer_closed = true;
    ws->peer_code = step->close_code;
    return TRANSPORT_EOF;
}

/* Unwraps `n` bytes where they lie: how much payload they held. */
static size_t unwrap(struct conn *c, struct websocket *ws, uint8_t *p, size_t n)
{
    size_t have = 0, used = 0;
    while (used < n && !ws->end) {
        struct websocket_step step;
        ws->end = websocket_read(&ws->reader, span_of(p + used, n - used), p + have, &step);
        used += step.used;
        have += step.payload_n;
        if (!ws->end)
            ws->end = follow(c, ws, &step);
    }
    return have;
}

/* One read a turn. Payload is always shorter than what was read, so the connection does not see
 * that the socket may hold more, nor an end behind the payload: then it is made to read again. */
static ssize_t ws_read(struct conn *c, uint8_t *p, size_t n)
{
    struct websocket *ws = conn_transport_state(c);
    if (ws->end)
        return ws->end;
    ssize_t got = layer_read(c, p, n);
    if (got == TRANSPORT_AGAIN)
        return got;
    size_t have = got > 0 ? unwrap(c, ws, p, (size_t)got) : 0;
    if (got < 0)
        ws->end = (int)got;
    ws->is_cut = got < 0;
    if (have == 0 && ws->end)
        return ws->end;
    if (have == 0 || ws->end || (size_t)got == n)
        conn_want_read(c);
    return (ssize_t)have;
}

/* ---- writing ---- */

/* What the connection offers, as far as it was not taken. */
struct offer {
    const struct iovec *iov;
    int count;
    size_t done; /* of iov[0] */
    size_t left; /* of all */
};

static struct offer offer_of(const struct iovec *iov, int count)
{
    struct offer o = {.iov = iov, .count = count};
    for (int i = 0; i < count; i++)
        o.left += iov[i].iov_len;
    return o;
}

static void offer_take(struct offer *o, size_t n)
{
    o->left -= n;
    for (o->done += n; o->count && o->done >= o->iov->iov_len; o->count--)
        o->done -= o->iov++->iov_len;
}

/* The front of the offer, `n` bytes at most, as parts; their sum is added to *total. */
static int offer_front(const struct offer *o, size_t n, struct iovec *parts, int max, size_t *total)
{
    size_t done = o->done;
    int count = 0;
    for (; count < o->count && count < max && n; count++) {
        size_t part = o->iov[count].iov_len - done;
        part = part < n ? part : n;
        parts[count] = (struct iovec){(uint8_t *)o->iov[count].iov_base + done, part};
        *total += part;
        n -= part;
        done = 0;
    }
    return count;
}

static bool is_between_frames(const struct websocket *ws)
{
    return ws->frame_left == 0 && ws->head_sent == ws->head_n;
}

static void begin_frame(struct websocket *ws, size_t queued)
{
    ws->frame_left = queued < FRAME_MAX ? queued : FRAME_MAX;
    ws->head_n = (uint8_t)websocket_write_head(WEBSOCKET_BINARY, ws->frame_left, ws->head);
    ws->head_sent = 0;
}

/* Both: 1 when all that was wanted went out, 0 when the socket is full, or an error. */
static int send_own(struct conn *c, struct websocket *ws)
{
    struct iovec parts[IOV_COUNT];
    int count = output_gather(&ws->own, parts, IOV_COUNT);
    size_t wanted = offer_of(parts, count).left;
    ssize_t sent = layer_write(c, parts, count);
    if (sent < 0)
        return (int)sent;
    output_sent(&ws->own, &c->net->pool, (size_t)sent);
    return (size_t)sent == wanted;
}

static int send_frame(struct conn *c, struct websocket *ws, struct offer *o)
{
    struct iovec parts[IOV_COUNT] = {{ws->head + ws->head_sent, ws->head_n - ws->head_sent}};
    size_t wanted = parts[0].iov_len;
    int count = wanted > 0;
    count += offer_front(o, ws->frame_left, parts + count, IOV_COUNT - count, &wanted);
    ssize_t sent = layer_write(c, parts, count);
    if (sent < 0)
        return (int)sent;
    size_t left = (size_t)sent, head = ws->head_n - ws->head_sent;
    head = left < head ? left : head;
    ws->head_sent = (uint8_t)(ws->head_sent + head);
    ws->frame_left -= left - head;
    offer_take(o, left - head);
    return left == wanted;
}

static ssize_t ws_write(struct conn *c, const struct iovec *iov, int count)
{
    struct websocket *ws = conn_transport_state(c);
    struct offer o = offer_of(iov, count);
    size_t offered = o.left;
    for (;;) {
        bool is_own = ws->own.bytes && is_between_frames(ws);
        if (!is_own && o.left == 0)
            break;
        if (!is_own && is_between_frames(ws))
            begin_frame(ws, conn_output_bytes(c) - (offered - o.left));
        int rc = is_own ? send_own(c, ws) : send_frame(c, ws, &o);
        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
    }
    return (ssize_t)(offered - o.left);
}

static bool ws_has_output(const struct conn *c)
{
    const struct websocket *ws = conn_transport_state(c);
    return ws->own.bytes > 0;
}

/* ---- beginning and end ---- */

/* RFC 6455 5.5.1: a close is answered with its own code. Within a frame, because output is being
 * dropped, nothing can be said; a full socket hears nothing either. */
static void say_goodbye(struct conn *c, struct websocket *ws)
{
    if (ws->is_cut || !is_between_frames(ws))
        return;
    uint16_t code = ws->has_peer_closed ? ws->peer_code : websocket_close_code(c->close_err);
    uint8_t frame[WEBSOCKET_CLOSE_FRAME_MAX];
    struct iovec parts[IOV_COUNT];
    int count = output_gather(&ws->own, parts, IOV_COUNT - 1);
    parts[count++] = (struct iovec){frame, websocket_write_close(code, frame)};
    (void)layer_write(c, parts, count);
}

static void ws_close(struct conn *c)
{
    struct websocket *ws = conn_transport_state(c);
    say_goodbye(c, ws);
    output_clear(&ws->own, &c->net->pool);
    layer_close(c);
    mem_free(MEM_NET, ws);
}

static const struct transport transport_ws = {
    .name = "ws",
    .read = ws_read,
    .write = ws_write,
    .has_output = ws_has_output,
    .close = ws_close,
};

int transport_ws_push(struct conn *c, struct span answer, struct span unconsumed)
{
    struct websocket *ws = mem_zalloc(MEM_NET, sizeof *ws);
    if (!ws)
        return err_raise(ERR_WEBSOCKET_MEMORY);
    int err = layer_push(c, &transport_ws, &ws->layer, unconsumed);
    if (err < 0) {
        mem_free(MEM_NET, ws);
        return err;
    }
    conn_write(c, answer);
    ws->frame_left = conn_output_bytes(c); /* what was queued by now goes out as it is */
    return 0;
}
