/* From a publication to its sessions: retained store, index, and one hand-over per shard. */
#ifndef TRACKWIRE_BROKER_ROUTE_H
#define TRACKWIRE_BROKER_ROUTE_H

#include "broker/msg.h"
#include "broker/shard_state.h"

/* Keeps `p` when it is retained, and delivers it to everyone who subscribed. Returns how many
 * subscriptions it matched. Any shard; `p` is borrowed. */
uint32_t route_publication(struct broker_shard *bs, struct space *space, struct publication *p);
/* Delivers `p` to a member of the shared group, or keeps it there (`is_first`: before what waits).
 * Any shard. */
void route_to_group(struct broker_shard *bs, struct publication *p, struct branch *group,
                    bool is_first);
/* Delivers `p` to the session `who` as `options` say, if it is still there. Any shard. */
void route_to_session(struct broker_shard *bs, struct publication *p, uint64_t who,
                      uint64_t options);
/* Delivers `p` to this member of the group. Owner shard of the session. */
void route_to_member(struct session *s, struct publication *p, uint64_t options,
                     struct branch *group);

#endif
