/* net/conn.h: output, closing, and moving from shard to shard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1024 * 1024)

static uint8_t sent[6 * MIB], received[6 * MIB + 1];

/* ---- output ---- */

struct body {
    struct ref ref; /* first */
    int freed;
};

static void free_body(struct ref *r)
{
    ((struct body *)(void *)r)->freed++;
}

static struct body body;

/* The pattern, cut into reserved, copied and shared parts of all sizes. */
static void write_mixed(void *peer)
{
    struct peer *p = peer;
    size_t at = 0;
    for (unsigned i = 0; at < 4 * MIB; i++) {
        size_t n = (size_t[]){1, 17, 90, 500, 513, 1400, 2024, 9000, 16384, 70000}[i % 10];
        if (i % 3 == 0 && n <= CONN_RESERVE_MAX) {
            memcpy(conn_reserve(p->c, n), sent + at, n);
            conn_commit(p->c, n);
        } else if (i % 3 == 1) {
            conn_write_shared(p->c, &body.ref, span_of(sent + at, n));
        } else {
            conn_write(p->c, span_of(sent + at, n));
        }
        at += n;
    }
    conn_reserve(p->c, 100);
    conn_commit(p->c, 0);
    p->longest = at;
}

static void test_all_parts_arrive_in_order_at_a_slow_reader(void **state)
{
    (void)state;
    for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
        struct peer p = {0};
        size_t have = 0;
        int error;
        peer_open(&p, is_tcp);
        pattern_fill(sent, sizeof sent, 0);
        body = (struct body){0};
        ref_init(&body.ref, free_body);
        conn_set_output_marks(p.c, MIB, 1000);
        on_shard(p.shard, write_mixed, &p);
        size_t total = p.longest;
        assert_true(peer_look(&p).output_bytes > MIB);
        assert_int_equal(peer_look(&p).drained, 0);
        while (have < total) {
            size_t n = total - have < 100000 ? total - have : 100000;
            assert_int_equal(peer_receive(&p, received + have, n, &error), n);
            have += n;
            if (have % 1000000 < 100000)
                usleep(5000);
        }
        assert_memory_equal(received, sent, total);
        peer_wait_drained(&p);
        struct peer_view v = peer_look(&p);
        assert_int_equal(v.drained, 1);
        assert_int_equal(v.output_bytes, 0);
        assert_int_equal(v.bytes_out, total);
        ref_drop(&body.ref);
        assert_int_equal(body.freed, 1);
        peer_done(&p);
    }
}

static void test_closing_drops_references(void **state)
{
    (void)state;
    struct peer p = {0};
    peer_open(&p, true);
    body = (struct body){0};
    ref_init(&body.ref, free_body);
    on_shard(p.shard, write_mixed, &p);
    ref_drop(&body.ref);
    assert_int_equal(body.freed, 0);
    peer_done(&p);
    assert_int_equal(body.freed, 1);
}

static void echo_twice(void *peer)
{
    struct peer *p = peer;
    conn_write(p->c, SPAN_LIT("ab"));
    conn_write(p->c, SPAN_LIT("cd"));
}

/* One call for what a turn wrote: the first recv of the peer has it all. */
static void test_a_turn_is_one_segment(void **state)
{
    (void)state;
    struct peer p = {0};
    peer_open(&p, true);
    on_shard(p.shard, echo_twice, &p);
    assert_int_equal(recv(p.fd, received, 100, 0), 4);
    assert_memory_equal(received, "abcd", 4);
    peer_done(&p);
}

/* All in one turn: the peer writes and goes, and only then are we about to write. */
static void write_to_one_that_went(void *peer)
{
    struct peer *p = peer;
    p->err = send(p->fd, sent, 60000, MSG_NOSIGNAL) == 60000 ? 0 : -1;
    close(p->fd);
    p->fd = -1;
    conn_write(p->c, SPAN_LIT("too late"));
}

static void test_input_before_a_broken_pipe_is_told(void **state)
{
    (void)state;
    struct peer p = {0};
    peer_open(&p, false);
    pattern_fill(sent, 60000, 0);
    on_shard(p.shard, write_to_one_that_went, &p);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_EOF);
    assert_int_equal(p.got_bytes, 60000);
    assert_int_equal(pattern_check(p.got, 60000, 0), 60000);
    assert_int_equal(p.closed, 1);
    peer_done(&p);
}

/* ---- flushed close ---- */

static void say_goodbye(void *peer)
{
    struct peer *p = peer;
    conn_write(p->c, span_of(sent, 3 * MIB));
    conn_close_flushed(p->c, ERR_CONN_READ);
    conn_close_flushed(p->c, ERR_CONN_WRITE);
}

