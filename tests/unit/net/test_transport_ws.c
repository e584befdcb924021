/* net/transport_ws.h over real sockets: the owner sees a plain stream, the peer sees frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/reader.h"
#include "net/transport_ws.h"
#include "peer.h"

#include <string.h>
#include <unistd.h>

#define MIB (1024 * 1024)
#define ANSWER "HTTP/1.1 101 Switching Protocols\r\n\r\n"

static uint8_t sent[2 * MIB], wire[4 * MIB], received[3 * MIB];

/* ---- the peer's frames ---- */

static const uint8_t mask[4] = {0xA5, 0x01, 0xFE, 0x3C};

/* Writes a frame to `out`; its length. */
static size_t frame(uint8_t first, const void *payload, size_t n, uint8_t *out)
{
    const uint8_t *p = payload;
    size_t bytes = n < 126 ? 0 : n < 65536 ? 2 : 8, at = 2;
    out[0] = first;
    out[1] = (uint8_t)(0x80 | (bytes == 8 ? 127 : bytes == 2 ? 126 : n));
    for (size_t i = bytes; i-- > 0;)
        out[at++] = (uint8_t)(n >> 8 * i);
    memcpy(out + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < n; i++)
        out[at++] = p[i] ^ mask[i % 4];
    return at;
}

static void peer_send_frame(struct peer *p, uint8_t first, const void *payload, size_t n)
{
    peer_send(p, wire, frame(first, payload, n, wire));
}

/* Reads one frame of the connection into `out`; its payload's length. */
static size_t peer_receive_frame(struct peer *p, uint8_t first, uint8_t *out)
{
    uint8_t head[4];
    int error;
    assert_int_equal(peer_receive(p, head, 2, &error), 2);
    assert_int_equal(head[0], first);
    size_t n = head[1];
    if (n == 126) {
        assert_int_equal(peer_receive(p, head + 2, 2, &error), 2);
        struct reader r = reader_of(span_of(head + 2, 2));
        n = rd_u16be(&r);
        assert_true(n >= 126);
    }
    assert_true(n <= 65535); /* so 127 never comes, nor a mask */
    assert_int_equal(peer_receive(p, out, n, &error), n);
    return n;
}

static void expect_frame(struct peer *p, uint8_t first, struct span payload)
{
    uint8_t out[256];
    assert_int_equal(peer_receive_frame(p, first, out), payload.n);
    assert_memory_equal(out, payload.p, payload.n);
}

static void expect_end(struct peer *p)
{
    int error;
    assert_int_equal(peer_receive(p, received, 1, &error), 0);
    assert_int_equal(error, 0);
}

struct looking {
    struct peer *p;
    bool is_closing;
};

static void look_on_shard(void *arg)
{
    struct looking *l = arg;
    l->is_closing = !l->p->c || conn_is_closing(l->p->c);
}

/* Closed, or its output still goes out. */
static bool peer_is_closing(struct peer *p)
{
    struct looking l = {.p = p};
    on_shard(p->shard, look_on_shard, &l);
    return l.is_closing;
}

/* ---- opening ---- */

struct pushing {
    struct peer *p;
    struct span unconsumed;
    int err;
};

static void push_on_shard(void *arg)
{
    struct pushing *pushing = arg;
    conn_write(pushing->p->c, SPAN_LIT("before "));
    pushing->err = transport_ws_push(pushing->p->c, SPAN_LIT(ANSWER), pushing->unconsumed);
}

/* A connection that is a WebSocket, and has `unconsumed` as its first input. */
static void open_ws_with(struct peer *p, bool is_tcp, struct span unconsumed)
{
    struct pushing pushing = {.p = p, .unconsumed = unconsumed};
    char answer[sizeof("before " ANSWER) - 1];
    int error;
    peer_open(p, is_tcp);
    on_shard(p->shard, push_on_shard, &pushing);
    assert_int_equal(pushing.err, 0);
    assert_int_equal(peer_receive(p, (uint8_t *)answer, sizeof(answer), &error), sizeof(answer));
    assert_memory_equal(answer, "before " ANSWER, sizeof(answer));
}

static void open_ws(struct peer *p)
{
    open_ws_with(p, true, (struct span){0});
}

static void say_goodbye(struct peer *p)
{
    peer_send_frame(p, 0x88, "\x03\xE8", 2);
    peer_wait_closed(p);
    assert_int_equal(p->err, ERR_CONN_EOF);
    expect_frame(p, 0x88, SPAN_LIT("\x03\xE8"));
    expect_end(p);
}

/* ---- input ---- */

