/* How often one address may connect: a table of buckets by source address, of fixed size, shared by
 * all shards without a lock. IPv6 counts by /64, which is what one customer gets. When too many
 * addresses are active at once the fullest bucket makes room: a forgotten address starts afresh. */
#ifndef TRACKWIRE_BROKER_ADMISSION_H
#define TRACKWIRE_BROKER_ADMISSION_H

#include "base/err.h"
#include "net/address.h"

struct admission;

/* `per_second` and `burst` for each address; `per_second` 0: everyone is let in, and *ret is NULL.
 * The caller owns the table. ERR_NO_MEMORY. */
int admission_new(uint32_t per_second, uint32_t burst, struct admission **ret) MUST_USE;
void admission_free(struct admission **a);

/* True: the address may connect now. False: it may not; `ret_must_log` is true for the first
 * refusal of an address in a minute. NULL lets everyone in. Any shard. */
bool admission_take(struct admission *a, const struct net_address *peer, int64_t now_ms,
                    bool *ret_must_log) MUST_USE;

#endif
