/* What the connections of one shard share: the read buffer, chunks for output, the list of those
 * with output to send. */
#ifndef TRACKWIRE_NET_NET_H
#define TRACKWIRE_NET_NET_H

#include "loop/shard.h"

/* Makes a shard ready for connections, listeners and datagrams. Before the shards start. */
int net_shard_open(struct shard *s) MUST_USE;
/* Ends what connections linger and frees the rest; all others must be closed. After the join. */
void net_shard_close(struct shard *s);

#endif
