/* See peer.h. */
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/reader.h"
#include "net/listener.h"
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct shard_set *set;

int peers_start(void **state)
{
    (void)state;
    if (shard_set_new(2, &set) < 0)
        return -1;
    for (unsigned i = 0; i < 2; i++)
        if (net_shard_open(shard_at(set, i)) < 0)
            return -1;
    return shard_set_start(set);
}

int peers_stop(void **state)
{
    (void)state;
    shard_set_stop(set);
    shard_set_join(set);
    for (unsigned i = 0; i < 2; i++)
        net_shard_close(shard_at(set, i));
    shard_set_free(&set);
    return mem_bytes(MEM_NET) != 0 || mem_bytes(MEM_LOOP) != 0 || conn_count() != 0 ? -1 : 0;
}

struct shard *peer_shard(unsigned index)
{
    return shard_at(set, index);
}

void peers_wait_count(uint64_t count)
{
    for (int tries = 0; conn_count() != count && tries < 5000; tries++)
        usleep(1000);
    assert_int_equal(conn_count(), count);
}

/* ---- the owner ---- */

static void take(struct peer *p, struct span s)
{
    size_t room = PEER_GOT_MAX - p->got_bytes;
    s = span_head(s, room);
    memcpy(p->got + p->got_bytes, s.p, s.n);
    p->got_bytes += s.n;
}

/* Frames that begin with their size; what is missing is expected. */
static size_t take_headed(struct peer *p, struct span in)
{
    struct reader r = reader_of(in);
    size_t size = rd_u32be(&r);
    if (r.is_failed || size > in.n) {
        conn_expect(p->c, r.is_failed ? 4 : size);
        return 0;
    }
    take(p, span_head(in, size));
    return size;
}

static ssize_t on_data(struct conn *c, void *owner, struct span in)
{
    struct peer *p = owner;
    p->told++;
    if (in.n > p->longest)
        p->longest = in.n;
    if (p->refuses < 0)
        return p->refuses;
    if (p->has_header)
        return (ssize_t)take_headed(p, in);
    size_t n = p->frame_bytes ? in.n - in.n % p->frame_bytes : in.n;
    take(p, span_head(in, n));
    if (p->echoes)
        conn_write(c, span_head(in, n));
    if (n ? p->pauses : p->pauses_unfed)
        conn_pause(c);
    if (p->closes_flushed)
        conn_close_flushed(c, ERR_CONN_READ);
    if (p->closes)
        conn_close(c, ERR_CONN_WRITE);
    return (ssize_t)n;
}

static void on_close(struct conn *c, void *owner, int err)
{
    struct peer *p = owner;
    (void)c;
    p->closed++;
    p->err = err;
    p->c = NULL;
}

static void on_drain(struct conn *c, void *owner)
{
    struct peer *p = owner;
    (void)c;
    p->drained++;
}

static const struct conn_handler handler = {on_data, on_close, on_drain};

/* ---- opening ---- */

struct opening {
    struct peer *p;
    int fd, err;
};

static void open_on_shard(void *arg)
{
    struct opening *o = arg;
    struct net_address nobody = {0};
    o->err = conn_new(o->fd, &transport_tcp, &nobody, &o->p->c);
    if (o->err < 0)
        return;
    conn_set_handler(o->p->c, &handler, o->p);
    if (o->p->transport)
        o->err = conn_set_transport(o->p->c, o->p->transport, o->p->context);
    if (o->err == 0)
        o->err = conn_start(o->p->c);
}

static void tcp_pair(int fds[2])
{
    struct net_address a;
    int listening;
    assert_int_equal(net_address_parse(SPAN_LIT("127.0.0.1:0"), NULL, &a), 0);
    assert_int_equal(net_listen_tcp(&a, &listening), 0);
    assert_int_equal(net_local_address(listening, &a), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bytes = 65536;
    setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    assert_int_equal(connect(fds[1], &a.any, a.n), 0);
    fcntl(listening, F_SETFL, 0);
    fds[0] = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fds[0] >= 0);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    close(listening);
}

