/* What the files of gateway/ share. Two sides: the control shard keeps the directory (which
 * channels are open, on which port) and binds sockets; a worker runs the channels whose id falls to
 * it. The control side tells the workers by mail; nothing is asked the other way but "stopped". */
#ifndef TRACKWIRE_GATEWAY_GATEWAY_INTERNAL_H
#define TRACKWIRE_GATEWAY_GATEWAY_INTERNAL_H

#include "gateway/devices.h"
#include "gateway/gateway.h"
#include "net/listener.h"

#include <pthread.h>
#include <semaphore.h>

/* Output waiting for a device over which we read no more from it, and under which we go on. */
#define OUTPUT_HIGH_BYTES (64 * 1024)
#define OUTPUT_LOW_BYTES (8 * 1024)
/* Memory for the messages of one frame; a message may have 256 KiB, a frame 1024 messages, but not
 * all of that at once. */
#define FRAME_ARENA_BYTES (8u * 1024 * 1024)
#define PUBLISH_BYTES (1024 * 1024)

/* ---- shared between control and worker: counted, then immutable or atomic ---- */

/* A channel's counters. The owner shard writes, anybody reads; relaxed, since a figure orders
 * nothing. */
struct figures {
    struct ref ref;
    atomic_uint_fast64_t connections, messages, frames_refused, bytes_in, bytes_out;
    atomic_uint_fast32_t refused[ERR_INDEX_COUNT_]; /* by error */
};

static inline void figure_add(atomic_uint_fast64_t *figure, uint64_t n)
{
    /* One writer: a load and a store cost less than a locked add. */
    uint64_t old = atomic_load_explicit(figure, memory_order_relaxed);
    atomic_store_explicit(figure, old + n, memory_order_relaxed);
}

