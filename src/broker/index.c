/* The subscription index: changes under the lock, matching without. */
#include "broker/index.h"

#include "base/hash.h"

static void free_group(struct rcu_later *later)
{
    mem_free(MEM_INDEX, (char *)later - offsetof(struct share_group, later));
}

static void free_groups(struct rcu_later *later)
{
    mem_free(MEM_INDEX, (char *)later - offsetof(struct share_groups, later));
}

static struct share_groups *groups_of(const struct tree_node *n)
{
    return rcu_read(((struct tree_node *)n)->value[1]);
}

static void fini_node(struct tree_node *n, void *context)
{
    (void)context;
    subscribers_fini(&n->value[0]);
    struct share_groups *list = groups_of(n);
    for (uint32_t i = 0; list && i < list->count; i++) {
        subscribers_fini(&list->groups[i]->members);
        free_group(&list->groups[i]->later);
    }
    mem_free(MEM_INDEX, list);
    rcu_publish(n->value[1], NULL);
}

int index_init(struct index *x)
{
    pthread_mutex_init(&x->lock, NULL);
    atomic_init(&x->count, 0);
    return tree_init(&x->tree);
}

void index_fini(struct index *x)
{
    if (x->tree.root)
        tree_each(x->tree.root, fini_node, NULL);
    tree_fini(&x->tree);
    pthread_mutex_destroy(&x->lock);
}

static struct share_group *find_group(const struct tree_node *n, struct span name)
{
    struct share_groups *list = groups_of(n);
    for (uint32_t i = 0; list && i < list->count; i++) {
        struct share_group *g = list->groups[i];
        if (span_equal((struct span){g->name, g->name_n}, name))
            return g;
    }
    return NULL;
}

/* Publishes a copy of the list with `add`, or without `drop`. */
static int change_groups(struct tree_node *n, struct share_group *add, struct share_group *drop)
{
    struct share_groups *old = groups_of(n);
    uint32_t count = (old ? old->count : 0) + (add ? 1 : 0) - (drop ? 1 : 0);
    struct share_groups *list = NULL;
    if (count) {
        list = mem_alloc(MEM_INDEX, sizeof(*list) + count * sizeof(list->groups[0]));
        if (!list)
            return ERR_NO_MEMORY;
        list->count = 0;
        for (uint32_t i = 0; old && i < old->count; i++) {
            if (old->groups[i] != drop)
                list->groups[list->count++] = old->groups[i];
        }
        if (add)
            list->groups[list->count++] = add;
    }
    rcu_publish(n->value[1], list);
    if (old)
        rcu_defer(&old->later, free_groups);
    return 0;
}

static struct share_group *make_group(struct tree_node *n, struct span name)
{
    struct share_group *g = mem_zalloc(MEM_INDEX, sizeof(*g) + name.n);
    if (!g)
        return NULL;
    g->name_n = (uint32_t)name.n;
    memcpy(g->name, name.p, name.n);
    if (change_groups(n, g, NULL) < 0) {
        free_group(&g->later);
        return NULL;
    }
    return g;
}

static void drop_group_if_empty(struct tree_node *n, struct share_group *g)
{
    if (g && !subscribers_read(&g->members) && change_groups(n, NULL, g) == 0)
        rcu_defer(&g->later, free_group);
}

int index_add(struct index *x, const struct topic_filter *filter, uint64_t who, uint64_t options,
              struct index_place *ret)
{
    int err = ERR_NO_MEMORY;
    pthread_mutex_lock(&x->lock);
    struct tree_node *n = tree_insert(&x->tree, filter->filter, true);
    struct share_group *g = NULL;
    if (!n)
        goto out;
    if (filter->group.n) {
        g = find_group(n, filter->group);
        g = g ? g : make_group(n, filter->group);
        if (!g) {
            tree_prune(n);
            goto out;
        }
    }
    err = subscribers_add(g ? &g->members : &n->value[0], who, options, &ret->at);
    if (err < 0) {
        drop_group_if_empty(n, g);
        tree_prune(n);
        goto out;
    }
    ret->node = n;
    ret->group = g;
    atomic_fetch_add_explicit(&x->count, 1, memory_order_relaxed);
out:
    pthread_mutex_unlock(&x->lock);
    return err;
}

