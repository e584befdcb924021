/* net/input.c through conn.h: what the owner is told, kept, expected, limited, and when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1024 * 1024)

static uint8_t bytes[3 * MIB];

static void check_got(const struct peer *p, size_t n)
{
    assert_int_equal(p->got_bytes, n);
    assert_int_equal(pattern_check(p->got, n, 0), n);
}

static void test_frames_that_come_byte_by_byte(void **state)
{
    (void)state;
    struct peer p = {.frame_bytes = 10};
    peer_open(&p, true);
    pattern_fill(bytes, 100, 0);
    for (size_t i = 0; i < 100; i++) {
        peer_send(&p, bytes + i, 1);
        peer_wait_read(&p, i + 1);
        assert_int_equal(peer_look(&p).got_bytes, (i + 1) / 10 * 10);
    }
    struct peer_view v = peer_look(&p);
    assert_int_equal(v.told, 100);
    assert_int_equal(v.longest, 10);
    check_got(&p, 100);
    peer_done(&p);
}

/* More than one read takes, with a rest kept from each. */
static void test_a_burst_in_frames(void **state)
{
    (void)state;
    struct peer p = {.frame_bytes = 37};
    peer_open(&p, true);
    const size_t n = sizeof bytes / 37 * 37;
    pattern_fill(bytes, n, 0);
    peer_send(&p, bytes, n);
    peer_wait_got(&p, n);
    check_got(&p, n);
    peer_done(&p);
}

/* Frames far larger than a read, kept without being expected. */
static void test_large_frames_kept(void **state)
{
    (void)state;
    struct peer p = {.frame_bytes = MIB};
    peer_open(&p, true);
    conn_set_input_limit(p.c, MIB);
    pattern_fill(bytes, sizeof bytes, 0);
    peer_send(&p, bytes, sizeof bytes);
    peer_wait_got(&p, sizeof bytes);
    check_got(&p, sizeof bytes);
    peer_done(&p);
}

static void put_size(uint8_t *p, uint32_t size)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(size >> (24 - 8 * i));
}

/* An expected frame is told once for its header and once when it is whole, however it was cut. */
static void test_expected_frames_are_told_whole(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {5, 100, 20000, MIB, 70000, 4, 300000};
    struct peer p = {.has_header = true};
    size_t n = 0;
    peer_open(&p, true);
    conn_set_input_limit(p.c, MIB);
    pattern_fill(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        put_size(bytes + n, sizes[i]);
        for (size_t sent = 0; sent < sizes[i];) {
            size_t piece = sizes[i] - sent < 7001 ? sizes[i] - sent : 7001;
            peer_send(&p, bytes + n + sent, piece);
            sent += piece;
            peer_wait_read(&p, n + sent);
        }
        n += sizes[i];
        peer_wait_got(&p, n);
    }
    assert_int_equal(p.got_bytes, n);
    assert_memory_equal(p.got, bytes, n);
    assert_in_range(peer_look(&p).told, 7, 14);
    assert_int_equal(peer_look(&p).longest, MIB);
    peer_done(&p);
}

static void test_input_over_the_limit_closes(void **state)
{
    (void)state;
    struct peer p = {.frame_bytes = 10000};
    peer_open(&p, true);
    conn_set_input_limit(p.c, 1000);
    peer_send(&p, bytes, 1000);
    peer_wait_read(&p, 1000);
    assert_int_equal(peer_look(&p).closed, 0);
    peer_send(&p, bytes, 1);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_INPUT_LIMIT);
    peer_done(&p);
}

static void test_expected_input_has_the_same_limit(void **state)
{
    (void)state;
    struct peer p = {.has_header = true};
    peer_open(&p, true);
    put_size(bytes, MIB);
    peer_send(&p, bytes, 4);
    peer_wait_read(&p, 4);
    peer_send(&p, bytes, CONN_INPUT_LIMIT_DEFAULT);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_INPUT_LIMIT);
    peer_done(&p);
}

static void test_a_refusal_closes_with_its_error(void **state)
{
    (void)state;
    struct peer p = {.refuses = ERR_BUF_LIMIT};
    int error;
    peer_open(&p, true);
    peer_send(&p, "x", 1);
    assert_int_equal(peer_receive(&p, bytes, 1, &error), 0);
    assert_int_equal(error, 0);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_BUF_LIMIT);
    assert_int_equal(p.closed, 1);
    assert_int_equal(p.told, 1);
    peer_done(&p);
}

