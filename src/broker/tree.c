/* The topic tree: lock-free walks, copied tables, deferred frees. */
#include "broker/tree.h"

#include "base/hash.h"

#define TABLE_MIN 4
/* A place whose child was removed: probing goes on over it. */
#define REMOVED ((struct tree_node *)1)

struct tree_table {
    struct rcu_later later;
    uint32_t mask;
    uint32_t used; /* places that are not NULL, removed ones too; writers only */
    _Atomic(struct tree_node *) places[];
};

static void free_node(struct rcu_later *later)
{
    struct tree_node *n = (struct tree_node *)((char *)later - offsetof(struct tree_node, later));
    mem_free(MEM_INDEX, atomic_load_explicit(&n->children, memory_order_relaxed));
    mem_free(MEM_INDEX, n);
}

static void free_table(struct rcu_later *later)
{
    mem_free(MEM_INDEX, (char *)later - offsetof(struct tree_table, later));
}

static struct tree_node *node_new(struct tree_node *parent, struct span level, uint64_t level_hash)
{
    struct tree_node *n = mem_zalloc(MEM_INDEX, sizeof(*n) + level.n);
    if (!n)
        return NULL;
    n->parent = parent;
    n->level_hash = level_hash;
    n->level_n = (uint16_t)level.n;
    if (level.n)
        memcpy(n->level, level.p, level.n);
    return n;
}

int tree_init(struct tree *t)
{
    t->root = node_new(NULL, SPAN_LIT(""), 0);
    return t->root ? 0 : ERR_NO_MEMORY;
}

static void free_now(struct tree_node *n, void *context)
{
    (void)context;
    free_node(&n->later);
}

void tree_fini(struct tree *t)
{
    if (t->root)
        tree_each(t->root, free_now, NULL);
    t->root = NULL;
}

void tree_each(struct tree_node *n, void (*each)(struct tree_node *n, void *context), void *context)
{
    struct tree_table *t = rcu_read(n->children);
    for (uint32_t i = 0; t && i <= t->mask; i++) {
        struct tree_node *child = rcu_read(t->places[i]);
        if (child && child != REMOVED)
            tree_each(child, each, context);
    }
    struct tree_node *plus = rcu_read(n->plus), *hash = rcu_read(n->hash);
    if (plus)
        tree_each(plus, each, context);
    if (hash)
        tree_each(hash, each, context);
    each(n, context);
}

struct tree_node *tree_child(const struct tree_node *n, struct span level, uint64_t level_hash)
{
    struct tree_table *t = rcu_read(((struct tree_node *)n)->children);
    if (!t)
        return NULL;
    for (uint32_t i = (uint32_t)level_hash & t->mask;; i = (i + 1) & t->mask) {
        struct tree_node *child = rcu_read(t->places[i]);
        if (!child)
            return NULL;
        if (child != REMOVED && child->level_hash == level_hash &&
            span_equal(tree_level(child), level))
            return child;
    }
}

void tree_children(const struct tree_node *n, void (*each)(struct tree_node *child, void *context),
                   void *context)
{
    struct tree_table *t = rcu_read(((struct tree_node *)n)->children);
    for (uint32_t i = 0; t && i <= t->mask; i++) {
        struct tree_node *child = rcu_read(t->places[i]);
        if (child && child != REMOVED)
            each(child, context);
    }
}

static void table_put(struct tree_table *t, struct tree_node *child)
{
    uint32_t i = (uint32_t)child->level_hash & t->mask;
    while (atomic_load_explicit(&t->places[i], memory_order_relaxed))
        i = (i + 1) & t->mask;
    t->used++;
    rcu_publish(t->places[i], child);
}

/* Room for one more child: at least half of the places stay empty, so that walks stay short. */
static struct tree_table *table_for(struct tree_node *n)
{
    struct tree_table *old = atomic_load_explicit(&n->children, memory_order_relaxed);
    if (old && (old->used + 1) * 2 <= old->mask + 1)
        return old;
    uint32_t places = TABLE_MIN;
    while (places < (n->child_count + 1) * 2 + 1)
        places *= 2;
    struct tree_table *t = mem_zalloc(MEM_INDEX, sizeof(*t) + places * sizeof(t->places[0]));
    if (!t)
        return NULL;
    t->mask = places - 1;
    for (uint32_t i = 0; old && i <= old->mask; i++) {
        struct tree_node *child = atomic_load_explicit(&old->places[i], memory_order_relaxed);
        if (child && child != REMOVED)
            table_put(t, child);
    }
    rcu_publish(n->children, t);
    if (old)
        rcu_defer(&old->later, free_table);
    return t;
}

static struct tree_node *insert_level(struct tree_node *n, struct span level, bool has_wildcards)
{
    bool is_plus = has_wildcards && level.n == 1 && level.p[0] == '+';
    bool is_hash = has_wildcards && level.n == 1 && level.p[0] == '#';
    uint64_t level_hash = hash_bytes(level);
    struct tree_node *child = is_plus   ? rcu_read(n->plus)
                              : is_hash ? rcu_read(n->hash)
                                        : tree_child(n, level, level_hash);
    if (child)
        return child;
    struct tree_table *table = is_plus || is_hash ? NULL : table_for(n);
    if (!table && !is_plus && !is_hash)
        return NULL;
    child = node_new(n, level, level_hash);
    if (!child)
        return NULL;
    n->child_count++;
    if (is_plus)
        rcu_publish(n->plus, child);
    else if (is_hash)
        rcu_publish(n->hash, child);
    else
        table_put(table, child);
    return child;
}

struct tree_node *tree_insert(struct tree *t, struct span path, bool has_wildcards)
{
    struct tree_node *n = t->root;
    struct span level;
    bool more = true;
    while (topic_level_next(&path, &more, &level)) {
        struct tree_node *child = insert_level(n, level, has_wildcards);
        if (!child) {
            tree_prune(n);
            return NULL;
        }
        n = child;
    }
    return n;
}

static void unlink_child(struct tree_node *parent, struct tree_node *child)
{
    parent->child_count--;
    if (rcu_read(parent->plus) == child) {
        rcu_publish(parent->plus, NULL);
        return;
    }
    if (rcu_read(parent->hash) == child) {
        rcu_publish(parent->hash, NULL);
        return;
    }
    struct tree_table *t = atomic_load_explicit(&parent->children, memory_order_relaxed);
    for (uint32_t i = (uint32_t)child->level_hash & t->mask;; i = (i + 1) & t->mask) {
        if (atomic_load_explicit(&t->places[i], memory_order_relaxed) == child) {
            rcu_publish(t->places[i], REMOVED);
            return;
        }
    }
}

void tree_prune(struct tree_node *n)
{
    while (n->parent && n->child_count == 0 && !rcu_read(n->value[0]) && !rcu_read(n->value[1])) {
        struct tree_node *parent = n->parent;
        unlink_child(parent, n);
        rcu_defer(&n->later, free_node);
        n = parent;
    }
}

bool tree_path_split(struct tree_path *path, struct span topic)
{
    path->count = 0;
    path->is_dollar = topic.n && topic.p[0] == '$';
    struct span level;
    bool more = true;
    while (topic_level_next(&topic, &more, &level)) {
        if (path->count == MQTT_TOPIC_LEVELS_MAX)
            return false;
        path->levels[path->count].level = level;
        path->levels[path->count].hash = hash_bytes(level);
        path->count++;
    }
    return true;
}
