/* An MQTT client's connection: bytes in, packets to their handlers, packets out. Owned by one
 * shard: the one that accepted it until CONNECT, then its session's home. */
#ifndef TRACKWIRE_BROKER_CLIENT_H
#define TRACKWIRE_BROKER_CLIENT_H

#include "broker/aliases.h"
#include "broker/session.h"
#include "net/conn.h"

#define CONNECT_KEPT_BYTES                                                                         \
    1024u /* of an unfinished CONNECT that any connection may make us keep                         \
           */
#define CONNECT_BYTES_MAX (128u * 1024u)

struct client {
    struct broker_shard *bs;
    struct conn *conn;
    struct session *session;    /* NULL before CONNECT and after the connection was given up */
    struct client *next, *prev; /* of the shard */
    struct timer timer;         /* connect timeout, then keep alive */
    struct login login;
    struct will *will;
    struct aliases_in *aliases_in;   /* NULL until the client sets one */
    struct aliases_out *aliases_out; /* NULL when the client takes none */
    int64_t heard_ms;                /* when the last packet came */
    int64_t rate_full_ns;            /* bucket of publications (base/rate.h) */
    uint32_t packet_max;             /* largest packet that the client takes */
    uint32_t borrowed;               /* of the shard's connect budget */
    uint16_t receive_max;            /* the client's */
    uint16_t keep_alive_s;
    uint8_t transport_at;      /* row of broker_shard.transports, once it is up */
    enum mqtt_version version; /* 0 before CONNECT */
    bool is_up;                /* CONNACK went out with success */
    bool is_admitted;          /* its address may connect now (admission.h) */
    bool is_closing;           /* a last packet is on its way: nothing is read any more */
    bool wants_problem_info;   /* reason strings may be sent (MQTT 5.0 3.1.2.11.7) */
};

/* May the address connect now? Counts and logs when not. */
bool client_admits(struct broker_shard *bs, const struct net_address *peer);
/* Takes a connection of this shard; the caller starts it unless it runs. False: it was closed.
 * `is_admitted`: its address was judged, and is not when the first data comes. */
bool client_open(struct broker_shard *bs, struct conn *c, bool is_admitted);
/* After CONNECT named a session of another shard: moves the client there; it reads CONNECT anew. */
void client_move(struct client *c, unsigned shard, struct span unconsumed);

/* CONNECT was accepted, and `c` has a session: it counts as a client from now on. */
void client_note_up(struct client *c);
/* Gives the client up: tells it why as far as its version and state allow (CONNACK or DISCONNECT
 * with the reason of `err`), logs, closes after the output went out. Its session is detached; wills
 * go as the standard says. Safe inside the client's own handlers, which then return `err`. */
void client_give_up(struct client *c, int err);

/* Writes one encoded packet of `size` bytes (at most CONN_RESERVE_MAX): encode into the place
 * returned, which is NULL out of memory, then client_sent. */
uint8_t *client_reserve(struct client *c, size_t size);
void client_sent(struct client *c, size_t size);
/* The same for a packet that was encoded elsewhere. */
void client_write(struct client *c, struct span packet);
/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
void client_send_ack(struct client *c, enum mqtt_type type, uint16_t packet_id, uint8_t reason);

/* How many QoS 1 and 2 messages may be in flight at the client. */
uint32_t client_window(const struct client *c);

/* What a packet's handler does: 0, or an error that ends the connection. One file each. */
int handle_connect(struct client *c, const struct mqtt_frame *f, struct span unconsumed);
int handle_publish(struct client *c, const struct mqtt_frame *f);
int handle_ack(struct client *c, const struct mqtt_frame *f);
int handle_subscribe(struct client *c, const struct mqtt_frame *f);
int handle_unsubscribe(struct client *c, const struct mqtt_frame *f);
int handle_disconnect(struct client *c, const struct mqtt_frame *f);

#endif
