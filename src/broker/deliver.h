/* Delivery of one publication to one session: onto the wire, into the window, into the queue, or
 * dropped and counted. Owner shard of the session. */
#ifndef TRACKWIRE_BROKER_DELIVER_H
#define TRACKWIRE_BROKER_DELIVER_H

#include "broker/session.h"

struct delivery {
    struct publication *publication;
    uint8_t qos;      /* effective */
    bool is_retained; /* the RETAIN flag to send */
    const uint32_t *ids;
    uint32_t id_count;
    struct branch *group; /* the shared group it came by; NULL: none */
};

/* Delivers to one session now or later, as QoS, window and limits allow; what cannot be is dropped
 * and counted. `d` is borrowed. */
void deliver(struct session *s, const struct delivery *d);
/* Sends from the queue while the window has room: after acknowledgements and at a client's return.
 */
void deliver_queued(struct session *s);
/* At a client's return: what was in flight goes out again, in order (MQTT 5.0 4.4). */
void deliver_again(struct session *s);

#endif
