/* Listening sockets. Binding is done by whoever configures (any thread, at once, so that errors
 * reach the user); accepting by one or several shards that share the socket. */
#ifndef TRACKWIRE_NET_LISTENER_H
#define TRACKWIRE_NET_LISTENER_H

#include "loop/shard.h"
#include "net/address.h"
#include "net/conn.h"

/* Binds and listens; SO_REUSEADDR, non-blocking. `ret_fd` is the caller's. Port 0 in `address`
 * binds a free one: net_local_address tells which. ERR_NET_PORT_IN_USE, ERR_NET_PORT_FORBIDDEN
 * (below 1024), ERR_NET_ADDRESS_NOT_LOCAL, ERR_NET_BIND. */
int net_listen_tcp(const struct net_address *address, int *ret_fd) MUST_USE;
int net_bind_udp(const struct net_address *address, int *ret_fd) MUST_USE;
int net_local_address(int fd, struct net_address *ret) MUST_USE;

struct listener; /* one shard's part in accepting */

/* What comes of the connections that are accepted. */
struct listener_options {
    const struct transport *transport;
    const void *context; /* for the transport's open; outlives the listener and its connections */
    bool is_proxied;     /* a PROXY header comes before all else */
    /* May turn a peer away before anything is made for it; NULL: all are welcome. Not asked where a
     * PROXY header is to come, since the peer is not known yet. On the listener's shard. */
    bool (*admits)(void *owner, const struct net_address *peer);
    /* Gets each connection, not yet started, and owns it: sets a handler and starts it, or closes
     * it. On the listener's shard; may free the listener. */
    void (*on_accept)(void *owner, struct conn *c);
    void *owner;
};

/* Accepts on `fd` on the calling shard (which keeps a duplicate of it). `options` are copied. Out
 * of descriptors: accepting pauses for 100 ms at a time, counted and logged once. */
int listener_new(int fd, const struct listener_options *options, struct listener **ret) MUST_USE;
/* Stops accepting; connections stay. Owner shard. */
void listener_free(struct listener **l);

struct udp; /* a datagram socket on one shard */

/* `on_datagram` gets each datagram; `in` is valid during the call. `fd` is duplicated. */
int udp_new(int fd,
            void (*on_datagram)(void *owner, const struct net_address *peer, struct span in),
            void *owner, struct udp **ret) MUST_USE;
/* Sends at once; a full socket buffer drops the datagram, as UDP may. */
void udp_send(struct udp *u, const struct net_address *peer, struct span out);
void udp_free(struct udp **u);

#endif
