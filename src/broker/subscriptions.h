/* The subscriptions of one session: their places in the account's index. Owner shard only. */
#ifndef TRACKWIRE_BROKER_SUBSCRIPTIONS_H
#define TRACKWIRE_BROKER_SUBSCRIPTIONS_H

#include "broker/index.h"

struct subscription {
    struct index_place place;
    uint64_t options; /* subscription_options */
};

struct subscriptions {
    struct subscription *list;
    uint32_t *buckets; /* places + 1 by hash of (node, group); NULL while the list is short */
    uint32_t count, cap, bucket_mask;
};

/* True when the session is subscribed to the filter. */
bool subscriptions_has(const struct subscriptions *s, struct index *x, const struct filter *filter);
/* Subscribes `who` to a checked filter, or changes the options of the subscription it has there.
 * Returns 1 when the subscription is new, 0 when it was there, ERR_NO_MEMORY. */
int subscriptions_set(struct subscriptions *s, struct index *x, const struct filter *filter,
                      uint64_t who, uint64_t options) MUST_USE;
/* False when there is no such subscription. */
bool subscriptions_remove(struct subscriptions *s, struct index *x, const struct filter *filter,
                          uint64_t who);
/* Ends all of them; nothing stays allocated. */
void subscriptions_clear(struct subscriptions *s, struct index *x, uint64_t who);

#endif
