/* A gateway at work, for tests: real shards, real sockets on loopback, a protocol made for the
 * purpose, and a hub of one function that keeps what it is given. */
#ifndef TRACKWIRE_TESTS_GATEWAY_BENCH_H
#define TRACKWIRE_TESTS_GATEWAY_BENCH_H

#include "gateway/gateway.h"

/* Lines that end with a newline:
 *   L<ident>          login; answer "+" or, refused, "-"
 *   D<text>           a message with `text`; answer "A"
 *   M<ident>:<text>   a message that names its own ident; answer "A"
 *   T<n>              n messages; answer "A<n>"
 *   X                 a frame that is refused; answer "N"
 *   Q                 the protocol ends; answer "B"
 *   P                 nothing, answer 1000 bytes
 * Anything else is no frame. */
extern const struct protocol bench_protocol;
#define BENCH_FRAME_MAX 128

struct published {
    uint64_t channel_id, device_id; /* 0: no device */
    char ident[PROTOCOL_IDENT_MAX + 1], text[64], peer[64];
};

struct bench {
    struct shard_set *shards;
    struct gateway *gateway;
    uint16_t port; /* of channel 1 */
};

/* A running gateway with channel 1, `config` laid over short timeouts. For cmocka's set-up. */
int bench_start(struct bench *b, const struct gateway_config *config);
/* Stops the gateway and its shards, checks that nothing is left. */
void bench_stop(struct bench *b);

/* The operations of the hub, run on the control shard; they return once the workers have followed.
 */
struct hub_channel *bench_channel(uint64_t id, uint16_t port, uint32_t idle_timeout_s);
int bench_open(struct bench *b, struct hub_channel *channel, uint16_t *ret_port);
int bench_change(struct bench *b, struct hub_channel *channel, uint16_t *ret_port);
void bench_close(struct bench *b, uint64_t channel_id);
void bench_device(struct bench *b, uint64_t id, const char *ident, bool is_enabled);
void bench_forget_device(struct bench *b, uint64_t id);

/* What the hub was given, in order; waits for it, and fails the test after five seconds. */
struct published bench_published(size_t index);
/* How many came so far. */
size_t bench_published_count(void);
/* From now on the hub refuses messages with `err`; 0: no more. */
void bench_refuse_publish(int err);

/* A tracker's end: blocking sockets. */
int tracker_connect(uint16_t port);
int tracker_connect_udp(uint16_t port);
void tracker_send(int fd, const char *text);
/* The next bytes are exactly `text`. */
void tracker_expect(int fd, const char *text);
/* The other side closes, and sends nothing before. */
void tracker_expect_closed(int fd);
/* It sends nothing for a while and stays open. */
void tracker_expect_silence(int fd);

/* Waits until the figure is what is claimed. */
#define bench_await(claim)                                                                         \
    do {                                                                                           \
        for (int bench_i = 0; bench_i < 5000 && !(claim); bench_i++)                               \
            bench_pause();                                                                         \
        assert_true(claim);                                                                        \
    } while (0)
void bench_pause(void);
struct gateway_channel_stats bench_stats(struct bench *b, uint64_t channel_id);

#endif
