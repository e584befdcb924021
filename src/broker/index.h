/* The subscription index of one account: who gets a topic. Plain subscribers hang in value[0] of
 * the filter's tree node, branches in value[1]. Readers lock-free on any shard, writers under
 * the index's lock, which nobody holds while waiting. */
#ifndef TRACKWIRE_BROKER_INDEX_H
#define TRACKWIRE_BROKER_INDEX_H

#include "base/buf.h"
#include "broker/branch.h"
#include "broker/subscribers.h"
#include "broker/tree.h"

#include <pthread.h>

/* The branches at one filter; copied at each change of the list. */
struct branches {
    struct rcu_later later;
    uint32_t count;
    struct branch *list[];
};

struct index {
    pthread_mutex_t lock; /* protects all changes of the tree; taken after no other lock */
    struct tree tree;
    /* Subscriptions, and the shared ones among them; relaxed, statistics. */
    atomic_uint_fast64_t count, shared_count;
};

/* A subscription's place, kept by its session to find it again. */
struct index_place {
    struct tree_node *node;
    struct branch *branch; /* NULL: among the plain subscribers */
    uint32_t at;
};

/* An empty index; ERR_NO_MEMORY. Then index_fini also after a failure, when nobody reads any more.
 */
int index_init(struct index *x) MUST_USE;
/* Frees the tree with all places in it. */
void index_fini(struct index *x);

/* Adds a subscriber at a checked filter, which it must not have yet: see index_find. ERR_NO_MEMORY.
 */
int index_add(struct index *x, const struct filter *filter, uint64_t who, uint64_t options,
              struct index_place *ret) MUST_USE;
/* The place of a filter that somebody subscribed to; false when nobody did. `at` is left alone. */
bool index_find(struct index *x, const struct filter *filter, struct index_place *ret);
void index_change(struct index *x, const struct index_place *place, uint64_t who, uint64_t options);
void index_remove(struct index *x, const struct index_place *place, uint64_t who);

/* Appends the path of a place: its topic filter alone. */
void index_path_text(const struct index_place *place, struct buf *out);
/* Appends the filter text of a place, with `$share/name/`. Any shard that holds the place. */
void index_filter_text(const struct index_place *place, struct buf *out);

/* What a topic matched: borrowed pointers, good until the reader's turn ends. */
struct index_match {
    const struct subscribers **plain;
    struct branch **branches;
    uint32_t plain_count, branch_count, plain_cap, branch_cap;
    bool is_short; /* out of memory: something is missing */
};
/* Fills `m` (kept from call to call, its memory reused) for a topic. */
void index_match(const struct index *x, const struct tree_path *path, struct index_match *m);
void index_match_fini(struct index_match *m);

#endif
