/* Running channels: listeners, connections of trackers, framing, decoding, ident binding, replies.
 * A channel has one owner shard, worker (channel id modulo the number of workers); so have all its
 * connections. */
#ifndef TRACKWIRE_GATEWAY_GATEWAY_H
#define TRACKWIRE_GATEWAY_GATEWAY_H

#include "hub/publish.h"

struct gateway;

struct gateway_config {
    const char *listen_host;      /* address that channels listen on, numeric; borrowed for good */
    uint16_t port_low, port_high; /* ports for channels without configuration.port */
    uint32_t connections_max;     /* of one channel */
    uint32_t login_timeout_s;     /* between accept and ident */
};
extern const struct gateway_config gateway_config_default;

/* Before the shards start; borrows what it is given until gateway_free. ERR_NET_ADDRESS_* when
 * `listen_host` is none. */
int gateway_new(struct shard_set *shards, struct broker *broker,
                const struct gateway_config *config, struct gateway **ret) MUST_USE;
/* After gateway_stop has told its end and the shards were joined, or when they never started. */
void gateway_free(struct gateway **gateway);
/* What the hub needs; `gateway` is the first argument of each. */
extern const struct hub_gateway gateway_operations;
/* Closes channels and connections; calls `done(ctx)` on the control shard when all shards did, at
 * most a second later. Control shard. */
void gateway_stop(struct gateway *gateway, void (*done)(void *ctx), void *ctx);

/* Per channel figures; any thread. False when there is no such channel. */
struct gateway_channel_stats {
    uint64_t connections, messages, frames_refused, bytes_in, bytes_out;
};
bool gateway_channel_stats(struct gateway *gateway, uint64_t channel_id,
                           struct gateway_channel_stats *ret);
/* How often the channel refused something for the reason `err`; any thread. */
uint64_t gateway_channel_refusals(struct gateway *gateway, uint64_t channel_id, int err);

/* The close_code that flespi gives to a connection that ended for the reason `err`. */
int gateway_close_code(int err);

#endif
