/* What differs between transports, as one table each: TCP, TLS, the PROXY header, WebSocket. A
 * transport moves bytes between a socket and the connection's owner and knows nothing of what they
 * mean. */
#ifndef TRACKWIRE_NET_TRANSPORT_H
#define TRACKWIRE_NET_TRANSPORT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct conn;

#define TRANSPORT_AGAIN 0        /* would block */
#define TRANSPORT_EOF (-1000000) /* the peer closed its side */

struct transport {
    const char *name; /* "tcp" */
    /* Makes the connection's state (handshake, frame parser); NULL: none. `context` is what the
     * listener, or whoever changed the transport, gave for it. Owner shard. 0 or an error. */
    int (*open)(struct conn *c, const void *context);
    /* Up to `n` bytes of payload into `p`: > 0 bytes, TRANSPORT_AGAIN, TRANSPORT_EOF or an error.
     * Fewer than `n` say that no more is there now: the socket tells only news (EPOLLET), so the
     * connection waits for the next event. */
    ssize_t (*read)(struct conn *c, uint8_t *p, size_t n);
    /* Writes from `iov`: > 0 bytes taken, TRANSPORT_AGAIN or an error. Fewer than offered say that
     * the socket is full: the connection waits until it is writable again. */
    ssize_t (*write)(struct conn *c, const struct iovec *iov, int count);
    /* It has bytes of its own to send: write is called even with nothing to write (`count` 0), and
     * leaves them when the socket is full. NULL: it never has. */
    bool (*has_output)(const struct conn *c);
    /* Says goodbye where the transport has words for it, and frees what open made; the socket is
     * closed by the caller. NULL: nothing to do. */
    void (*close)(struct conn *c);
};

extern const struct transport transport_tcp;
/* Context: struct tls_endpoint. */
extern const struct transport transport_tls;
/* Reads the PROXY header, tells the connection its peer, and makes way for the transport that the
 * context, a struct proxy_next, names. */
extern const struct transport transport_proxy;

struct proxy_next {
    const struct transport *transport;
    const void *context; /* outlives the connection's header */
};

#endif
