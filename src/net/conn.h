/* A stream connection: a socket, its transport, its pending input and its output queue. Owned by
 * one shard; only that shard touches it. Reading goes through one buffer shared by all connections
 * of the shard: an idle connection holds no buffer at all. Output written during a turn is sent at
 * the turn's end with one call. */
#ifndef TRACKWIRE_NET_CONN_H
#define TRACKWIRE_NET_CONN_H

#include "base/ref.h"
#include "base/span.h"
#include "loop/shard.h"
#include "net/address.h"
#include "net/transport.h"

struct conn;

/* What the owner of a connection is told; all on the owner shard. */
struct conn_handler {
    /* `in`: input not yet consumed, from the first byte not consumed before. Returns how many bytes
     * were consumed (0 .. in.n); the rest is kept and told again, with more behind it, when more
     * came. `in` is valid during the call only. A negative error closes the connection with it.
     * After a call to conn_close or conn_detach inside, the result is ignored. */
    ssize_t (*on_data)(struct conn *c, void *owner, struct span in);
    /* The connection is gone: `err` is why (ERR_CONN_EOF when the peer closed). Exactly once, and
     * the last thing told; `c` is freed after it returns. Not told after conn_detach. */
    void (*on_close)(struct conn *c, void *owner, int err);
    /* Output that was over the high mark fell below the low mark. NULL: not wanted. */
    void (*on_drain)(struct conn *c, void *owner);
};

/* A connection over `fd` (non-blocking; the connection closes it, but not when conn_new fails) on
 * the calling shard, which net_shard_open made ready. Its reading starts with conn_start; when that
 * fails, close it. The limit of kept input guards memory before authentication: input left
 * unconsumed over it closes with ERR_CONN_INPUT_LIMIT (not while reading is paused). */
#define CONN_INPUT_LIMIT_DEFAULT 65536
int conn_new(int fd, const struct transport *transport, const struct net_address *peer,
             struct conn **ret) MUST_USE;
void conn_set_handler(struct conn *c, const struct conn_handler *handler, void *owner);
void conn_set_input_limit(struct conn *c, size_t bytes);
int conn_start(struct conn *c) MUST_USE;

/* Inside on_data: tell nothing before `bytes` bytes, from the first not consumed, are there. Saves
 * telling a large frame for each piece of it, and a copy. Holds until on_data is told again. */
void conn_expect(struct conn *c, size_t bytes);

/* Changes what the owner's bytes go through, before conn_start or from inside the present
 * transport, whose state its caller has freed. `context` is for the new one's open. 0 or its error;
 * then the connection must be closed. */
int conn_set_transport(struct conn *c, const struct transport *transport,
                       const void *context) MUST_USE;

/* Closes: at once (output dropped), or after the output now queued went out, at most 5 seconds
 * later. on_close is told before conn_close returns, respectively later with the same `err`; no
 * input is told in between. After a flushed close the socket stays, without an owner, until the
 * peer closed too (within the 5 seconds): closing on unread input would make the kernel reset the
 * connection, and the peer would lose the last bytes. */
void conn_close(struct conn *c, int err);
void conn_close_flushed(struct conn *c, int err);
bool conn_is_closing(const struct conn *c);

/* Stops and resumes reading (backpressure to the peer). Input kept unconsumed meanwhile is told
 * again after conn_resume, in the next turn. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* Takes the connection off its shard, with its unconsumed input (`unconsumed` of them, as in
 * on_data's last call, for a call from inside on_data) and its output. Then only one thing may
 * follow: conn_attach, on another shard's thread, which goes on reading and tells the kept input
 * again in the same turn. Not for a connection that is closing. When conn_attach fails, close it.
 */
void conn_detach(struct conn *c, struct span unconsumed);
int conn_attach(struct conn *c) MUST_USE;

/* ---- output; sent at the end of the turn ---- */

/* `n` contiguous bytes (n <= CONN_RESERVE_MAX) to write at, NULL out of memory; then
 * conn_commit(c, used) with used <= n before anything else is called on `c`. */
#define CONN_RESERVE_MAX 16384
uint8_t *conn_reserve(struct conn *c, size_t n);
void conn_commit(struct conn *c, size_t used);
/* Copies `s`, whatever its length. */
void conn_write(struct conn *c, struct span s);
/* Queues `part` without copying it; takes its own reference on `owner`, dropped when sent. Parts
 * too short to be worth it are copied. Out of memory here or in conn_write: closed at the turn's
 * end with ERR_CONN_OUTPUT_MEMORY, because a stream with a hole is worthless. */
void conn_write_shared(struct conn *c, struct ref *owner, struct span part);
/* Bytes queued and not yet taken by the kernel. */
size_t conn_output_bytes(const struct conn *c);
/* on_drain is told when output that had passed `high` falls to `low`. Default: never. */
void conn_set_output_marks(struct conn *c, size_t high, size_t low);

/* As given to conn_new, or told since by a PROXY header; borrowed from the connection. */
const struct net_address *conn_peer(const struct conn *c);
void conn_set_peer(struct conn *c, const struct net_address *peer);
/* For socket options; the connection keeps it. */
int conn_fd(const struct conn *c);
/* NULL while a flushed close waits for the peer. */
const struct transport *conn_transport(const struct conn *c);
/* The transport's own state (set in its open). */
void *conn_transport_state(const struct conn *c);
void conn_set_transport_state(struct conn *c, void *state);
uint64_t conn_bytes_in(const struct conn *c);
uint64_t conn_bytes_out(const struct conn *c);
/* Connections now open, all shards; any thread. */
uint64_t conn_count(void);

#endif
