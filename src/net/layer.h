/* A transport on top of another one, put on a connection that runs already: WebSocket over TCP or
 * TLS. For files of net/ only. The upper one is the connection's transport and calls the lower one
 * through here, which shows the lower one its own state meanwhile, so that no transport needs to
 * know whether it is alone. */
#ifndef TRACKWIRE_NET_LAYER_H
#define TRACKWIRE_NET_LAYER_H

#include "net/conn.h"

/* What the state of an upper transport begins with. */
struct layer {
    const struct transport *upper, *lower;
    void *lower_state;
    uint8_t *early; /* input that was read before the layer came; NULL: none is left */
    size_t early_n, early_used;
};

/* Makes `upper` the connection's transport, with state `l`. Inside on_data: `unconsumed` is what
 * that leaves, the first input of the layer; on_data then returns that it consumed all. Output
 * queued before stays in the queue: the layer must pass its conn_output_bytes on as they are. */
int layer_push(struct conn *c, const struct transport *upper, struct layer *l,
               struct span unconsumed) MUST_USE;

/* As the lower transport's functions. */
ssize_t layer_read(struct conn *c, uint8_t *p, size_t n);
ssize_t layer_write(struct conn *c, const struct iovec *iov, int count);
/* Takes the layer off and closes the lower transport. The upper one frees `l`. */
void layer_close(struct conn *c);

#endif