/* The pattern in frames and fragments of all sizes with pings between, cut anew by the socket. */
static size_t wrap_pattern(size_t n)
{
    static const size_t sizes[] = {1, 0, 125, 126, 2, 4000, 65535, 3, 65536, 200000};
    size_t at = 0, bytes = 0;
    for (size_t i = 0; at < n; i++) {
        size_t part = sizes[i % 10] < n - at ? sizes[i % 10] : n - at;
        bool is_last = i % 3 == 2 || at + part == n;
        uint8_t first = (uint8_t)((is_last ? 0x80 : 0) | (i % 3 == 0 ? 2 : 0));
        bytes += frame(first, sent + at, part, wire + bytes);
        if (i % 5 == 1)
            bytes += frame(0x89, "ping", 4, wire + bytes);
        at += part;
    }
    return bytes;
}

static void test_owner_sees_a_plain_stream(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 5, 1400, 300000, 4 * MIB};
    for (size_t i = 0; i < 5; i++) {
        struct peer p = {.has_header = false};
        size_t total = pieces[i] < 10 ? 300 : MIB;
        pattern_fill(sent, total, 0);
        open_ws_with(&p, i % 2, (struct span){0});
        size_t n = wrap_pattern(total);
        for (size_t at = 0; at < n; at += pieces[i])
            peer_send(&p, wire + at, n - at < pieces[i] ? n - at : pieces[i]);
        peer_wait_got(&p, total);
        assert_int_equal(p.got_bytes, total);
        assert_int_equal(pattern_check(p.got, total, 0), total);
        assert_int_equal(peer_look(&p).bytes_in, total);
        peer_done(&p);
    }
}

/* A large message of the owner's in small frames: told once it is whole. */
static void test_expected_input_is_told_whole(void **state)
{
    (void)state;
    struct peer p = {.has_header = true};
    memcpy(sent, "\x00\x0F\x42\x40", 4); /* 1,000,000 */
    pattern_fill(sent + 4, 1000000 - 4, 4);
    open_ws(&p);
    conn_set_input_limit(p.c, MIB);
    for (size_t at = 0; at < 1000000; at += 4000)
        peer_send_frame(&p, 0x82, sent + at, 4000);
    peer_wait_got(&p, 1000000);
    assert_int_equal(pattern_check(p.got + 4, 1000000 - 4, 4), 1000000 - 4);
    assert_true(peer_look(&p).told < 10);
    say_goodbye(&p);
    peer_done(&p);
}

/* What came behind the handshake, in one read with it: frames, the beginning of one, all of it. */
static void test_early_input_is_not_lost(void **state)
{
    (void)state;
    static const size_t early[] = {1, 7, 100, 70000, 400000};
    pattern_fill(sent, 500000, 0);
    for (size_t i = 0; i < 5; i++) {
        struct peer p = {0};
        size_t n = frame(0x82, sent, 10, wire);
        n += frame(0x82, sent + 10, 499990, wire + n);
        open_ws_with(&p, true, span_of(wire, early[i]));
        peer_send(&p, wire + early[i], n - early[i]);
        peer_wait_got(&p, 500000);
        assert_int_equal(pattern_check(p.got, 500000, 0), 500000);
        say_goodbye(&p);
        peer_done(&p);
    }
}

static void resume_and_push(void *arg)
{
    struct pushing *pushing = arg;
    conn_resume(pushing->p->c);
    push_on_shard(pushing);
}

/* The socket's edge comes before early input is told, and is not told again. */
static void test_early_input_before_what_the_socket_holds(void **state)
{
    (void)state;
    static const size_t early[] = {1, 70000, 400000};
    pattern_fill(sent, 500000, 0);
    for (size_t i = 0; i < 3; i++) {
        struct peer p = {0};
        size_t n = frame(0x82, sent, 500000, wire);
        struct pushing pushing = {.p = &p, .unconsumed = span_of(wire, early[i])};
        peer_open(&p, true);
        on_shard(p.shard, peer_pause, &p);
        peer_send(&p, wire + early[i], 10);
        usleep(20000);
        on_shard(p.shard, resume_and_push, &pushing);
        peer_wait_got(&p, early[i] > 14 ? early[i] + 10 - 14 : 0); /* 14: the head */
        peer_send(&p, wire + early[i] + 10, n - early[i] - 10);
        peer_wait_got(&p, 500000);
        assert_int_equal(pattern_check(p.got, 500000, 0), 500000);
        peer_done(&p);
    }
}

