/* Retained messages: a tree of topics, values replaced under the lock and dropped after readers
 * moved on. */
#include "broker/retained.h"

#include "base/hash.h"

/* A message whose reference is dropped later, when no reader can be looking at it. */
struct drop_later {
    struct rcu_later later;
    struct msg *m;
};

static void run_drop(struct rcu_later *later)
{
    struct drop_later *d =
        (struct drop_later *)((char *)later - offsetof(struct drop_later, later));
    msg_drop(d->m);
    mem_free(MEM_INDEX, d);
}

int retained_init(struct retained *r, uint64_t count_max)
{
    pthread_mutex_init(&r->lock, NULL);
    atomic_init(&r->count, 0);
    atomic_init(&r->bytes, 0);
    r->count_max = count_max;
    return tree_init(&r->tree);
}

static void drop_value(struct tree_node *n, void *context)
{
    (void)context;
    struct msg *m = rcu_read(n->value[0]);
    if (m)
        msg_drop(m);
}

void retained_fini(struct retained *r)
{
    if (r->tree.root)
        tree_each(r->tree.root, drop_value, NULL);
    tree_fini(&r->tree);
    pthread_mutex_destroy(&r->lock);
}

/* Under the lock. */
static void change_bytes(struct retained *r, const struct msg *fresh, const struct msg *old)
{
    uint64_t bytes = atomic_load_explicit(&r->bytes, memory_order_relaxed);
    bytes += (fresh ? msg_bytes(fresh) : 0) - (old ? msg_bytes(old) : 0);
    atomic_store_explicit(&r->bytes, bytes, memory_order_relaxed);
}

int retained_set(struct retained *r, struct msg *m)
{
    struct drop_later *drop = mem_alloc(MEM_INDEX, sizeof(*drop));
    if (!drop)
        return ERR_NO_MEMORY;
    int err = 0;
    pthread_mutex_lock(&r->lock);
    struct tree_node *n = tree_insert(&r->tree, msg_topic(m), false);
    struct msg *old = n ? rcu_read(n->value[0]) : NULL;
    if (!n) {
        err = ERR_NO_MEMORY;
    } else if (!old && atomic_load_explicit(&r->count, memory_order_relaxed) >= r->count_max) {
        tree_prune(n);
        err = err_raise(ERR_RETAINED_LIMIT);
    } else {
        ref_take(&m->ref);
        rcu_publish(n->value[0], m);
        change_bytes(r, m, old);
        if (!old)
            atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&r->lock);
    if (err < 0 || !old) {
        mem_free(MEM_INDEX, drop);
        return err;
    }
    drop->m = old;
    rcu_defer(&drop->later, run_drop);
    return 0;
}

static struct tree_node *find_node(const struct retained *r, struct span topic)
{
    struct tree_node *n = r->tree.root;
    struct span level;
    bool more = true;
    while (n && topic_level_next(&topic, &more, &level))
        n = tree_child(n, level, hash_bytes(level));
    return n;
}

void retained_clear(struct retained *r, struct span topic)
{
    struct drop_later *drop = mem_alloc(MEM_INDEX, sizeof(*drop));
    if (!drop)
        return;
    pthread_mutex_lock(&r->lock);
    struct tree_node *n = find_node(r, topic);
    drop->m = n ? rcu_read(n->value[0]) : NULL;
    if (drop->m) {
        rcu_publish(n->value[0], NULL);
        change_bytes(r, NULL, drop->m);
        atomic_fetch_sub_explicit(&r->count, 1, memory_order_relaxed);
        tree_prune(n);
    }
    pthread_mutex_unlock(&r->lock);
    if (drop->m)
        rcu_defer(&drop->later, run_drop);
    else
        mem_free(MEM_INDEX, drop);
}

struct search {
    struct tree_path path; /* the filter's levels */
    size_t depth;
    int64_t now_ms;
    void (*each)(struct msg *m, void *context);
    void *context;
};

static void tell(struct tree_node *n, struct search *s)
{
    struct msg *m = rcu_read(n->value[0]);
    if (m && (!m->expires_ms || m->expires_ms > s->now_ms))
        s->each(m, s->context);
}

static bool is_hidden(const struct tree_node *n, const struct search *s)
{
    return s->depth == 0 && n->level_n && n->level[0] == '$';
}

static void walk(struct tree_node *n, struct search *s);

static void walk_plus(struct tree_node *child, void *context)
{
    struct search *s = context;
    if (is_hidden(child, s))
        return;
    s->depth++;
    walk(child, s);
    s->depth--;
}

static void walk_all(struct tree_node *child, void *context)
{
    struct search *s = context;
    if (is_hidden(child, s))
        return;
    s->depth++;
    tell(child, s);
    tree_children(child, walk_all, s);
    s->depth--;
}

/* Depth is bounded by MQTT_TOPIC_LEVELS_MAX: deeper topics are refused when published. */
static void walk(struct tree_node *n, struct search *s)
{
    if (s->depth == s->path.count) {
        tell(n, s);
        return;
    }
    struct span level = s->path.levels[s->depth].level;
    if (span_equal(level, SPAN_LIT("#"))) {
        if (s->depth > 0)
            tell(n, s); /* "a/#" matches "a" too */
        tree_children(n, walk_all, s);
    } else if (span_equal(level, SPAN_LIT("+"))) {
        tree_children(n, walk_plus, s);
    } else {
        struct tree_node *child = tree_child(n, level, s->path.levels[s->depth].hash);
        if (child) {
            s->depth++;
            walk(child, s);
            s->depth--;
        }
    }
}

void retained_match(const struct retained *r, struct span filter, int64_t now_ms,
                    void (*each)(struct msg *m, void *context), void *context)
{
    struct search s = {.now_ms = now_ms, .each = each, .context = context};
    if (tree_path_split(&s.path, filter))
        walk(r->tree.root, &s);
}