static inline uint64_t figure_read(const atomic_uint_fast64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

/* The sockets of one channel: bound by control, then the owner shard's, which closes them. */
struct sockets {
    struct ref ref;
    struct sockets *next; /* in control's list of those being closed */
    int tcp_fd, udp_fd;   /* -1: none */
    uint16_t port;
    sem_t closed; /* posted by the owner shard once they are closed: the port is free again */
};

/* ---- sockets.c; control shard unless said otherwise ---- */

/* The ports that channels listen on, and those which workers are about to close. */
struct ports {
    struct net_address address; /* with no port */
    uint16_t low, high;         /* for channels that name none */
    struct sockets *closing;    /* given back, not yet closed by their worker */
    uint8_t is_used[65536 / 8]; /* a bit for each port of an open channel */
};

/* Binds the sockets that `protocol` needs on one port: `port`, or a free one of the range for 0. */
int sockets_bind(struct ports *ports, const struct protocol *protocol, uint16_t port,
                 struct sockets **ret) MUST_USE;
/* Control wants them no more (takes its reference); the worker was told to close them. */
void sockets_give_back(struct ports *ports, struct sockets *s);
/* Closes the sockets and drops the worker's reference. Owner shard. */
void sockets_close(struct sockets *s);
void ports_fini(struct ports *ports);

/* ---- a worker's side ---- */

/* What admission found out about one message of the frame at hand. */
struct admission {
    struct span ident;
    const struct hub_device *device; /* NULL: no device claims the ident */
    bool is_dropped; /* refused by the operator's will: acknowledged, not published */
};

struct worker {
    struct gateway *gateway;
    struct shard *shard;
    struct table channels; /* struct channel by id */
    struct devices devices;
    size_t connection_count;
    /* How it ends: asked by stop_mail, waits for connections to flush until stop_timer, frees its
     * channels in stop_task, answers with stopped_mail. */
    bool is_stopping;
    struct mail stop_mail, stopped_mail;
    struct timer stop_timer;
    struct task stop_task;
    /* Reused for each frame: a frame is decoded, published and answered within one call. */
    struct arena arena;
    struct protocol_result result;
    struct admission admitted[PROTOCOL_MESSAGES_MAX];
    struct buf scratch;
    void *spare_state; /* as large as the largest state of a protocol */
};

struct channel {
    struct table_node by_id;
    struct worker *worker;
    struct hub_channel *snapshot; /* a reference */
    struct figures *figures;      /* a reference */
    struct sockets *sockets;      /* a reference */
    struct listener *listener;    /* NULL: not listening */
    struct udp *udp;
    struct connection *connections; /* newest first */
    uint32_t connection_count;
    struct table idents;        /* struct connection by ident */
    int64_t limit_logged_ms;    /* when the connection limit was last logged */
    int64_t datagram_logged_ms; /* when a refused datagram was last logged */
};

/* ---- channel.c; owner shard ---- */

/* The channel `id` of this worker, or NULL. */
struct channel *channel_find(struct worker *w, uint64_t id);
/* Starts the channel, and takes over the reference on `sockets`. */
void channel_start(struct worker *w, struct hub_channel *snapshot, struct sockets *sockets,
                   struct figures *figures);
/* A new snapshot; `sockets` when the port changed (taken over), else NULL. `must_drop`: what the
 * connections run on has changed. */
void channel_update(struct channel *ch, struct hub_channel *snapshot, struct sockets *sockets,
                    bool must_drop);
/* Stops listening and closes the connections for the reason `err`; with `is_flushed` after their
 * output went out. */
void channel_shut(struct channel *ch, int err, bool is_flushed);
/* Frees a channel that was shut and has no connections. */
void channel_free(struct channel *ch);

/* ---- connection.c; owner shard ---- */

/* For listener_new; `channel` is the owner. Takes `c`. */
void connection_accept(void *channel, struct conn *c);
/* Ends a connection for the reason `err`: at once (it is freed then), or when its output went out.
 */
void connection_close(struct connection *con, int err);
void connection_close_flushed(struct connection *con, int err);
/* The next one of the channel's list, or NULL. */
struct connection *connection_next(const struct connection *con);
/* The connection that is bound to `ident`, or NULL. */
struct connection *connection_by_ident(const struct channel *ch, struct span ident);

/* ---- datagram.c ---- */

/* For udp_new; `channel` is the owner. */
void datagram_receive(void *channel, const struct net_address *peer, struct span in);

/* ---- frame.c ---- */

/* Where a frame came from, and the way back. */
struct frame_source {
    struct channel *channel;
    struct protocol_link *link;
    struct span peer; /* "ip:port" */
    /* Sends the reply to the device; told once the frame's messages are published, and not at all
     * when there is nothing to say. */
    void (*answer)(struct frame_source *source, struct span reply);
};

/* Decodes the frame, admits its messages, publishes them, answers. 0, or why the frame or a part of
 * it was refused. `ret_must_close`: the connection ends after what was answered. */
int frame_process(struct frame_source *source, struct span frame, bool *ret_must_close);

/* ---- ack.c ---- */

/* Publishes the admitted messages of the worker's result, then answers with `reply`. On an error
 * nothing is answered, so that the device sends the frame again. */
int ack_after_publish(struct frame_source *source, struct span reply);

/* ---- refusal.c ---- */

/* Counts a refusal on the channel; who found it has raised it. */
void refusal_count(struct channel *ch, int err);
/* One line: channel, peer, ident, reason, the first bytes, and which registered protocol they look
 * like if `link` has no ident yet. */
void refusal_log(const struct frame_source *source, int err, struct span bytes);

/* ---- worker.c ---- */

/* `w` is zeroed memory of the gateway. Before the shards start. */
int worker_init(struct worker *w, struct gateway *gateway, struct shard *shard) MUST_USE;
/* After the shard was joined. */
void worker_fini(struct worker *w);
/* Asks the worker to close everything; `worker_stopped` of gateway.c is told. Any shard. */
void worker_stop(struct worker *w);
/* A connection is gone; perhaps it was the last that a stopping worker waited for. Owner shard. */
void worker_check_stopped(struct worker *w);

/* What control tells a worker. The references are the worker's; the order frees itself. */
enum order_kind {
    ORDER_CHANNEL_START,
    ORDER_CHANNEL_UPDATE,
    ORDER_CHANNEL_SHUT,
    ORDER_DEVICE_SET,
    ORDER_DEVICE_UNSET,
};
struct order {
    struct mail mail;
    struct worker *worker;
    enum order_kind kind;
    uint64_t id;                 /* of the channel or device */
    struct hub_channel *channel; /* start, update */
    struct sockets *sockets;     /* start; update when they are others */
    struct figures *figures;     /* start */
    struct hub_device *device;   /* set */
    bool must_drop;              /* update: close the connections */
    int err;                     /* shut: why */
};
/* Sends a copy of `order`, and takes its references even when it fails. Any thread. */
int worker_send(struct worker *w, const struct order *order) MUST_USE;

/* ---- gateway.c ---- */

struct gateway {
    struct broker *broker;
    struct gateway_config config;
    struct shard *control;
    /* Control's: which channels are open. Only the control shard changes `directory`, under `lock`;
     * other threads look figures up under it. Nothing is called while it is held. */
    pthread_mutex_t lock;
    struct table directory;
    struct ports ports;
    bool is_stopping;
    unsigned running; /* workers that have not stopped yet */
    void (*on_stopped)(void *ctx);
    void *on_stopped_ctx;
    unsigned worker_count;
    struct worker workers[];
};

/* A worker has closed everything. Control shard. */
void gateway_worker_stopped(struct gateway *gateway);

#endif
