/* Shared subscriptions (MQTT 5.0 4.8.2) as users need them: a message goes to one connected member,
 * picked at random or by levels of its topic; what a member did not acknowledge goes to another
 * when it leaves; while none is there the group keeps messages, once, for the first that returns.
 */
#ifndef TRACKWIRE_BROKER_SHARE_H
#define TRACKWIRE_BROKER_SHARE_H

#include "broker/session.h"

/* Picks the member that gets `p`: its name in the index and how it subscribed, or 0 when none is
 * connected. Any shard. */
uint64_t share_pick(struct broker_shard *bs, const struct branch *group, struct span topic,
                    uint64_t *ret_options);
/* Keeps `p` for the group; false when a member came meanwhile, who is to be picked then.
 * `is_first`: before those that wait already. QoS 0 is dropped. Any shard. */
bool share_keep(struct broker_shard *bs, struct branch *group, struct publication *p,
                bool is_first);
/* The session's client came, or subscribed: it gets what waits in its groups. Owner. */
void share_join(struct session *s);
/* The session's client is gone: what came by groups and was not acknowledged goes to other members,
 * or back to the group. QoS 2 messages that went out stay with the session (MQTT 5.0 4.8.2). Owner.
 */
void share_leave(struct session *s);

#endif
