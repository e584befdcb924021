/* A tree of topic levels that many threads walk without locks while one changes it. It carries the
 * subscription index (levels of filters) and the retained messages (levels of topics).
 *
 *     root -+- "flespi" --- "message" --- "gw" -+- "channels" -+- "12" --- plus
 *           |                                   |              +- plus  --- plus
 *           |                                   +- "devices" --- hash
 *           +- plus --- hash
 *
 * Readers are joined RCU threads and keep no pointer past their turn. Writers hold the lock of the
 * account that owns the tree. Children sit in an open-addressing table of pointers which is
 * replaced when it grows; nodes and tables are freed after all readers moved on. */
#ifndef TRACKWIRE_BROKER_TREE_H
#define TRACKWIRE_BROKER_TREE_H

#include "base/mem.h"
#include "base/rcu.h"
#include "base/span.h"
#include "mqtt/topic.h"

#include <stdatomic.h>

struct tree_table;

struct tree_node {
    struct rcu_later later;
    struct tree_node *parent;              /* NULL for the root */
    _Atomic(struct tree_table *) children; /* by level, without + and # */
    _Atomic(struct tree_node *) plus;      /* the child for level "+" */
    _Atomic(struct tree_node *) hash;      /* the child for level "#" */
    _Atomic(void *) value[2];              /* what hangs here, as the owner of the tree decides */
    uint64_t level_hash;
    uint32_t child_count; /* plus and hash counted; writers only */
    uint16_t level_n;
    uint8_t level[];
};

struct tree {
    struct tree_node *root;
};

/* An empty tree; ERR_NO_MEMORY. */
int tree_init(struct tree *t) MUST_USE;
/* Frees all nodes at once: no readers any more. Values are the caller's. */
void tree_fini(struct tree *t);

/* The node for `path`, made with its parents where missing; NULL out of memory. Writer. With
 * `has_wildcards` the levels + and # go to their places, without they are plain text. */
struct tree_node *tree_insert(struct tree *t, struct span path, bool has_wildcards);
/* Removes `n` and its parents as far as they have neither children nor values. Writer. */
void tree_prune(struct tree_node *n);
/* The child for a level, NULL when there is none. Reader or writer. */
struct tree_node *tree_child(const struct tree_node *n, struct span level, uint64_t level_hash);
/* Calls `each` for every plain child (not plus, not hash). Reader. */
void tree_children(const struct tree_node *n, void (*each)(struct tree_node *child, void *context),
                   void *context);
/* Calls `each` for every node, children first. No readers or writers meanwhile. */
void tree_each(struct tree_node *n, void (*each)(struct tree_node *n, void *context),
               void *context);

/* A topic cut into levels, each hashed once. */
struct tree_path {
    size_t count;
    bool is_dollar; /* starts with `$`: hidden from wildcards at the first level */
    struct {
        struct span level;
        uint64_t hash;
    } levels[MQTT_TOPIC_LEVELS_MAX];
};
/* False when there are more than MQTT_TOPIC_LEVELS_MAX levels. */
bool tree_path_split(struct tree_path *path, struct span topic);

static inline struct span tree_level(const struct tree_node *n)
{
    return (struct span){n->level, n->level_n};
}

#endif
