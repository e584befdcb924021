/* A small chained hash table whose nodes live inside the things they find: channels by id, devices
 * by id and by ident, connections by ident. The table compares hashes only; the caller compares
 * keys. One shard's, or guarded by its holder. */
#ifndef TRACKWIRE_GATEWAY_TABLE_H
#define TRACKWIRE_GATEWAY_TABLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_node {
    struct table_node *next;
    uint64_t hash;
};

struct table {
    struct table_node **slots; /* NULL before the first table_add */
    size_t slot_count;         /* a power of two, or 0 */
    size_t count;
};

/* Adds `node`, which must not be in a table. ERR_NO_MEMORY only when the table has no slots yet: a
 * table that cannot grow goes on with longer chains. */
int table_add(struct table *t, struct table_node *node, uint64_t hash) MUST_USE;
/* Takes `node`, which is in `t`, out. */
void table_remove(struct table *t, struct table_node *node);
/* The first node with `hash`, and the next one after `node` with the same hash; NULL when none. */
struct table_node *table_first(const struct table *t, uint64_t hash);
struct table_node *table_next(const struct table_node *node);
/* Calls `each` for every node; it may take out the node that it was given, and no other. */
void table_each(struct table *t, void (*each)(void *context, struct table_node *node),
                void *context);
/* Frees the slots of an empty table. */
void table_fini(struct table *t);

#endif
