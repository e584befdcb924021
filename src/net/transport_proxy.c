/* What stands before a connection's first byte when a load balancer hands it on. The header is
 * looked at while it lies in the socket and taken off when it is whole, so that not a byte of what
 * follows, perhaps TLS, is read by the wrong transport. Its time limit is the owner's for the first
 * bytes. */
#include "net/transport.h"

#include "base/mem.h"
#include "net/conn_internal.h"
#include "net/proxy_header.h"

#include <errno.h>
#include <sys/socket.h>

static int proxy_open(struct conn *c, const void *context)
{
    struct proxy_next *next = mem_alloc(MEM_NET, sizeof *next);
    if (!next)
        return err_raise(ERR_PROXY_MEMORY);
    *next = *(const struct proxy_next *)context;
    conn_set_transport_state(c, next);
    return 0;
}

static void proxy_close(struct conn *c)
{
    mem_free(MEM_NET, conn_transport_state(c));
    conn_set_transport_state(c, NULL);
}

static ssize_t receive(struct conn *c, uint8_t *p, size_t n, int flags)
{
    ssize_t got;
    do
        got = recv(conn_fd(c), p, n, flags);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        return got;
    if (got == 0)
        return TRANSPORT_EOF;
    return errno == EAGAIN ? TRANSPORT_AGAIN : transport_socket_error(errno, ERR_CONN_READ);
}

/* A header that is not whole keeps the end of the stream from showing: the event tells it. */
static ssize_t await_more(const struct conn *c)
{
    return c->is_hung_up ? err_raise(ERR_PROXY_CUT) : TRANSPORT_AGAIN;
}

static ssize_t make_way(struct conn *c, const struct proxy_header *header, uint8_t *p, size_t n)
{
    struct proxy_next next = *(struct proxy_next *)conn_transport_state(c);
    if (header->has_source)
        conn_set_peer(c, &header->source);
    proxy_close(c);
    int err = conn_set_transport(c, next.transport, next.context);
    return err < 0 ? err : next.transport->read(c, p, n);
}

static ssize_t proxy_read(struct conn *c, uint8_t *p, size_t n)
{
    uint8_t bytes[PROXY_HEADER_MAX];
    struct proxy_header header;
    ssize_t got = receive(c, bytes, sizeof bytes, MSG_PEEK);
    if (got <= 0)
        return got;
    int length = proxy_header_parse(span_of(bytes, (size_t)got), &header);
    if (length == 0)
        return await_more(c);
    if (length > 0)
        got = receive(c, bytes, (size_t)length, 0);
    if (length < 0 || got <= 0)
        return length < 0 ? length : got;
    return make_way(c, &header, p, n);
}

/* The owner's first bytes wait for the peer's. */
static ssize_t proxy_write(struct conn *c, const struct iovec *iov, int count)
{
    (void)c;
    (void)iov;
    (void)count;
    return TRANSPORT_AGAIN;
}

const struct transport transport_proxy = {
    .name = "proxy",
    .open = proxy_open,
    .read = proxy_read,
    .write = proxy_write,
    .close = proxy_close,
};
