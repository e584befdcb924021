/* Listening sockets: binding, and accepting on one or several shards. */
#include "net/listener.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
/* Accepted in one go; then the connections that are open get their turn. */
#define ACCEPT_MAX 64
#define PAUSE_MS 100

/* ---- binding ---- */

static int bind_error(int number)
{
    if (number == EADDRINUSE)
        return err_raise(ERR_NET_PORT_IN_USE);
    if (number == EACCES)
        return err_raise(ERR_NET_PORT_FORBIDDEN);
    if (number == EADDRNOTAVAIL)
        return err_raise(ERR_NET_ADDRESS_NOT_LOCAL);
    return err_raise(ERR_NET_BIND);
}

static int open_bound(const struct net_address *address, int type, int *ret_fd)
{
    int fd = socket(address->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_raise(ERR_NET_SOCKET);
    int on = 1;
    /* For datagrams it would let two sockets share a port, and one of them starve. */
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &address->any, address->n) < 0) {
        int err = bind_error(errno);
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

int net_listen_tcp(const struct net_address *address, int *ret_fd)
{
    int fd = -1, err = open_bound(address, SOCK_STREAM, &fd);
    if (err < 0)
        return err;
    if (listen(fd, BACKLOG) < 0) {
        err = errno == EADDRINUSE ? bind_error(errno) : err_raise(ERR_NET_LISTEN);
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

int net_bind_udp(const struct net_address *address, int *ret_fd)
{
    return open_bound(address, SOCK_DGRAM, ret_fd);
}

int net_local_address(int fd, struct net_address *ret)
{
    struct net_address a = {.n = sizeof a.v6};
    if (getsockname(fd, &a.any, &a.n) < 0)
        return err_raise(ERR_NET_LOCAL_ADDRESS);
    *ret = a;
    return 0;
}

/* ---- accepting ---- */

struct listener {
    struct watch watch;
    struct shard *shard;
    struct listener_options options;
    struct timer pause;
    bool is_warned;
    bool is_accepting; /* on_accept may free the listener: its loop then does it */
    bool is_freed;
};

static struct listener *listener_of_watch(struct watch *w)
{
    return (struct listener *)(void *)((char *)w - offsetof(struct listener, watch));
}

static struct listener *listener_of_timer(struct timer *t)
{
    return (struct listener *)(void *)((char *)t - offsetof(struct listener, pause));
}

/* By level, so that what one event leaves is told again; exclusive, so that a connection wakes one
 * of the shards that share the socket and not all. */
static int watch_socket(struct listener *l)
{
    return shard_watch(l->shard, &l->watch, EPOLLIN | EPOLLEXCLUSIVE);
}

/* Without a descriptor to accept with, the level would be told for ever. */
static void pause_accepting(struct listener *l)
{
    (void)err_raise(ERR_NET_DESCRIPTORS);
    if (!l->is_warned)
        log_warning("accept: %s: %s", l->options.transport->name, err_text(ERR_NET_DESCRIPTORS));
    l->is_warned = true;
    shard_unwatch(l->shard, &l->watch);
    shard_timer_start(l->shard, &l->pause, shard_now_ms(l->shard) + PAUSE_MS, 0);
}

static void end_pause(struct timer *t)
{
    struct listener *l = listener_of_timer(t);
    if (watch_socket(l) < 0)
        shard_timer_start(l->shard, t, shard_now_ms(l->shard) + PAUSE_MS, 0);
}

static bool is_out_of_resources(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

static int set_transport(const struct listener_options *o, struct conn *c)
{
    const struct proxy_next next = {o->transport, o->context};
    if (o->is_proxied)
        return conn_set_transport(c, &transport_proxy, &next);
    return o->transport == &transport_tcp ? 0 : conn_set_transport(c, o->transport, o->context);
}

/* False: enough for now. */
static bool accept_one(struct listener *l)
{
    struct net_address peer = {.n = sizeof peer.v6};
    int fd = accept4(l->watch.fd, &peer.any, &peer.n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (is_out_of_resources(errno))
            pause_accepting(l);
        /* All else but EAGAIN is the new connection's own trouble: accept(2), "Error handling". */
        return errno != EAGAIN && !is_out_of_resources(errno);
    }
    const struct listener_options *o = &l->options;
    struct conn *c;
    if (o->admits && !o->is_proxied && !o->admits(o->owner, &peer)) {
        close(fd);
        return true;
    }
    if (conn_new(fd, &transport_tcp, &peer, &c) < 0) {
        close(fd);
        return true;
    }
    int err = set_transport(o, c);
    if (err < 0) {
        conn_close(c, err);
        return true;
    }
    o->on_accept(o->owner, c);
    return !l->is_freed;
}

static void accept_some(struct watch *w, uint32_t events)
{
    (void)events;
    struct listener *l = listener_of_watch(w);
    l->is_accepting = true;
    for (int i = 0; i < ACCEPT_MAX && accept_one(l); i++)
        continue;
    l->is_accepting = false;
    if (l->is_freed)
        mem_free(MEM_NET, l);
}

/* Accepted sockets inherit both from the listening one, which saves two calls for each. Output is
 * gathered by turns of the loop: Nagle's delay on top would only add latency. Keepalive finds peers
 * that are gone where the protocol has no word for it. */
static void set_options(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

int listener_new(int fd, const struct listener_options *options, struct listener **ret)
{
    struct listener *l = mem_alloc(MEM_NET, sizeof *l);
    if (!l)
        return err_raise(ERR_NO_MEMORY);
    *l = (struct listener){
        .watch = {fcntl(fd, F_DUPFD_CLOEXEC, 0), accept_some},
        .shard = shard_self(),
        .options = *options,
        .pause = {.on_due = end_pause},
    };
    assert(l->shard);
    int err = l->watch.fd < 0 ? err_raise(ERR_NET_DUPLICATE) : watch_socket(l);
    if (err < 0) {
        if (l->watch.fd >= 0)
            close(l->watch.fd);
        mem_free(MEM_NET, l);
        return err;
    }
    set_options(l->watch.fd);
    *ret = l;
    return 0;
}

void listener_free(struct listener **l)
{
    struct listener *it = *l;
    if (!it)
        return;
    *l = NULL;
    shard_unwatch(it->shard, &it->watch);
    shard_timer_stop(it->shard, &it->pause);
    close(it->watch.fd);
    it->is_freed = true;
    if (!it->is_accepting)
        mem_free(MEM_NET, it);
}