/* Nothing to tell the owner, but an answer. */
static void test_early_input_and_a_ping_alone(void **state)
{
    (void)state;
    struct peer p = {0};
    size_t n = frame(0x89, "early", 5, wire);
    open_ws_with(&p, true, span_of(wire, n));
    expect_frame(&p, 0x8A, SPAN_LIT("early"));
    assert_int_equal(peer_look(&p).told, 0);
    say_goodbye(&p);
    peer_done(&p);
}

/* ---- output ---- */

static void write_some(void *peer)
{
    struct peer *p = peer;
    conn_write(p->c, SPAN_LIT("ab"));
    conn_write(p->c, SPAN_LIT("cd"));
}

static void test_a_turn_is_one_frame(void **state)
{
    (void)state;
    struct peer p = {0};
    open_ws(&p);
    on_shard(p.shard, write_some, &p);
    assert_int_equal(recv(p.fd, received, 100, 0), 6);
    assert_memory_equal(received,
                        "\x82\x04"
                        "abcd",
                        6);
    peer_done(&p);
}

struct body {
    struct ref ref; /* first */
    int freed;
};

static void free_body(struct ref *r)
{
    ((struct body *)(void *)r)->freed++;
}

static struct body body;

static void write_mixed(void *peer)
{
    struct peer *p = peer;
    size_t at = 0;
    for (unsigned i = 0; at < MIB; i++) {
        size_t n = (size_t[]){1, 600, 90, 70000, 513, 1400, 9000}[i % 7];
        if (i % 2)
            conn_write_shared(p->c, &body.ref, span_of(sent + at, n));
        else
            conn_write(p->c, span_of(sent + at, n));
        at += n;
    }
    p->longest = at;
}

/* Pings come while the socket is full: their answers stand between frames, in order. */
static void test_slow_reader_gets_all_frames_and_pongs(void **state)
{
    (void)state;
    struct peer p = {0};
    size_t have = 0, pongs = 0;
    open_ws(&p);
    pattern_fill(sent, sizeof(sent), 0);
    body = (struct body){0};
    ref_init(&body.ref, free_body);
    on_shard(p.shard, write_mixed, &p);
    size_t total = p.longest;
    assert_true(peer_look(&p).output_bytes > 65536);
    for (uint8_t i = 0; i < 50; i++)
        peer_send_frame(&p, 0x89, &i, 1);
    while (have < total || pongs < 50) {
        uint8_t first = 0;
        assert_int_equal(recv(p.fd, &first, 1, MSG_PEEK), 1);
        if (first == 0x8A) {
            uint8_t number = (uint8_t)pongs++;
            expect_frame(&p, 0x8A, span_of(&number, 1));
        } else {
            have += peer_receive_frame(&p, 0x82, received + have);
        }
        if (have % 5 == 0)
            usleep(500);
    }
    assert_int_equal(have, total);
    assert_memory_equal(received, sent, total);
    assert_int_equal(peer_look(&p).bytes_out, total + sizeof("before " ANSWER) - 1);
    ref_drop(&body.ref);
    assert_int_equal(body.freed, 1);
    say_goodbye(&p);
    peer_done(&p);
}

/* Nobody reads the answers. Those that were made still come whole, and why it ended. */
static void test_pings_without_end_close(void **state)
{
    (void)state;
    struct peer p = {0};
    size_t n = 0, pongs = 0;
    uint8_t first = 0;
    open_ws_with(&p, false, (struct span){0});
    for (int i = 0; i < 10; i++)
        n += frame(0x89, sent, 125, wire + n);
    /* In batches, each answered in its turn, until the socket is full. */
    for (int i = 0; i < 10000 && !peer_is_closing(&p); i++)
        peer_send(&p, wire, n);
    while (recv(p.fd, &first, 1, MSG_PEEK) == 1 && first == 0x8A) {
        expect_frame(&p, 0x8A, span_of(sent, 125));
        pongs++;
    }
    assert_in_range(pongs, 65536 / 127, 99999);
    expect_frame(&p, 0x88, SPAN_LIT("\x03\xF0"));
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_WEBSOCKET_PINGS);
    peer_done(&p);
}

/* ---- the end ---- */

static void test_close_is_answered_with_its_code(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        size_t n;
    } closes[] = {{"", 0}, {"\x03\xE9", 2}, {"\x0F\xA0why", 5}};
    for (size_t i = 0; i < 3; i++) {
        struct peer p = {.echoes = true};
        open_ws(&p);
        size_t n = frame(0x82, "last", 4, wire);
        n += frame(0x88, closes[i].payload, closes[i].n, wire + n);
        n += frame(0x82, "ignored", 7, wire + n);
        peer_send(&p, wire, n);
        expect_frame(&p, 0x82, SPAN_LIT("last"));
        expect_frame(&p, 0x88, span_of(closes[i].payload, closes[i].n ? 2 : 0));
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_CONN_EOF);
        assert_int_equal(p.got_bytes, 4);
        peer_done(&p);
        peers_wait_count(0);
    }
}

