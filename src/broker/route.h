/* From a publication to its sessions: retained store, index, and one hand-over per shard. */
#ifndef TRACKWIRE_BROKER_ROUTE_H
#define TRACKWIRE_BROKER_ROUTE_H

#include "broker/msg.h"
#include "broker/shard_state.h"

/* Keeps `p` when it is retained, and delivers it to everyone who subscribed. Returns how many
 * subscriptions it matched. Any shard; `p` is borrowed. */
uint32_t route_publication(struct broker_shard *bs, struct space *space, struct publication *p);

#endif
