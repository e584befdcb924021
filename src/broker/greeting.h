/* What CONNACK tells a 5.0 client beyond the standard, as flespi's broker does: user properties
 * `token` (JSON: who signed in) and `subscriptions` (JSON: those of a session that was resumed). */
#ifndef TRACKWIRE_BROKER_GREETING_H
#define TRACKWIRE_BROKER_GREETING_H

#include "broker/client.h"

/* Appends both as encoded user properties; a list of subscriptions too long for a property (65,535
 * bytes) is left out. Owner shard. */
void greeting_put_token(const struct client *c, struct buf *out);
void greeting_put_subscriptions(const struct session *s, struct buf *out);

#endif