static const struct {
    const char *bytes;
    size_t n;
    int err;
    const char *code;
} violations[] = {
    {"\x81\x80\0\0\0\0", 6, ERR_WEBSOCKET_TEXT, "\x03\xEB"},
    {"\x82\x01x", 3, ERR_WEBSOCKET_UNMASKED, "\x03\xEA"},
    {"\xC2\x80\0\0\0\0", 6, ERR_WEBSOCKET_RSV, "\x03\xEA"},
    {"\x83\x80\0\0\0\0", 6, ERR_WEBSOCKET_OPCODE, "\x03\xEA"},
    {"\x88\x84\0\0\0\0\x03\xE8\xFF\xFF", 10, ERR_WEBSOCKET_CLOSE_TEXT, "\x03\xEF"},
};

/* What came before it is told, and the peer learns why although it goes on sending. */
static void test_violations_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(violations) / sizeof(violations[0]); i++) {
        struct peer p = {0};
        open_ws(&p);
        size_t n = frame(0x82, "good", 4, wire);
        memcpy(wire + n, violations[i].bytes, violations[i].n);
        n += violations[i].n;
        n += frame(0x82, sent, 100000, wire + n);
        peer_send(&p, wire, n);
        expect_frame(&p, 0x88, span_of(violations[i].code, 2));
        expect_end(&p);
        peer_wait_closed(&p);
        assert_int_equal(p.err, violations[i].err);
        assert_int_equal(p.got_bytes, 4);
        peer_done(&p);
        peers_wait_count(0);
    }
}

static void test_owner_closes(void **state)
{
    (void)state;
    struct peer p = {0};
    open_ws(&p);
    on_shard(p.shard, write_some, &p);
    on_shard(p.shard, peer_close_flushed, &p);
    expect_frame(&p, 0x82, SPAN_LIT("abcd"));
    expect_frame(&p, 0x88, SPAN_LIT("\x03\xE8"));
    expect_end(&p);
    peer_wait_closed(&p);
    peer_done(&p);
    peers_wait_count(0);
}

static void close_at_once(void *peer)
{
    conn_close(((struct peer *)peer)->c, ERR_BROKER_TAKEN_OVER);
}

static void test_owner_closes_at_once(void **state)
{
    (void)state;
    struct peer p = {0};
    open_ws(&p);
    on_shard(p.shard, write_some, &p);
    on_shard(p.shard, close_at_once, &p);
    expect_frame(&p, 0x82, SPAN_LIT("abcd"));
    expect_frame(&p, 0x88, SPAN_LIT("\x03\xF0"));
    expect_end(&p);
    peer_done(&p);
}

/* A read that holds no payload is not the last one. */
static void test_end_behind_a_ping(void **state)
{
    (void)state;
    for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
        struct peer p = {0};
        open_ws_with(&p, is_tcp, (struct span){0});
        on_shard(p.shard, peer_pause, &p);
        peer_send_frame(&p, 0x89, "last", 4);
        shutdown(p.fd, SHUT_WR);
        on_shard(p.shard, peer_resume, &p);
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_CONN_EOF);
        peer_done(&p);
    }
}

/* The peer's TCP ends, in and between frames. */
static void test_end_without_close(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 9; cut++) {
        struct peer p = {0};
        open_ws_with(&p, cut % 2, (struct span){0});
        size_t n = frame(0x82, "abc", 3, wire);
        assert_int_equal(n, 9);
        peer_send(&p, wire, n);
        peer_send(&p, wire, cut);
        shutdown(p.fd, SHUT_WR);
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_CONN_EOF);
        assert_int_equal(p.got_bytes, cut < 6 ? 3 : 3 + cut - 6);
        expect_end(&p);
        peer_done(&p);
    }
}

/* ---- from shard to shard ---- */

struct moving {
    struct mail mail; /* first */
    struct peer *p;
    sem_t arrived;
    int push_err, err;
};

static struct moving moving;
static const struct conn_handler *first_handler, *second_handler;

static void arrive(struct mail *m)
{
    struct moving *it = (struct moving *)(void *)m;
    it->err = conn_attach(it->p->c);
    sem_post(&it->arrived);
}

