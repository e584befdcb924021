/* The connection and its shard's part, for the files of net/ only. */
#ifndef TRACKWIRE_NET_CONN_INTERNAL_H
#define TRACKWIRE_NET_CONN_INTERNAL_H

#include "net/conn.h"
#include "net/output.h"

/* One read takes at most this much; it is also 32 datagrams of 8 KiB. */
#define NET_BUFFER_BYTES (256 * 1024)

/* A place in a circular list; next is NULL when in none. */
struct link {
    struct link *next, *prev;
};

static inline void link_init(struct link *head)
{
    head->next = head->prev = head;
}

static inline void link_append(struct link *head, struct link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

static inline void link_remove(struct link *l)
{
    if (!l->next)
        return;
    l->prev->next = l->next;
    l->next->prev = l->prev;
    l->next = l->prev = NULL;
}

/* Moves all of `from` to `to`, which need not be initialised. */
static inline void link_move(struct link *to, struct link *from)
{
    link_init(to);
    if (from->next == from)
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    link_init(from);
}

/* One shard's part of net/. */
struct net {
    struct shard *shard;
    uint8_t *buffer; /* NET_BUFFER_BYTES; holds input only while it is told */
    struct out_pool pool;
    struct link pending;    /* connections that want to read or flush */
    struct task read_task;  /* reads those that want to */
    struct task flush_task; /* at the end of each turn that wrote something */
    struct conn *telling;   /* whose on_data runs; NULL when that conn went away meanwhile */
    struct link closing;    /* flushed closes, in order of their deadlines */
    struct timer closing_timer;
    struct udp_batch *udp_batch; /* made with the first datagram socket */
};

/* Input that the owner did not consume. */
struct kept_input {
    uint8_t *p;
    uint32_t n, cap;
};

struct conn {
    struct watch watch;
    const struct transport *transport;
    const struct conn_handler *handler; /* NULL once on_close was told */
    void *owner;
    void *transport_state;
    struct net *net; /* NULL between detach and attach */
    struct link pending;
    struct output out;
    struct kept_input kept;
    uint32_t input_limit;
    uint32_t expected; /* nothing is told before this many bytes are kept; 0: any */
    uint32_t high, low;
    uint64_t bytes_in, bytes_out;
    struct net_address peer;
    struct link closing; /* in net->closing while close is under way */
    int64_t close_due_ms;
    int16_t close_err;    /* why it closes, for the owner and for the transport's goodbye */
    bool wants_read : 1;  /* by the read task, in the next turn */
    bool wants_flush : 1; /* by the flush task, in this turn */
    bool must_retell : 1; /* kept input is told before anything is read */
    bool is_paused : 1;
    bool is_unread : 1;  /* an edge came while paused */
    bool is_hung_up : 1; /* the peer closed: read on until the end shows */
    bool is_eof : 1;
    bool is_blocked : 1;      /* the socket is full: an edge tells when not */
    bool is_read_blocked : 1; /* the transport must write before it can read */
    bool is_over_high : 1;    /* on_drain is owed */
    bool is_input_lost : 1;   /* out of memory for it */
    bool is_output_lost : 1;  /* out of memory for it */
    bool is_broken : 1;       /* writing failed: what came before is still read */
    bool is_closing : 1;      /* flushed close: output goes out, nothing is told */
    bool is_lingering : 1;    /* output went out, the owner is gone, waiting for the peer's end */
};

/* ---- conn.c ---- */

/* Puts the connection among those that the read, respectively flush, task looks at. */
void conn_want_read(struct conn *c);
void conn_want_flush(struct conn *c);
/* The transport may take output again. */
void conn_retry_output(struct conn *c);
/* Output of a flushed close went out: says goodbye, and lets go of the owner. May free `c`. */
void conn_linger(struct conn *c);

/* ---- input.c ---- */

/* What epoll told: struct watch's callback. May free the connection. */
void conn_on_event(struct watch *w, uint32_t events);
/* One read (or the kept input again), told to the owner. May free the connection. */
void conn_read(struct conn *c);
/* Reads and forgets, after a flushed close. May free the connection. */
void conn_discard_input(struct conn *c);
/* Keeps `rest` of what is being told. */
int conn_keep_input(struct conn *c, struct span rest) MUST_USE;

/* ---- transport_tcp.c ---- */

/* The error for the errno of a socket's read or write: `otherwise` unless the peer is gone. */
int transport_socket_error(int number, int otherwise);

/* ---- flush.c ---- */

/* Something waits to be sent: of the queue, or of the transport's own. */
bool conn_has_output(const struct conn *c);
/* Sends what is queued. May free the connection. */
void conn_flush(struct conn *c);

#endif
