/* What a client may publish and subscribe to. One place, asked on every path. */
#ifndef TRACKWIRE_BROKER_RIGHTS_H
#define TRACKWIRE_BROKER_RIGHTS_H

#include "broker/shard_state.h"

/* 0, or why a client may not publish to a checked topic: ERR_BROKER_RESERVED_TOPIC for those of the
 * platform, ERR_BROKER_DOLLAR_TOPIC for the server's own. */
int rights_publish(const struct broker *b, struct span topic) MUST_USE;

#endif