/* As HTTP's owner does: the first bytes are the handshake, what is behind them the layer's. */
static ssize_t take_handshake(struct conn *c, void *owner, struct span in)
{
    if (in.n < 9)
        return 0;
    moving.push_err = transport_ws_push(c, SPAN_LIT(ANSWER), span_from(in, 9));
    conn_set_handler(c, first_handler, owner);
    return (ssize_t)in.n;
}

/* As the broker does: the first packet says where the connection belongs. */
static ssize_t take_3_and_move(struct conn *c, void *owner, struct span in)
{
    struct peer *p = owner;
    if (in.n < 3)
        return 0;
    memcpy(p->got, in.p, 3);
    p->got_bytes = 3;
    conn_write(c, SPAN_LIT("moved"));
    conn_set_handler(c, second_handler, p);
    conn_detach(c, span_from(in, 3));
    moving.mail.deliver = arrive;
    shard_send(peer_shard(1), &moving.mail);
    return 0;
}

static ssize_t take_on_second(struct conn *c, void *owner, struct span in)
{
    struct peer *p = owner;
    (void)c;
    p->told += shard_self() == peer_shard(1);
    memcpy(p->got + p->got_bytes, in.p, in.n);
    p->got_bytes += in.n;
    return (ssize_t)in.n;
}

static void note_close(struct conn *c, void *owner, int err)
{
    struct peer *p = owner;
    (void)c;
    p->closed++;
    p->err = err;
    p->c = NULL;
}

static const struct conn_handler handshake_handler = {.on_data = take_handshake};
static const struct conn_handler moving_handler = {.on_data = take_3_and_move};
static const struct conn_handler moved_handler = {.on_data = take_on_second,
                                                  .on_close = note_close};

static void set_handshake_handler(void *peer)
{
    struct peer *p = peer;
    conn_set_handler(p->c, &handshake_handler, p);
}

/* With all of the input at once, the handshake alone, and cut within the first frame. */
static void test_moves_with_its_frames(void **state)
{
    (void)state;
    static const size_t first_pieces[] = {9, 10, 20, 60, 1000, 300000, 0};
    first_handler = &moving_handler;
    second_handler = &moved_handler;
    pattern_fill(sent, 400000, 0);
    for (size_t i = 0; i < 7; i++) {
        struct peer p = {0};
        int error;
        peer_open(&p, true);
        moving = (struct moving){.p = &p, .err = -1};
        sem_init(&moving.arrived, 0, 0);
        on_shard(p.shard, set_handshake_handler, &p);
        memcpy(wire, "handshake", 9);
        size_t n = 9;
        n += frame(0x82, sent, 40, wire + n);
        n += frame(0x89, "?", 1, wire + n);
        n += frame(0x02, sent + 40, 399960, wire + n);
        size_t first = first_pieces[i] ? first_pieces[i] : n;
        peer_send(&p, wire, first);
        assert_int_equal(peer_receive(&p, received, sizeof(ANSWER) - 1, &error),
                         sizeof(ANSWER) - 1);
        peer_send(&p, wire + first, n - first);
        assert_true(wait_posted(&moving.arrived, 10));
        assert_int_equal(moving.push_err, 0);
        assert_int_equal(moving.err, 0);
        p.shard = peer_shard(1);
        peer_wait_got(&p, 400000);
        assert_int_equal(pattern_check(p.got, 400000, 0), 400000);
        /* The pong stands before or behind what the owner wrote. */
        n = peer_receive(&p, received, 10, &error);
        assert_int_equal(n, 10);
        assert_true(memcmp(received, "\x8A\x01?\x82\x05moved", 10) == 0 ||
                    memcmp(received, "\x82\x05moved\x8A\x01?", 10) == 0);
        say_goodbye(&p);
        peer_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner_sees_a_plain_stream),
        cmocka_unit_test(test_expected_input_is_told_whole),
        cmocka_unit_test(test_early_input_is_not_lost),
        cmocka_unit_test(test_early_input_before_what_the_socket_holds),
        cmocka_unit_test(test_early_input_and_a_ping_alone),
        cmocka_unit_test(test_a_turn_is_one_frame),
        cmocka_unit_test(test_slow_reader_gets_all_frames_and_pongs),
        cmocka_unit_test(test_pings_without_end_close),
        cmocka_unit_test(test_close_is_answered_with_its_code),
        cmocka_unit_test(test_violations_are_named),
        cmocka_unit_test(test_owner_closes),
        cmocka_unit_test(test_owner_closes_at_once),
        cmocka_unit_test(test_end_behind_a_ping),
        cmocka_unit_test(test_end_without_close),
        cmocka_unit_test(test_moves_with_its_frames),
    };
    return cmocka_run_group_tests(tests, peers_start, peers_stop);
}
