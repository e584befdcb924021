/* Fuzz target of the WebSocket codec. Byte 0 draws where the stream of frames is cut; the rest is
 * the stream, and once more the headers of a handshake. However the stream is cut, and wherever its
 * payload goes, the reader must tell the same; a handshake that is accepted must be answerable. */
#include "http/websocket.h"

#define STREAM_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        __builtin_trap();
}

/* ---- frames ---- */

/* All that the reader told: payload, and behind each event its kind, code and payload. */
struct told {
    uint8_t p[4 * STREAM_MAX];
    size_t n;
    int err;
    bool is_closed;
};

static void tell(struct told *t, const void *p, size_t n)
{
    check(t->n + n <= sizeof(t->p));
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void tell_step(struct told *t, const struct websocket_step *step, const uint8_t *payload)
{
    tell(t, payload, step->payload_n);
    if (!step->event)
        return;
    check(step->event == WEBSOCKET_PING || step->event == WEBSOCKET_CLOSE);
    check(step->control.n <= WEBSOCKET_CONTROL_MAX);
    uint8_t head[] = {(uint8_t)step->event, (uint8_t)(step->close_code >> 8),
                      (uint8_t)step->close_code};
    tell(t, head, sizeof(head));
    tell(t, step->control.p, step->control.n);
    t->is_closed = step->event == WEBSOCKET_CLOSE;
}

static void read_piece(struct websocket_reader *r, struct span in, bool in_place, struct told *t)
{
    uint8_t copy[STREAM_MAX], other[STREAM_MAX];
    uint8_t *out = in_place ? copy : other;
    memcpy(copy, in.p, in.n);
    size_t used = 0;
    while (used < in.n && !t->err && !t->is_closed) {
        struct websocket_step step;
        struct span rest = span_of(copy + used, in.n - used);
        t->err = websocket_read(r, rest, out, &step);
        check(step.used <= rest.n && step.payload_n <= step.used);
        check(t->err || step.used > 0);
        tell_step(t, &step, out);
        used += step.used;
    }
}

/* In pieces of 1 to 16 bytes drawn from `seed`; 0: whole. */
static void read_all(struct span in, uint32_t seed, struct told *t)
{
    struct websocket_reader r = {0};
    bool in_place = seed & 1;
    *t = (struct told){0};
    while (in.n && !t->err && !t->is_closed) {
        struct span piece = seed ? span_head(in, 1 + seed % 16) : in;
        read_piece(&r, piece, in_place, t);
        in = span_from(in, piece.n);
        seed = seed ? (seed * 1664525 + 1013904223) | 1 : 0;
    }
}

/* ---- handshakes ---- */

static struct span take(struct span *rest, uint8_t end)
{
    struct span part = span_head(*rest, span_find(*rest, end));
    *rest = span_from(*rest, part.n + 1);
    return part;
}

static void check_handshake(struct span in)
{
    static const char *const known[] = {"mqtt", "mqttv3.1", NULL};
    struct http_header headers[16];
    struct http_request request = {
        .method = HTTP_METHOD_GET, .version_minor = 1, .headers = headers};
    while (in.n && request.header_count < 16) {
        struct span name = take(&in, ':');
        headers[request.header_count++] = (struct http_header){name, take(&in, '\n')};
    }
    struct websocket_handshake handshake;
    bool is_wanted = websocket_is_wanted(&request);
    if (websocket_handshake(&request, known, &handshake) < 0 || !is_wanted)
        return;
    struct buf out = buf_make(MEM_BASE, 1024);
    check(websocket_write_answer(&handshake, &out) == 0 && out.n > 28);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct told whole, cut;
    if (size < 1 || size > STREAM_MAX)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    read_all(in, 0, &whole);
    read_all(in, data[0] | 1u, &cut);
    check(whole.err == cut.err && whole.n == cut.n && memcmp(whole.p, cut.p, cut.n) == 0);
    read_all(in, (data[0] | 1u) + 1, &cut);
    check(whole.err == cut.err && whole.n == cut.n && memcmp(whole.p, cut.p, cut.n) == 0);
    check_handshake(in);
    return 0;
}
