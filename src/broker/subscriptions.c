/* A session's subscriptions: a list, with a hash table over it once it is long. */
#include "broker/subscriptions.h"

#include "base/hash.h"

#define LINEAR_MAX 16u
#define NONE UINT32_MAX

static uint64_t place_hash(const struct index_place *p)
{
    return hash_mix((uint64_t)(uintptr_t)p->node, (uint64_t)(uintptr_t)p->branch);
}

static bool is_same(const struct index_place *a, const struct index_place *b)
{
    return a->node == b->node && a->branch == b->branch;
}

static uint32_t bucket_of(const struct subscriptions *s, const struct index_place *place)
{
    uint32_t b = (uint32_t)place_hash(place) & s->bucket_mask;
    while (s->buckets[b] && !is_same(&s->list[s->buckets[b] - 1].place, place))
        b = (b + 1) & s->bucket_mask;
    return b;
}

static uint32_t find(const struct subscriptions *s, const struct index_place *place)
{
    if (s->buckets) {
        uint32_t at = s->buckets[bucket_of(s, place)];
        return at ? at - 1 : NONE;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        if (is_same(&s->list[i].place, place))
            return i;
    }
    return NONE;
}

/* Rebuilds the hash table for the list as it is; without memory the list is searched linearly. */
static void rebuild(struct subscriptions *s)
{
    mem_free(MEM_SESSION, s->buckets);
    s->buckets = NULL;
    if (s->count <= LINEAR_MAX)
        return;
    uint32_t places = 64;
    while (places < s->cap * 2)
        places *= 2;
    s->buckets = mem_zalloc(MEM_SESSION, places * sizeof(s->buckets[0]));
    if (!s->buckets)
        return;
    s->bucket_mask = places - 1;
    for (uint32_t i = 0; i < s->count; i++)
        s->buckets[bucket_of(s, &s->list[i].place)] = i + 1;
}

static int append(struct subscriptions *s, const struct subscription *fresh)
{
    bool must_rebuild = s->count == LINEAR_MAX;
    if (s->count == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 1;
        struct subscription *list = mem_realloc(MEM_SESSION, s->list, cap * sizeof(list[0]));
        if (!list)
            return ERR_NO_MEMORY;
        s->list = list;
        s->cap = cap;
        must_rebuild = true;
    }
    s->list[s->count++] = *fresh;
    if (must_rebuild)
        rebuild(s);
    else if (s->buckets)
        s->buckets[bucket_of(s, &fresh->place)] = s->count;
    return 0;
}

bool subscriptions_has(const struct subscriptions *s, struct index *x, const struct filter *filter)
{
    struct index_place place;
    return index_find(x, filter, &place) && find(s, &place) != NONE;
}

int subscriptions_set(struct subscriptions *s, struct index *x, const struct filter *filter,
                      uint64_t who, uint64_t options)
{
    struct subscription fresh = {.options = options};
    if (index_find(x, filter, &fresh.place)) {
        uint32_t at = find(s, &fresh.place);
        if (at != NONE) {
            s->list[at].options = options;
            index_change(x, &s->list[at].place, who, options);
            return 0;
        }
    }
    int err = index_add(x, filter, who, options, &fresh.place);
    if (err < 0)
        return err;
    err = append(s, &fresh);
    if (err < 0) {
        index_remove(x, &fresh.place, who);
        return err;
    }
    return 1;
}

/* Takes `at` out of the hash table and tells the table that the last of the list moves there. Those
 * that were probed past the hole move up, so that no search ends at it: one packet may unsubscribe
 * from thousands of filters, and a table made anew for each would hold the shard up for minutes. */
static void unlist(struct subscriptions *s, uint32_t at)
{
    uint32_t hole = bucket_of(s, &s->list[at].place), mask = s->bucket_mask;
    for (uint32_t b = (hole + 1) & mask; s->buckets[b]; b = (b + 1) & mask) {
        uint32_t wanted = (uint32_t)place_hash(&s->list[s->buckets[b] - 1].place);
        if (((b - wanted) & mask) >= ((b - hole) & mask)) {
            s->buckets[hole] = s->buckets[b];
            hole = b;
        }
    }
    s->buckets[hole] = 0;
    if (at != s->count - 1)
        s->buckets[bucket_of(s, &s->list[s->count - 1].place)] = at + 1;
}

bool subscriptions_remove(struct subscriptions *s, struct index *x, const struct filter *filter,
                          uint64_t who)
{
    struct index_place place;
    if (!index_find(x, filter, &place))
        return false;
    uint32_t at = find(s, &place);
    if (at == NONE)
        return false;
    index_remove(x, &s->list[at].place, who);
    if (s->buckets)
        unlist(s, at);
    s->list[at] = s->list[--s->count];
    if (s->count == LINEAR_MAX)
        rebuild(s);
    return true;
}

void subscriptions_clear(struct subscriptions *s, struct index *x, uint64_t who)
{
    for (uint32_t i = 0; i < s->count; i++)
        index_remove(x, &s->list[i].place, who);
    mem_free(MEM_SESSION, s->list);
    mem_free(MEM_SESSION, s->buckets);
    *s = (struct subscriptions){0};
}
