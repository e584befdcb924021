/* net/listener.h: binding, accepting on several shards, and running out of descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"

#include "base/log.h"
#include "net/listener.h"

#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

static struct net_address loopback(const char *text)
{
    struct net_address a;
    assert_int_equal(net_address_parse(span_str(text), "127.0.0.1", &a), 0);
    return a;
}

/* ---- binding ---- */

static void test_binding_errors_have_names(void **state)
{
    (void)state;
    struct net_address a = loopback("0"), bound;
    int fd, second;
    assert_int_equal(net_listen_tcp(&a, &fd), 0);
    assert_int_equal(net_local_address(fd, &bound), 0);
    assert_true(net_address_port(&bound) > 0);
    assert_int_equal(net_listen_tcp(&bound, &second), ERR_NET_PORT_IN_USE);
    close(fd);
    assert_int_equal(net_listen_tcp(&bound, &fd), 0);
    close(fd);
    a = loopback("192.0.2.1:1883"); /* RFC 5737: nobody's */
    assert_int_equal(net_listen_tcp(&a, &fd), ERR_NET_ADDRESS_NOT_LOCAL);
    assert_int_equal(net_local_address(-1, &bound), ERR_NET_LOCAL_ADDRESS);
    a = loopback("0");
    assert_int_equal(net_bind_udp(&a, &fd), 0);
    assert_int_equal(net_local_address(fd, &bound), 0);
    assert_int_equal(net_bind_udp(&bound, &second), ERR_NET_PORT_IN_USE);
    close(fd);
}

/* ---- accepting ---- */

static struct accepting {
    int fd;
    struct listener *l[2];
    int err;
    /* Relaxed: polled until they are what is expected. */
    atomic_int accepted[2], closed, asked;
    bool is_choosy;
    int is_nodelay, is_keepalive, frees_at;
    uint16_t peer_port;
} accepting;

static ssize_t echo(struct conn *c, void *owner, struct span in)
{
    (void)owner;
    conn_write(c, in);
    return (ssize_t)in.n;
}

static void count_close(struct conn *c, void *owner, int err)
{
    (void)c;
    (void)owner;
    (void)err;
    atomic_fetch_add(&accepting.closed, 1);
}

static const struct conn_handler echo_handler = {.on_data = echo, .on_close = count_close};

static void on_accept(void *owner, struct conn *c)
{
    struct accepting *a = owner;
    unsigned shard = shard_index(shard_self());
    socklen_t n = sizeof a->is_nodelay;
    if (shard == 0) {
        (void)getsockopt(conn_fd(c), IPPROTO_TCP, TCP_NODELAY, &a->is_nodelay, &n);
        (void)getsockopt(conn_fd(c), SOL_SOCKET, SO_KEEPALIVE, &a->is_keepalive, &n);
        a->peer_port = net_address_port(conn_peer(c));
    }
    conn_set_handler(c, &echo_handler, a);
    if (conn_start(c) < 0)
        conn_close(c, ERR_CONN_READ);
    if (atomic_fetch_add(&a->accepted[shard], 1) + 1 == a->frees_at)
        listener_free(&a->l[shard]);
}

/* Turns every second one away, when it is to turn away at all. */
static bool admits(void *owner, const struct net_address *peer)
{
    struct accepting *a = owner;
    int asked = atomic_fetch_add(&a->asked, 1);
    assert_true(net_address_port(peer) != 0);
    return asked % 2 == 0;
}

static void listen_here(void *arg)
{
    struct accepting *a = arg;
    struct listener **l = &a->l[shard_index(shard_self())];
    const struct listener_options options = {
        .transport = &transport_tcp,
        .admits = a->is_choosy ? admits : NULL,
        .on_accept = on_accept,
        .owner = a,
    };
    int err = listener_new(a->fd, &options, l);
    if (err < 0)
        a->err = err;
}

static void stop_here(void *arg)
{
    struct accepting *a = arg;
    listener_free(&a->l[shard_index(shard_self())]);
}

static struct net_address start_accepting_as(int shards, struct accepting how)
{
    struct net_address a = loopback("0");
    accepting = how;
    assert_int_equal(net_listen_tcp(&a, &accepting.fd), 0);
    assert_int_equal(net_local_address(accepting.fd, &a), 0);
    for (int i = 0; i < shards; i++)
        on_shard(peer_shard((unsigned)i), listen_here, &accepting);
    assert_int_equal(accepting.err, 0);
    close(accepting.fd); /* the listeners have their own */
    return a;
}

static struct net_address start_accepting(int shards)
{
    return start_accepting_as(shards, (struct accepting){0});
}

