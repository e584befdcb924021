/* A connection under test lives on a shard; the test's main thread holds the other end of its
 * socket and blocks as it likes. What the owner is told is noted here. */
#ifndef TRACKWIRE_TESTS_PEER_H
#define TRACKWIRE_TESTS_PEER_H

#include "net/conn.h"
#include "on_shard.h"

enum {
    PEER_GOT_MAX = 4 * 1024 * 1024
};

/* The owner of one connection. Filled on the shard; the main thread reads it through peer_look. */
struct peer {
    struct shard *shard;
    struct conn *c; /* NULL once closed */
    int fd;         /* the test's end */
    /* What its bytes go through; NULL: TCP. */
    const struct transport *transport;
    const void *context;
    /* How on_data behaves. */
    size_t frame_bytes; /* consumes whole frames of this size; 0: all */
    bool has_header;    /* frames begin with their 4-byte size; expects the rest */
    ssize_t refuses;    /* negative: on_data answers this */
    bool echoes, closes, closes_flushed;
    bool pauses;       /* after each frame */
    bool pauses_unfed; /* after what holds no whole frame */
    /* What happened. */
    uint8_t *got;
    size_t got_bytes, longest;
    int told, drained, closed, err;
};

/* What the main thread sees of it at one moment. */
struct peer_view {
    size_t got_bytes, longest;
    int told, drained, closed, err;
    uint64_t bytes_in, bytes_out, output_bytes;
};

/* Group set-up and tear-down: two shards. Tear-down fails when net/ kept memory or connections. */
int peers_start(void **state);
int peers_stop(void **state);
struct shard *peer_shard(unsigned index);
/* Waits until conn_count() is `count`. */
void peers_wait_count(uint64_t count);

/* A connection on shard 0 and a blocking socket to it: over TCP with small buffers, or a
 * socketpair. */
void peer_open(struct peer *p, bool is_tcp);
/* Closes what is open and frees what was noted. */
void peer_done(struct peer *p);

struct peer_view peer_look(struct peer *p);
/* Waits until the owner got `bytes`, was told close, or drain; fails the test after 20 seconds. */
void peer_wait_got(struct peer *p, size_t bytes);
void peer_wait_closed(struct peer *p);
void peer_wait_drained(struct peer *p);
/* Waits until the connection read `bytes` off its socket. */
void peer_wait_read(struct peer *p, uint64_t bytes);

/* On the shard: */
void peer_pause(void *peer);
void peer_resume(void *peer);
void peer_close_flushed(void *peer);

/* The main thread's end. */
void peer_send(struct peer *p, const void *bytes, size_t n);
/* Reads until `n` bytes, EOF or an error; what was read. `ret_error` is errno, 0 at EOF. */
size_t peer_receive(struct peer *p, uint8_t *bytes, size_t n, int *ret_error);

/* Byte `i` of a stream that has no short period. */
static inline uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}
void pattern_fill(uint8_t *p, size_t n, size_t from);
/* Offset of the first byte that is not the pattern's, `n` when all are. */
size_t pattern_check(const uint8_t *p, size_t n, size_t from);

#endif
