/* The MQTT broker: sessions, subscriptions, retained messages, delivery. One broker runs over all
 * worker shards; each session lives on its home shard, hash(account, client id). */
#ifndef TRACKWIRE_BROKER_BROKER_H
#define TRACKWIRE_BROKER_BROKER_H

#include "account/account.h"
#include "loop/shard.h"
#include "net/conn.h"
#include "store/store.h"

struct broker;

struct broker_config {
    uint32_t packet_bytes_max;     /* larger packets are refused: 0x95 */
    uint32_t connect_timeout_s;    /* between accept and CONNECT */
    uint32_t session_expiry_max_s; /* cap of the session expiry interval; UINT32_MAX: none */
    uint16_t receive_maximum;      /* QoS 1 and 2 publishes we let a client have unacknowledged */
    uint16_t inflight_max;         /* those we have unacknowledged at a client, at most */
    uint16_t topic_alias_maximum;  /* aliases a client may set */
    uint32_t keep_alive_max_s;     /* longer ones are answered with this (v5), or served so */
    uint64_t session_queue_bytes_max; /* of messages waiting for one session */
    uint32_t session_queue_count_max;
    uint64_t output_bytes_max; /* waiting in one connection; QoS 0 past it is dropped and counted */
    uint32_t subscriptions_max; /* of one session */
    uint32_t retained_max;      /* topics with a retained message, of one account */
    bool is_prefix_reserved;    /* clients cannot publish under flespi/ */
    /* Of all that waits for the clients of an account, and of all accounts; 0: no limit. */
    uint64_t account_bytes_max, total_bytes_max;
    uint32_t connect_rate,
        connect_burst;       /* of one address; connections a second (0: any), at once */
    uint32_t sys_interval_s; /* between figures under $SYS; 0: none */
    const char *version;     /* as $SYS tells it; borrowed for good */
    uint32_t packet_rate;    /* publications of one client a second; 0: any */
};

/* Before the shards start. The broker borrows all it is given until broker_free. */
int broker_new(struct shard_set *shards, struct accounts *accounts, struct store *store,
               const struct broker_config *config, struct broker **ret) MUST_USE;
/* After the shards were joined. */
void broker_free(struct broker **broker);

/* listener_new's admits and on_accept for MQTT: `broker` owns the connection from here. Any worker
 * shard. */
bool broker_admits(void *broker, const struct net_address *peer);
void broker_accept(void *broker, struct conn *c);
/* The same for a connection that runs already and belonged to another: one that became a WebSocket.
 * What that one left unread is the broker's first input. */
void broker_adopt(void *broker, struct conn *c);

/* Tells every client that the server shuts down (v5: DISCONNECT 0x8B) and closes; calls `done(ctx)`
 * on the control shard when all shards did. Control shard. */
void broker_stop(struct broker *broker, void (*done)(void *ctx), void *ctx);

/* A publication of the hub itself. Spans are borrowed during the call. */
struct broker_publication {
    struct span topic;
    struct span payload;
    uint8_t qos; /* the most a subscriber gets */
    bool is_retained;
    int64_t timestamp_us;    /* user property `timestamp` */
    struct span correlation; /* correlation data; empty: none */
};
/* Publishes in `account`, with the user properties `timestamp` and `cid`. Any shard. */
int broker_publish(struct broker *broker, struct account *account,
                   const struct broker_publication *publication) MUST_USE;

/* A client's request to the REST API: a publication to flespi/rest/{method}/{uri}. Its answer is
 * published to the response topic; an empty one asks for none. Spans are borrowed during the call.
 */
struct broker_request {
    struct broker *broker;
    const struct login *login;
    struct span method, uri, body;
    struct span response_topic, correlation;
    uint8_t qos;
};
/* Who serves requests; without one they are refused as the platform's topics are. `serve` is called
 * on worker shards and does not wait. Before the shards start. */
void broker_serve_requests(struct broker *broker,
                           void (*serve)(void *context, const struct broker_request *request),
                           void *context);

/* Figures now, summed over shards; any thread (relaxed counters). Those of traffic count from the
 * start. */
struct broker_stats {
    /* A session is online while its client is there; expired: ended by their expiry interval. */
    uint64_t sessions, sessions_online, sessions_offline, sessions_online_max, sessions_expired;
    uint64_t connections;          /* open, signed in or not */
    uint64_t connections_accepted; /* since the start */
    uint64_t connects;             /* of those, they that signed in */
    uint64_t packets_received, packets_sent, bytes_received, bytes_sent; /* MQTT, without TLS */
    uint64_t publishes_received, publishes_sent, publishes_dropped;
    uint64_t payload_bytes_received, payload_bytes_sent;
    uint64_t subscriptions, subscriptions_shared; /* the second are among the first */
    uint64_t retained, retained_bytes;
    uint64_t queued, queued_bytes; /* messages behind the windows of sessions, and of groups */
    uint64_t waiting_bytes;        /* in windows and output, of clients that are behind */
    uint64_t stored, stored_bytes; /* queued and retained */
    uint64_t heap_bytes;           /* of the whole process */
};
struct broker_stats broker_stats(const struct broker *broker);

/* Clients that are signed in, by the transport they came over; fills up to BROKER_TRANSPORTS_MAX
 * rows and returns their number. Any thread. */
#define BROKER_TRANSPORTS_MAX 8
struct broker_transport_stats {
    const char *name;
    uint64_t clients;
};
size_t broker_transport_stats(const struct broker *broker, struct broker_transport_stats *ret);

#endif