void peer_open(struct peer *p, bool is_tcp)
{
    int fds[2];
    if (is_tcp) {
        tcp_pair(fds);
    } else {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
    }
    p->shard = peer_shard(0);
    p->fd = fds[1];
    p->got = malloc(PEER_GOT_MAX);
    struct opening o = {p, fds[0], 0};
    on_shard(p->shard, open_on_shard, &o);
    assert_int_equal(o.err, 0);
}

static void close_on_shard(void *peer)
{
    struct peer *p = peer;
    if (p->c)
        conn_close(p->c, ERR_CONN_EOF);
}

void peer_done(struct peer *p)
{
    on_shard(p->shard, close_on_shard, p);
    if (p->fd >= 0)
        close(p->fd);
    free(p->got);
}

/* ---- looking ---- */

struct looking {
    struct peer *p;
    struct peer_view view;
};

static void look_on_shard(void *arg)
{
    struct looking *l = arg;
    const struct peer *p = l->p;
    l->view = (struct peer_view){.got_bytes = p->got_bytes,
                                 .longest = p->longest,
                                 .told = p->told,
                                 .drained = p->drained,
                                 .closed = p->closed,
                                 .err = p->err};
    if (!p->c)
        return;
    l->view.bytes_in = conn_bytes_in(p->c);
    l->view.bytes_out = conn_bytes_out(p->c);
    l->view.output_bytes = conn_output_bytes(p->c);
}

struct peer_view peer_look(struct peer *p)
{
    struct looking l = {.p = p};
    on_shard(p->shard, look_on_shard, &l);
    return l.view;
}

/* Polls until the condition over `v` holds; the last view is checked by the caller's assertion. */
#define WAIT_UNTIL(p, condition)                                                                   \
    do {                                                                                           \
        struct peer_view v = peer_look(p);                                                         \
        for (int tries = 0; !(condition) && tries < 20000; tries++) {                              \
            usleep(1000);                                                                          \
            v = peer_look(p);                                                                      \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

void peer_wait_got(struct peer *p, size_t bytes)
{
    WAIT_UNTIL(p, v.got_bytes >= bytes);
}

void peer_wait_closed(struct peer *p)
{
    WAIT_UNTIL(p, v.closed);
}

void peer_wait_drained(struct peer *p)
{
    WAIT_UNTIL(p, v.drained);
}

void peer_wait_read(struct peer *p, uint64_t bytes)
{
    WAIT_UNTIL(p, v.bytes_in >= bytes);
}

void peer_pause(void *peer)
{
    conn_pause(((struct peer *)peer)->c);
}

void peer_resume(void *peer)
{
    conn_resume(((struct peer *)peer)->c);
}

void peer_close_flushed(void *peer)
{
    conn_close_flushed(((struct peer *)peer)->c, ERR_CONN_READ);
}

/* ---- the other end ---- */

void peer_send(struct peer *p, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n) {
        ssize_t sent = send(p->fd, at, n, MSG_NOSIGNAL);
        assert_true(sent > 0);
        at += sent;
        n -= (size_t)sent;
    }
}

size_t peer_receive(struct peer *p, uint8_t *bytes, size_t n, int *ret_error)
{
    size_t have = 0;
    *ret_error = 0;
    while (have < n) {
        ssize_t got = recv(p->fd, bytes + have, n - have, 0);
        if (got < 0)
            *ret_error = errno;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

void pattern_fill(uint8_t *p, size_t n, size_t from)
{
    for (size_t i = 0; i < n; i++)
        p[i] = pattern(from + i);
}

size_t pattern_check(const uint8_t *p, size_t n, size_t from)
{
    size_t i = 0;
    while (i < n && p[i] == pattern(from + i))
        i++;
    return i;
}
