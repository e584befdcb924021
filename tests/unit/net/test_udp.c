/* net/listener.h: datagrams in batches, answered, cut off at 8 KiB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"

#include "net/listener.h"

#include <string.h>
#include <unistd.h>

#define LONGEST 8192

static struct station {
    int fd, err;
    struct udp *udp;
    int told, disordered, frees_at;
    struct net_address last_peer;
} station;

/* A datagram begins with its number; it is sent back as it came. */
static void on_datagram(void *owner, const struct net_address *peer, struct span in)
{
    struct station *st = owner;
    uint16_t number = 0;
    if (in.n >= sizeof number)
        memcpy(&number, in.p, sizeof number);
    st->disordered += number != st->told;
    st->told++;
    st->last_peer = *peer;
    udp_send(st->udp, peer, in);
    if (st->told == st->frees_at)
        udp_free(&st->udp);
}

static void open_station(void *arg)
{
    struct station *st = arg;
    st->err = udp_new(st->fd, on_datagram, st, &st->udp);
}

static void close_station(void *arg)
{
    udp_free(&((struct station *)arg)->udp);
}

static void copy_station(void *arg)
{
    *(struct station *)arg = station;
}

static struct station look(void)
{
    struct station copy;
    on_shard(peer_shard(0), copy_station, &copy);
    return copy;
}

/* A connected socket to the station. */
static int start(int frees_at)
{
    struct net_address a;
    struct timeval limit = {10, 0};
    station = (struct station){.frees_at = frees_at};
    assert_int_equal(net_address_parse(SPAN_LIT("127.0.0.1:0"), NULL, &a), 0);
    assert_int_equal(net_bind_udp(&a, &station.fd), 0);
    assert_int_equal(net_local_address(station.fd, &a), 0);
    on_shard(peer_shard(0), open_station, &station);
    assert_int_equal(station.err, 0);
    close(station.fd);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, &a.any, a.n), 0);
    return fd;
}

static void stop(int fd)
{
    on_shard(peer_shard(0), close_station, &station);
    close(fd);
}

/* Keeps the shard busy while datagrams gather. */
static void sleep_a_little(struct mail *m)
{
    (void)m;
    usleep(50000);
}

static struct mail busy = {NULL, sleep_a_little};

static void test_batches_are_told_in_order_and_answered(void **state)
{
    (void)state;
    enum {
        COUNT = 100
    };
    uint8_t datagram[600], answer[LONGEST];
    int fd = start(0);
    shard_send(peer_shard(0), &busy); /* so that they gather: more than a batch */
    for (uint16_t i = 0; i < COUNT; i++) {
        pattern_fill(datagram, sizeof datagram, i);
        memcpy(datagram, &i, sizeof i);
        assert_true(send(fd, datagram, 2 + i * 5u, 0) > 0);
    }
    for (uint16_t i = 0; i < COUNT; i++) {
        pattern_fill(datagram, sizeof datagram, i);
        memcpy(datagram, &i, sizeof i);
        assert_int_equal(recv(fd, answer, sizeof answer, 0), 2 + i * 5);
        assert_memory_equal(answer, datagram, 2 + i * 5u);
    }
    struct station seen = look();
    struct net_address own;
    assert_int_equal(net_local_address(fd, &own), 0);
    assert_int_equal(seen.told, COUNT);
    assert_int_equal(seen.disordered, 0);
    assert_int_equal(net_address_port(&seen.last_peer), net_address_port(&own));
    assert_true(net_address_is_loopback(&seen.last_peer));
    stop(fd);
}

static void test_longest_empty_and_too_long(void **state)
{
    (void)state;
    static uint8_t datagram[LONGEST + 1], answer[LONGEST + 1];
    uint64_t raised = err_count(ERR_UDP_TOO_LONG);
    int fd = start(0);
    pattern_fill(datagram, sizeof datagram, 0);
    assert_int_equal(send(fd, datagram, sizeof datagram, 0), sizeof datagram);
    assert_int_equal(send(fd, datagram, 0, 0), 0);
    assert_int_equal(send(fd, datagram, LONGEST, 0), LONGEST);
    assert_int_equal(recv(fd, answer, sizeof answer, 0), 0);
    assert_int_equal(recv(fd, answer, sizeof answer, 0), LONGEST);
    assert_memory_equal(answer, datagram, LONGEST);
    assert_int_equal(look().told, 2);
    assert_int_equal(err_count(ERR_UDP_TOO_LONG), raised + 1);
    stop(fd);
}

static void test_freed_by_its_own_callback(void **state)
{
    (void)state;
    int fd = start(2);
    shard_send(peer_shard(0), &busy);
    for (uint16_t i = 0; i < 5; i++)
        (void)send(fd, &i, sizeof i, 0);
    uint16_t answer;
    assert_int_equal(recv(fd, &answer, sizeof answer, 0), sizeof answer);
    assert_int_equal(look().told, 2);
    assert_null(look().udp);
    stop(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_are_told_in_order_and_answered),
        cmocka_unit_test(test_longest_empty_and_too_long),
        cmocka_unit_test(test_freed_by_its_own_callback),
    };
    return cmocka_run_group_tests(tests, peers_start, peers_stop);
}
