/* A simulated tracker: logs in, reports where its vehicle is, counts the answers, comes back when
 * the connection breaks. Lives on one shard. */
#ifndef TRACKWIRE_APP_TRACKER_H
#define TRACKWIRE_APP_TRACKER_H

#include "app/vehicle.h"
#include "gateway/protocols/protocol.h"
#include "net/conn.h"
#include "net/listener.h"

/* Shared by all trackers of a run; the shard's. */
struct fleet {
    const struct protocol *protocol;
    enum protocol_transport transport;
    struct net_address to;
    int64_t interval_ms;
    uint64_t count; /* reports of each tracker; 0: no end */
    /* Told when a tracker has ended, once each. */
    void (*on_end)(struct fleet *fleet);
    uint64_t sent, accepted, refused, lost, reconnects, given_up;
    int last_err; /* why the last connection failed; 0: none did */
};

struct tracker {
    struct fleet *fleet;
    struct vehicle vehicle;
    char ident[PROTOCOL_IDENT_MAX + 1];
    struct conn *conn; /* TCP; NULL: not connected */
    struct udp *udp;
    struct timer timer;
    int64_t moved_ms; /* when the vehicle was last moved */
    int64_t due_ms;   /* of the next report */
    uint64_t sent;    /* reports */
    uint64_t waiting; /* reports without an answer, on this connection */
    uint32_t seqnum;
    unsigned failures;  /* connections in a row that accepted nothing */
    bool was_connected; /* or tried to */
    bool was_heard;     /* an answer came once */
    bool is_logged_in;
    bool has_ended;
};

/* Begins to report after `delay_ms`. `t` is the caller's memory, its ident set, otherwise zero.
 * Owner shard. */
void tracker_start(struct tracker *t, struct fleet *fleet, uint64_t number, int64_t delay_ms);
/* Ends at once, if it has not ended. */
void tracker_stop(struct tracker *t);

#endif
