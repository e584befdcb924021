/* The output queue of a connection: chunks that hold copied bytes and, from their end backwards,
 * the segments to send in order. A segment is a run of the chunk's own bytes or a part shared with
 * others, so that any mix of headers and shared bodies needs one allocation per chunk.
 *
 *   chunk   | header | bytes ...  ->      free      <- ... segment 1 | segment 0 |
 *                      ^ segment 0 {p, n, NULL}          {p, n, owner}: bytes elsewhere
 */
#ifndef TRACKWIRE_NET_OUTPUT_H
#define TRACKWIRE_NET_OUTPUT_H

#include "base/ref.h"
#include "base/span.h"

#include <sys/uio.h>

struct out_chunk;

/* Chunks of a shard waiting for reuse. Chunks come from the counted heap, so one that moved here
 * with its connection joins this shard's list when it is empty. */
struct out_pool {
    struct out_chunk *free_small, *free_large;
    unsigned small_count, large_count;
};

struct output {
    struct out_chunk *first, *last;
    size_t bytes; /* not yet sent */
};

/* Frees the chunks; the pool is empty and reusable. */
void out_pool_fini(struct out_pool *pool);

/* `n` (up to CONN_RESERVE_MAX) contiguous bytes at the queue's end, NULL out of memory. */
uint8_t *output_reserve(struct output *o, struct out_pool *pool, size_t n);
/* Makes the first `used` bytes of what output_reserve gave part of the queue. */
void output_commit(struct output *o, size_t used);
/* Both false out of memory; part of `s` may be queued then. */
bool output_add(struct output *o, struct out_pool *pool, struct span s);
bool output_add_shared(struct output *o, struct out_pool *pool, struct ref *owner,
                       struct span part);
/* Fills up to `max` entries with the front of the queue; their number. */
int output_gather(const struct output *o, struct iovec *iov, int max);
/* The first `n` bytes were sent. */
void output_sent(struct output *o, struct out_pool *pool, size_t n);
/* Drops all. */
void output_clear(struct output *o, struct out_pool *pool);

#endif
