/* The subscription index: changes under the lock, matching without. */
#include "broker/index.h"

#include "base/hash.h"

static void free_branches(struct rcu_later *later)
{
    mem_free(MEM_INDEX, (char *)later - offsetof(struct branches, later));
}

static struct branches *branches_of(const struct tree_node *n)
{
    return rcu_read(((struct tree_node *)n)->value[1]);
}

static void fini_node(struct tree_node *n, void *context)
{
    (void)context;
    subscribers_fini(&n->value[0]);
    struct branches *list = branches_of(n);
    for (uint32_t i = 0; list && i < list->count; i++) {
        subscribers_fini(&list->list[i]->members);
        ref_drop(&list->list[i]->ref);
    }
    mem_free(MEM_INDEX, list);
    rcu_publish(n->value[1], NULL);
}

int index_init(struct index *x)
{
    pthread_mutex_init(&x->lock, NULL);
    atomic_init(&x->count, 0);
    atomic_init(&x->shared_count, 0);
    return tree_init(&x->tree);
}

void index_fini(struct index *x)
{
    if (x->tree.root)
        tree_each(x->tree.root, fini_node, NULL);
    tree_fini(&x->tree);
    pthread_mutex_destroy(&x->lock);
}

static struct branch *find_branch(const struct tree_node *n, struct span name)
{
    struct branches *list = branches_of(n);
    for (uint32_t i = 0; list && i < list->count; i++) {
        if (span_equal(branch_name(list->list[i]), name))
            return list->list[i];
    }
    return NULL;
}

/* Publishes a copy of the list with `add`, or without `drop`. */
static int change_branches(struct tree_node *n, struct branch *add, struct branch *drop)
{
    struct branches *old = branches_of(n);
    uint32_t count = (old ? old->count : 0) + (add ? 1 : 0) - (drop ? 1 : 0);
    struct branches *list = NULL;
    if (count) {
        list = mem_alloc(MEM_INDEX, sizeof(*list) + count * sizeof(list->list[0]));
        if (!list)
            return ERR_NO_MEMORY;
        list->count = 0;
        for (uint32_t i = 0; old && i < old->count; i++) {
            if (old->list[i] != drop)
                list->list[list->count++] = old->list[i];
        }
        if (add)
            list->list[list->count++] = add;
    }
    rcu_publish(n->value[1], list);
    if (old)
        rcu_defer(&old->later, free_branches);
    return 0;
}

static int make_branch(struct tree_node *n, const struct filter *filter, struct branch **ret)
{
    struct branch *b;
    int err = branch_new(filter, &b);
    if (err < 0)
        return err;
    err = change_branches(n, b, NULL);
    if (err < 0)
        ref_drop(&b->ref);
    else
        *ret = b;
    return err;
}

static void drop_branch_if_empty(struct tree_node *n, struct branch *b)
{
    if (b && !subscribers_read(&b->members) && change_branches(n, NULL, b) == 0)
        branch_drop_later(b);
}

int index_add(struct index *x, const struct filter *filter, uint64_t who, uint64_t options,
              struct index_place *ret)
{
    pthread_mutex_lock(&x->lock);
    struct tree_node *n = tree_insert(&x->tree, filter->topic, true);
    struct branch *b = n && filter->branch.n ? find_branch(n, filter->branch) : NULL;
    int err = n ? 0 : ERR_NO_MEMORY;
    if (n && filter->branch.n && !b)
        err = make_branch(n, filter, &b);
    if (err == 0)
        err = subscribers_add(b ? &b->members : &n->value[0], who, options, &ret->at);
    if (err < 0) {
        drop_branch_if_empty(n, b);
        if (n)
            tree_prune(n);
        goto out;
    }
    ret->node = n;
    ret->branch = b;
    atomic_fetch_add_explicit(&x->count, 1, memory_order_relaxed);
    if (b && b->is_shared)
        atomic_fetch_add_explicit(&x->shared_count, 1, memory_order_relaxed);
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

bool index_find(struct index *x, const struct filter *filter, struct index_place *ret)
{
    struct tree_node *n = find_node(&x->tree, filter->topic);
    struct branch *b = n && filter->branch.n ? find_branch(n, filter->branch) : NULL;
    if (!n || (filter->branch.n && !b))
        return false;
    ret->node = n;
    ret->branch = b;
    return true;
}

static _Atomic(void *) *home_of(const struct index_place *place)
{
    return place->branch ? &place->branch->members : &place->node->value[0];
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
    if (place->branch && place->branch->is_shared)
        atomic_fetch_sub_explicit(&x->shared_count, 1, memory_order_relaxed);
    drop_branch_if_empty(place->node, place->branch);
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

void index_path_text(const struct index_place *place, struct buf *out)
{
    path_text(place->node, out);
}

void index_filter_text(const struct index_place *place, struct buf *out)
{
    if (place->branch && place->branch->has_whole_text) {
        buf_add_span(out, branch_name(place->branch));
        return;
    }
    if (place->branch) {
        buf_add_str(out, "$share/");
        buf_add_span(out, branch_name(place->branch));
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
    const struct branches *list = branches_of(n);
    for (uint32_t i = 0; list && i < list->count; i++) {
        if (grow(&m->branches, m->branch_count, &m->branch_cap))
            m->branches[m->branch_count++] = list->list[i];
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
    m->plain_count = m->branch_count = 0;
    m->is_short = false;
    walk(x->tree.root, path, 0, m);
}

void index_match_fini(struct index_match *m)
{
    mem_free(MEM_INDEX, m->plain);
    mem_free(MEM_INDEX, m->branches);
    *m = (struct index_match){0};
}
