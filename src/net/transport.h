/* What differs between transports, as one table each: tcp now; tls, ws, wss and the PROXY header
 * fit beside it. A transport moves bytes between a socket and the connection's owner and knows
 * nothing of what they mean. */
#ifndef TRACKWIRE_NET_TRANSPORT_H
#define TRACKWIRE_NET_TRANSPORT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct conn;

#define TRANSPORT_AGAIN 0        /* would block */
#define TRANSPORT_EOF (-1000000) /* the peer closed its side */

struct transport {
    const char *name; /* "tcp" */
    /* Per-connection state (handshake, frame parser); NULL: none. Owner shard. 0 or an error. */
    int (*open)(struct conn *c);
    /* Up to `n` bytes of payload into `p`: > 0 bytes, TRANSPORT_AGAIN, TRANSPORT_EOF or an error.
     * Fewer than `n` say that no more is there now: the socket tells only news (EPOLLET), so the
     * connection waits for the next event. */
    ssize_t (*read)(struct conn *c, uint8_t *p, size_t n);
    /* Writes from `iov`: > 0 bytes taken, TRANSPORT_AGAIN or an error. Fewer than offered say that
     * the socket is full: the connection waits until it is writable again. */
    ssize_t (*write)(struct conn *c, const struct iovec *iov, int count);
    /* Says goodbye where the transport has words for it, and frees what open made; the socket is
     * closed by the caller. NULL: nothing to do. */
    void (*close)(struct conn *c);
};

extern const struct transport transport_tcp;

#endif
