/* The REST API over HTTP. A connection is served by the worker shard that accepted it; whole
 * requests go to the control shard, which runs them one after another, and the answer comes
 * back. */
#ifndef TRACKWIRE_REST_REST_H
#define TRACKWIRE_REST_REST_H

#include "broker/broker.h"
#include "gateway/gateway.h"
#include "hub/hub.h"
#include "net/conn.h"

struct rest;

/* Who may read /metrics without a token. */
enum rest_figures {
    REST_FIGURES_LOCAL, /* whoever asks from this machine */
    REST_FIGURES_OPEN,  /* anybody */
    REST_FIGURES_TOKEN, /* nobody */
};

struct rest_config {
    const char *public_host; /* host in a channel's `uri`; NULL: the host the request came to */
    uint32_t request_bytes_max;
    uint32_t idle_timeout_s;
    /* Takes connections that became WebSockets, at whatever path; worker shard. The connection
     * runs, its handler is the taker's to set. NULL: such requests are ordinary ones. */
    void (*on_websocket)(void *taker, struct conn *c);
    void *taker;
    /* Whose figures /metrics shows; NULL: they are left out. */
    struct broker *broker;
    struct gateway *gateway;
    bool (*channel_stats)(struct gateway *gateway, uint64_t id, struct gateway_channel_stats *ret);
    enum rest_figures figures;
};
extern const struct rest_config rest_config_default;

/* Before the shards start; the caller owns `ret`. Borrows all it is given until rest_free, the text
 * of public_host too. */
int rest_new(struct shard_set *shards, struct accounts *accounts, struct hub *hub,
             const struct rest_config *config, struct rest **ret) MUST_USE;
/* After the shards were joined. */
void rest_free(struct rest **rest);
/* listener_new's on_accept for HTTP; any worker shard. */
void rest_accept(void *rest, struct conn *c);
/* broker_serve_requests's `serve`, with the rest as its context: REST over MQTT. Any worker shard.
 */
void rest_serve_mqtt(void *rest, const struct broker_request *request);
/* Closes idle connections and lets running requests finish; calls `done(ctx)` on the control shard
 * when all shards did. Control shard. */
void rest_stop(struct rest *rest, void (*done)(void *ctx), void *ctx);

#endif