static struct tree_node *find_node(const struct tree *t, struct span filter)
{
    struct tree_node *n = t->root;
    struct span level;
    bool more = true;
    while (n && topic_level_next(&filter, &more, &level)) {
        if (level.n == 1 && level.p[0] == '+')
            n = rcu_read(n->plus);
        else if (level.n == 1 && level.p[0] == '#')
            n = rcu_read(n->hash);
        else
            n = tree_child(n, level, hash_bytes(level));
    }
    return n;
}

bool index_find(struct index *x, const struct topic_filter *filter, struct index_place *ret)
{
    struct tree_node *n = find_node(&x->tree, filter->filter);
    struct share_group *g = n && filter->group.n ? find_group(n, filter->group) : NULL;
    if (!n || (filter->group.n && !g))
        return false;
    ret->node = n;
    ret->group = g;
    return true;
}

static _Atomic(void *) *home_of(const struct index_place *place)
{
    return place->group ? &place->group->members : &place->node->value[0];
}

void index_change(struct index *x, const struct index_place *place, uint64_t who, uint64_t options)
{
    pthread_mutex_lock(&x->lock);
    subscribers_change(home_of(place), who, place->at, options);
    pthread_mutex_unlock(&x->lock);
}

void index_remove(struct index *x, const struct index_place *place, uint64_t who)
{
    pthread_mutex_lock(&x->lock);
    subscribers_remove(home_of(place), who, place->at);
    drop_group_if_empty(place->node, place->group);
    tree_prune(place->node);
    pthread_mutex_unlock(&x->lock);
    atomic_fetch_sub_explicit(&x->count, 1, memory_order_relaxed);
}

static void path_text(const struct tree_node *n, struct buf *out)
{
    if (!n->parent)
        return;
    path_text(n->parent, out);
    if (n->parent->parent)
        buf_add_u8(out, '/');
    buf_add_span(out, tree_level(n));
}

void index_filter_text(const struct index_place *place, struct buf *out)
{
    if (place->group) {
        buf_add_str(out, "$share/");
        buf_add(out, place->group->name, place->group->name_n);
        buf_add_u8(out, '/');
    }
    path_text(place->node, out);
}

static bool grow(void *list, uint32_t count, uint32_t *cap)
{
    if (count < *cap)
        return true;
    uint32_t fresh = *cap ? *cap * 2 : 32;
    void **p = mem_realloc(MEM_INDEX, *(void **)list, fresh * sizeof(void *));
    if (!p)
        return false;
    *(void **)list = p;
    *cap = fresh;
    return true;
}

static void take(const struct tree_node *n, struct index_match *m)
{
    const struct subscribers *s = subscribers_read(&n->value[0]);
    if (s) {
        if (grow(&m->plain, m->plain_count, &m->plain_cap))
            m->plain[m->plain_count++] = s;
        else
            m->is_short = true;
    }
    const struct share_groups *list = groups_of(n);
    for (uint32_t i = 0; list && i < list->count; i++) {
        if (grow(&m->groups, m->group_count, &m->group_cap))
            m->groups[m->group_count++] = list->groups[i];
        else
            m->is_short = true;
    }
}

/* Depth is bounded by MQTT_TOPIC_LEVELS_MAX. */
static void walk(const struct tree_node *n, const struct tree_path *path, size_t depth,
                 struct index_match *m)
{
    bool may_wild = depth > 0 || !path->is_dollar;
    const struct tree_node *hash = rcu_read(((struct tree_node *)n)->hash);
    if (hash && may_wild)
        take(hash, m);
    if (depth == path->count) {
        take(n, m);
        return;
    }
    const struct tree_node *child =
        tree_child(n, path->levels[depth].level, path->levels[depth].hash);
    if (child)
        walk(child, path, depth + 1, m);
    const struct tree_node *plus = rcu_read(((struct tree_node *)n)->plus);
    if (plus && may_wild)
        walk(plus, path, depth + 1, m);
}

void index_match(const struct index *x, const struct tree_path *path, struct index_match *m)
{
    m->plain_count = m->group_count = 0;
    m->is_short = false;
    walk(x->tree.root, path, 0, m);
}

void index_match_fini(struct index_match *m)
{
    mem_free(MEM_INDEX, m->plain);
    mem_free(MEM_INDEX, m->groups);
    *m = (struct index_match){0};
}
