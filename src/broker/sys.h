/* The hub's figures as messages under `$SYS/broker/`, by the names that mosquitto gave them.
 * Nothing is stored: a subscriber gets all that match at once, flagged as retained messages, and
 * then, every `sys_interval_s`, those that changed. While nobody is subscribed nothing is done at
 * all.
 *
 * The figures are the server's, so only sessions of the root account get them. */
#ifndef TRACKWIRE_BROKER_SYS_H
#define TRACKWIRE_BROKER_SYS_H

#include "broker/session.h"

struct sys;

/* *ret is NULL when the configuration wants none. Before the shards start; the broker's. */
int sys_new(struct broker *b, struct sys **ret) MUST_USE;
/* After the shards were joined. */
void sys_free(struct sys **sys);

/* True when figures go to this session by a subscription to `filter` (without `$share`). */
bool sys_covers(const struct session *s, struct span filter);
/* Sends the figures now, and as they change from now on. Owner shard of the session. */
void sys_send(const struct session *s, struct span filter, uint64_t options);
/* Only as they change from now on. Any shard. */
void sys_watch(struct broker *b);

#endif