/* Unread input lies in the socket: a plain close would reset, and the peer would lose the tail. */
static void test_flushed_close_delivers_all_then_eof(void **state)
{
    (void)state;
    struct peer p = {0};
    int error;
    peer_open(&p, true);
    pattern_fill(sent, sizeof sent, 0);
    on_shard(p.shard, peer_pause, &p);
    peer_send(&p, sent, 200000);
    on_shard(p.shard, say_goodbye, &p);
    usleep(20000);
    assert_int_equal(peer_look(&p).closed, 0);
    peer_send(&p, "more", 4);
    assert_int_equal(peer_receive(&p, received, sizeof received, &error), 3 * MIB);
    assert_int_equal(error, 0);
    assert_memory_equal(received, sent, 3 * MIB);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_READ);
    assert_int_equal(p.closed, 1);
    assert_int_equal(p.told, 0);
    peer_send(&p, sent, 100000); /* still taken, and forgotten */
    assert_int_equal(conn_count(), 1);
    peer_done(&p);
    peers_wait_count(0);
}

static void test_flushed_close_inside_on_data(void **state)
{
    (void)state;
    struct peer p = {.echoes = true, .closes_flushed = true};
    int error;
    peer_open(&p, true);
    peer_send(&p, "bye", 3);
    assert_int_equal(peer_receive(&p, received, 100, &error), 3);
    assert_int_equal(error, 0);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_READ);
    assert_int_equal(p.told, 1);
    peer_done(&p);
}

/* A peer that neither reads nor closes is waited for, but not for ever. */
static void test_flushed_close_ends_within_5_seconds(void **state)
{
    (void)state;
    struct peer stuck = {0}, silent = {0};
    peer_open(&stuck, true);
    peer_open(&silent, true);
    int64_t begin_ms = clock_mono_ms();
    on_shard(stuck.shard, write_mixed, &stuck);
    on_shard(stuck.shard, say_goodbye, &stuck);
    on_shard(silent.shard, peer_close_flushed, &silent);
    peer_wait_closed(&silent);
    assert_in_range(clock_mono_ms() - begin_ms, 0, 4000);
    assert_int_equal(conn_count(), 2);
    peer_wait_closed(&stuck);
    assert_in_range(clock_mono_ms() - begin_ms, 4000, 6500);
    assert_int_equal(stuck.err, ERR_CONN_READ);
    peers_wait_count(0);
    peer_done(&stuck);
    peer_done(&silent);
}

/* ---- from shard to shard ---- */

struct moving {
    struct mail mail; /* first */
    struct peer *p;
    sem_t arrived;
    int err;
};

static void arrive(struct mail *m)
{
    struct moving *moving = (struct moving *)(void *)m;
    moving->err = conn_attach(moving->p->c);
    sem_post(&moving->arrived);
}

static struct moving moving;
static const struct conn_handler *second_handler;

/* The first 10 bytes are the first shard's; the rest goes along. */
static ssize_t take_10_and_move(struct conn *c, void *owner, struct span in)
{
    struct peer *p = owner;
    if (in.n < 10)
        return 0;
    memcpy(p->got, in.p, 10);
    p->got_bytes = 10;
    conn_write(c, SPAN_LIT("moved"));
    conn_set_handler(c, second_handler, p);
    conn_detach(c, span_from(in, 10));
    moving.mail.deliver = arrive;
    shard_send(peer_shard(1), &moving.mail);
    return 0;
}

static const struct conn_handler moving_handler = {.on_data = take_10_and_move};

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

static void set_moving_handler(void *peer)
{
    struct peer *p = peer;
    conn_set_handler(p->c, &moving_handler, p);
}

static void test_moves_with_its_input_and_output(void **state)
{
    (void)state;
    static const struct conn_handler second = {.on_data = take_on_second, .on_close = note_close};
    static const size_t first_pieces[] = {10, 11, 5000, 200000};
    second_handler = &second;
    pattern_fill(sent, MIB, 0);
    for (size_t i = 0; i < 4; i++) {
        struct peer p = {0};
        int error;
        peer_open(&p, true);
        moving = (struct moving){.p = &p, .err = -1};
        sem_init(&moving.arrived, 0, 0);
        on_shard(p.shard, set_moving_handler, &p);
        peer_send(&p, sent, 3);
        peer_wait_read(&p, 3);
        peer_send(&p, sent + 3, first_pieces[i] - 3);
        assert_true(wait_posted(&moving.arrived, 10));
        assert_int_equal(moving.err, 0);
        p.shard = peer_shard(1);
        assert_int_equal(peer_receive(&p, received, 5, &error), 5);
        assert_memory_equal(received, "moved", 5);
        peer_wait_got(&p, first_pieces[i]);
        peer_send(&p, sent + first_pieces[i], MIB - first_pieces[i]);
        peer_wait_got(&p, MIB);
        assert_int_equal(pattern_check(p.got, MIB, 0), MIB);
        assert_true(peer_look(&p).told > 0);
        shutdown(p.fd, SHUT_WR);
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_CONN_EOF);
        peer_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_parts_arrive_in_order_at_a_slow_reader),
        cmocka_unit_test(test_closing_drops_references),
        cmocka_unit_test(test_a_turn_is_one_segment),
        cmocka_unit_test(test_input_before_a_broken_pipe_is_told),
        cmocka_unit_test(test_flushed_close_delivers_all_then_eof),
        cmocka_unit_test(test_flushed_close_inside_on_data),
        cmocka_unit_test(test_flushed_close_ends_within_5_seconds),
        cmocka_unit_test(test_moves_with_its_input_and_output),
    };
    return cmocka_run_group_tests(tests, peers_start, peers_stop);
}
