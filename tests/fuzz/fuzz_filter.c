/* Subscriptions: whatever filter_parse takes is put into an index, and what the index says of a
 * topic must be what the plain definition says. Input: a topic, a zero byte, filters between zero
 * bytes. */
#include "base/hash.h"
#include "broker/index.h"

#include <stdlib.h>

#define FILTERS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct entry {
    struct index_place place;
    struct buf path; /* of a filter with lists the first */
    bool is_in;
};

static struct index *the_index(void)
{
    static struct index x;
    static bool is_ready;
    if (!is_ready) {
        hash_seed();
        rcu_join();
        if (index_init(&x) < 0)
            abort();
        is_ready = true;
    }
    return &x;
}

static void add(struct index *x, struct span text, uint64_t who, struct entry *e)
{
    struct filter f;
    e->path = buf_make(MEM_INDEX, UINT16_MAX);
    if (filter_parse(text, &f) < 0)
        return;
    if (!filter_path(&f, 0, &e->path))
        abort();
    f.topic = buf_span(&e->path);
    e->is_in = index_add(x, &f, who, 0, &e->place) == 0;
}

static uint32_t count_of(const struct subscribers *s, uint64_t who)
{
    uint32_t n = 0;
    uint32_t count = s ? atomic_load(&((struct subscribers *)s)->count) : 0;
    for (uint32_t i = 0; i < count; i++)
        n += atomic_load(&((struct subscribers *)s)->places[i].who) == who;
    return n;
}

static uint32_t matches_of(const struct index_match *m, uint64_t who)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->plain_count; i++)
        n += count_of(m->plain[i], who);
    for (uint32_t i = 0; i < m->branch_count; i++)
        n += count_of(subscribers_read(&m->branches[i]->members), who);
    return n;
}

static void compare(const struct index *x, struct span topic, const struct entry *entries)
{
    struct tree_path path;
    static struct index_match m;
    if (topic_name_check(topic) < 0 || !tree_path_split(&path, topic))
        return;
    index_match(x, &path, &m);
    for (uint32_t i = 0; i < FILTERS_MAX; i++) {
        bool is_wanted = entries[i].is_in && topic_matches(buf_span(&entries[i].path), topic);
        if (matches_of(&m, i + 1) != is_wanted)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct index *x = the_index();
    struct span rest = {data, size};
    struct span topic = span_head(rest, span_find(rest, 0));
    struct entry entries[FILTERS_MAX] = {0};
    if (size > UINT16_MAX)
        return 0;
    rest = span_from(rest, topic.n + 1);
    for (uint32_t i = 0; i < FILTERS_MAX; i++) {
        struct span text = span_head(rest, span_find(rest, 0));
        rest = span_from(rest, text.n + 1);
        add(x, text, i + 1, &entries[i]);
    }
    compare(x, topic, entries);
    for (uint32_t i = 0; i < FILTERS_MAX; i++) {
        if (entries[i].is_in)
            index_remove(x, &entries[i].place, i + 1);
        buf_fini(&entries[i].path);
    }
    if (x->tree.root->child_count || atomic_load(&x->count))
        abort(); /* nothing is left behind */
    rcu_mark_quiescent();
    return 0;
}