static void stop_accepting(void)
{
    for (unsigned i = 0; i < 2; i++)
        on_shard(peer_shard(i), stop_here, &accepting);
}

static int connect_to(const struct net_address *a)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {10, 0};
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, &a->any, a->n), 0);
    return fd;
}

static void check_echo(int fd)
{
    char answer[4] = {0};
    assert_int_equal(send(fd, "ping", 4, 0), 4);
    assert_int_equal(recv(fd, answer, 4, MSG_WAITALL), 4);
    assert_memory_equal(answer, "ping", 4);
}

static void wait_closed(int count)
{
    for (int tries = 0; atomic_load(&accepting.closed) < count && tries < 10000; tries++)
        usleep(1000);
    assert_int_equal(atomic_load(&accepting.closed), count);
}

/* Nothing is made for who is turned away: no connection, no callback but the question. */
static void test_peers_may_be_turned_away(void **state)
{
    (void)state;
    enum {
        COUNT = 20
    };
    struct net_address a = start_accepting_as(1, (struct accepting){.is_choosy = true});
    for (int i = 0; i < COUNT; i++) {
        char byte;
        int fd = connect_to(&a);
        if (i % 2 == 0)
            check_echo(fd);
        else
            assert_true(recv(fd, &byte, 1, 0) <= 0);
        close(fd);
    }
    wait_closed(COUNT / 2);
    stop_accepting();
    assert_int_equal(atomic_load(&accepting.asked), COUNT);
    assert_int_equal(accepting.accepted[0], COUNT / 2);
    assert_int_equal(conn_count(), 0);
}

static void test_two_shards_share_a_socket(void **state)
{
    (void)state;
    enum {
        COUNT = 200
    };
    int fds[COUNT];
    struct net_address a = start_accepting(2);
    for (int i = 0; i < COUNT; i++)
        fds[i] = connect_to(&a);
    for (int i = 0; i < COUNT; i++)
        check_echo(fds[i]);
    assert_int_equal(accepting.accepted[0] + accepting.accepted[1], COUNT);
    assert_int_equal(conn_count(), COUNT);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    wait_closed(COUNT);
    stop_accepting();
    assert_int_equal(conn_count(), 0);
}

static void test_accepted_sockets_have_their_options(void **state)
{
    (void)state;
    struct net_address a = start_accepting(1), own;
    int fd = connect_to(&a);
    check_echo(fd);
    assert_int_equal(accepting.is_nodelay, 1);
    assert_int_equal(accepting.is_keepalive, 1);
    assert_int_equal(net_local_address(fd, &own), 0);
    assert_int_equal(accepting.peer_port, net_address_port(&own));
    close(fd);
    wait_closed(1);
    stop_accepting();
}

static void test_freed_by_its_own_callback(void **state)
{
    (void)state;
    struct net_address a = start_accepting(1);
    accepting.frees_at = 1;
    int fd = connect_to(&a);
    check_echo(fd);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(late, &a.any, a.n), -1);
    check_echo(fd); /* connections stay */
    close(late);
    close(fd);
    wait_closed(1);
}

/* ---- out of descriptors ---- */

static void test_waits_for_descriptors(void **state)
{
    (void)state;
    struct net_address a = start_accepting(1);
    struct rlimit before;
    uint64_t raised = err_count(ERR_NET_DESCRIPTORS);
    log_set_level(LOG_ERROR); /* the warning is expected */
    int first = connect_to(&a);
    check_echo(first);
    int second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int lowest = dup(second); /* nothing below it is free */
    close(lowest);
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit tight = {(rlim_t)lowest, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    assert_int_equal(connect(second, &a.any, a.n), 0);
    for (int tries = 0; err_count(ERR_NET_DESCRIPTORS) < raised + 2 && tries < 5000; tries++)
        usleep(1000);
    check_echo(first); /* the shard goes on with what it has */
    setrlimit(RLIMIT_NOFILE, &before);
    check_echo(second);
    /* One try in 100 ms, not one in a turn. */
    assert_in_range(err_count(ERR_NET_DESCRIPTORS), raised + 2, raised + 60);
    log_set_level(LOG_NOTICE);
    close(first);
    close(second);
    wait_closed(2);
    stop_accepting();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binding_errors_have_names),
        cmocka_unit_test(test_peers_may_be_turned_away),
        cmocka_unit_test(test_two_shards_share_a_socket),
        cmocka_unit_test(test_accepted_sockets_have_their_options),
        cmocka_unit_test(test_freed_by_its_own_callback),
        cmocka_unit_test(test_waits_for_descriptors),
    };
    return cmocka_run_group_tests(tests, peers_start, peers_stop);
}