static void test_the_owner_closes_inside(void **state)
{
    (void)state;
    struct peer p = {.closes = true};
    peer_open(&p, true);
    peer_send(&p, "x", 1);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_WRITE);
    assert_int_equal(p.closed, 1);
    peer_done(&p);
}

static void test_pausing_stops_reading(void **state)
{
    (void)state;
    struct peer p = {.pauses = true, .frame_bytes = 10};
    peer_open(&p, true);
    pattern_fill(bytes, 200, 0);
    peer_send(&p, bytes, 15);
    peer_wait_got(&p, 10);
    peer_send(&p, bytes + 15, 105);
    usleep(20000);
    assert_int_equal(peer_look(&p).told, 1);
    assert_int_equal(peer_look(&p).bytes_in, 15);
    on_shard(p.shard, peer_resume, &p); /* tells the 5 bytes kept, then reads the rest */
    peer_wait_got(&p, 120);
    check_got(&p, 120);
    peer_done(&p);
}

/* A paused owner that left much is within its rights; once resumed the limit holds again. */
static void test_the_limit_waits_for_the_resume(void **state)
{
    (void)state;
    struct peer p = {.pauses_unfed = true, .frame_bytes = MIB};
    peer_open(&p, true);
    conn_set_input_limit(p.c, 100);
    peer_send(&p, bytes, 5000);
    peer_wait_read(&p, 1);
    usleep(10000);
    assert_int_equal(peer_look(&p).closed, 0);
    p.pauses_unfed = false;
    on_shard(p.shard, peer_resume, &p);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_INPUT_LIMIT);
    peer_done(&p);
}

/* What came before the end is told before the end, and answered: a peer may close its side only. */
static void test_end_of_input(void **state)
{
    (void)state;
    for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
        struct peer p = {.echoes = true};
        int error;
        peer_open(&p, is_tcp);
        pattern_fill(bytes, MIB, 0);
        peer_send(&p, bytes, 100000);
        shutdown(p.fd, SHUT_WR);
        assert_int_equal(peer_receive(&p, bytes + MIB, MIB, &error), 100000);
        assert_int_equal(error, 0);
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_CONN_EOF);
        check_got(&p, 100000);
        assert_int_equal(pattern_check(bytes + MIB, 100000, 0), 100000);
        peer_done(&p);
    }
}

static void test_end_while_paused_is_told_after_the_resume(void **state)
{
    (void)state;
    struct peer p = {0};
    peer_open(&p, true);
    on_shard(p.shard, peer_pause, &p);
    pattern_fill(bytes, 1000, 0);
    peer_send(&p, bytes, 1000);
    close(p.fd);
    p.fd = -1;
    usleep(20000);
    assert_int_equal(peer_look(&p).told, 0);
    on_shard(p.shard, peer_resume, &p);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_EOF);
    check_got(&p, 1000);
    peer_done(&p);
}

static void reset(struct peer *p)
{
    struct linger none = {1, 0};
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(p->fd);
    p->fd = -1;
}

static void test_reset(void **state)
{
    (void)state;
    for (int is_paused = 0; is_paused < 2; is_paused++) {
        struct peer p = {0};
        peer_open(&p, true);
        if (is_paused)
            on_shard(p.shard, peer_pause, &p);
        reset(&p);
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_CONN_RESET);
        peer_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_that_come_byte_by_byte),
        cmocka_unit_test(test_a_burst_in_frames),
        cmocka_unit_test(test_large_frames_kept),
        cmocka_unit_test(test_expected_frames_are_told_whole),
        cmocka_unit_test(test_input_over_the_limit_closes),
        cmocka_unit_test(test_expected_input_has_the_same_limit),
        cmocka_unit_test(test_a_refusal_closes_with_its_error),
        cmocka_unit_test(test_the_owner_closes_inside),
        cmocka_unit_test(test_pausing_stops_reading),
        cmocka_unit_test(test_the_limit_waits_for_the_resume),
        cmocka_unit_test(test_end_of_input),
        cmocka_unit_test(test_end_while_paused_is_told_after_the_resume),
        cmocka_unit_test(test_reset),
    };
    return cmocka_run_group_tests(tests, peers_start, peers_stop);
}
