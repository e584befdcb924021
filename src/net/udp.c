/* Datagram sockets: read in batches into the shard's buffer, answered at once. */
#include "base/mem.h"
#include "net/conn_internal.h"
#include "net/listener.h"

#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32
/* Trackers send what fits a network's packet; longer datagrams are dropped and counted. */
#define DATAGRAM_MAX (NET_BUFFER_BYTES / BATCH)

/* For recvmmsg; one a shard, because only one socket reads at a time. */
struct udp_batch {
    struct mmsghdr headers[BATCH];
    struct iovec iov[BATCH];
    struct net_address peers[BATCH];
};

struct udp {
    struct watch watch;
    struct shard *shard;
    struct net *net;
    void (*on_datagram)(void *owner, const struct net_address *peer, struct span in);
    void *owner;
    bool is_telling; /* on_datagram may free the socket: its loop then does it */
    bool is_freed;
};

static struct udp *udp_of(struct watch *w)
{
    return (struct udp *)(void *)((char *)w - offsetof(struct udp, watch));
}

static void prepare(struct net *net, int i)
{
    struct udp_batch *b = net->udp_batch;
    b->iov[i] = (struct iovec){net->buffer + (size_t)i * DATAGRAM_MAX, DATAGRAM_MAX};
    b->headers[i].msg_hdr = (struct msghdr){
        .msg_name = &b->peers[i].any,
        .msg_namelen = sizeof b->peers[i].v6,
        .msg_iov = &b->iov[i],
        .msg_iovlen = 1,
    };
}

static void tell_one(struct udp *u, const struct mmsghdr *h, struct net_address *peer)
{
    peer->n = h->msg_hdr.msg_namelen;
    if (h->msg_hdr.msg_flags & MSG_TRUNC)
        (void)err_raise(ERR_UDP_TOO_LONG);
    else
        u->on_datagram(u->owner, peer, span_of(h->msg_hdr.msg_iov->iov_base, h->msg_len));
}

/* By level: what a full batch leaves is told again, after the other sockets. */
static void receive(struct watch *w, uint32_t events)
{
    (void)events;
    struct udp *u = udp_of(w);
    struct udp_batch *b = u->net->udp_batch;
    int n = recvmmsg(w->fd, b->headers, BATCH, MSG_DONTWAIT, NULL);
    u->is_telling = true;
    for (int i = 0; i < n; i++) {
        if (!u->is_freed)
            tell_one(u, &b->headers[i], &b->peers[i]);
        prepare(u->net, i);
    }
    u->is_telling = false;
    if (u->is_freed)
        mem_free(MEM_NET, u);
}

static int make_batch(struct net *net)
{
    if (net->udp_batch)
        return 0;
    net->udp_batch = mem_zalloc(MEM_NET, sizeof *net->udp_batch);
    if (!net->udp_batch)
        return err_raise(ERR_NO_MEMORY);
    for (int i = 0; i < BATCH; i++)
        prepare(net, i);
    return 0;
}

static int start(struct udp *u, int fd)
{
    int err = make_batch(u->net);
    if (err < 0)
        return err;
    u->watch.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (u->watch.fd < 0)
        return err_raise(ERR_NET_DUPLICATE);
    err = shard_watch(u->shard, &u->watch, EPOLLIN);
    if (err < 0)
        close(u->watch.fd);
    return err;
}

int udp_new(int fd,
            void (*on_datagram)(void *owner, const struct net_address *peer, struct span in),
            void *owner, struct udp **ret)
{
    struct shard *s = shard_self();
    assert(s);
    struct udp *u = mem_alloc(MEM_NET, sizeof *u);
    if (!u)
        return err_raise(ERR_NO_MEMORY);
    *u = (struct udp){
        .watch = {-1, receive},
        .shard = s,
        .net = shard_slot(s, SHARD_SLOT_NET),
        .on_datagram = on_datagram,
        .owner = owner,
    };
    int err = start(u, fd);
    if (err < 0) {
        mem_free(MEM_NET, u);
        return err;
    }
    *ret = u;
    return 0;
}

void udp_send(struct udp *u, const struct net_address *peer, struct span out)
{
    ssize_t n = sendto(u->watch.fd, out.p, out.n, MSG_DONTWAIT | MSG_NOSIGNAL, &peer->any, peer->n);
    if (n < 0)
        (void)err_raise(ERR_UDP_SEND);
}

void udp_free(struct udp **u)
{
    struct udp *it = *u;
    if (!it)
        return;
    *u = NULL;
    shard_unwatch(it->shard, &it->watch);
    close(it->watch.fd);
    it->is_freed = true;
    if (!it->is_telling)
        mem_free(MEM_NET, it);
}
