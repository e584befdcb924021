/* Arrays of subscribers: appended in place, removed by clearing the place, copied when they grow or
 * when most places are empty. */
#include "broker/subscribers.h"

#include "base/mem.h"

static void free_later(struct rcu_later *later)
{
    mem_free(MEM_INDEX, (char *)later - offsetof(struct subscribers, later));
}

static struct subscribers *of(_Atomic(void *) *home)
{
    return atomic_load_explicit(home, memory_order_relaxed);
}

/* A copy without the removed places and with room for `more`. */
static struct subscribers *copy_with_room(const struct subscribers *old, uint32_t more)
{
    uint32_t live =
        old ? atomic_load_explicit(&old->count, memory_order_relaxed) - old->removed : 0;
    uint32_t cap = live + more < 2 ? 1 : (live + more) * 2;
    struct subscribers *s = mem_alloc(MEM_INDEX, sizeof(*s) + cap * sizeof(s->places[0]));
    if (!s)
        return NULL;
    s->cap = cap;
    s->removed = 0;
    uint32_t n = 0;
    uint32_t count = old ? atomic_load_explicit(&old->count, memory_order_relaxed) : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t who = atomic_load_explicit(&old->places[i].who, memory_order_relaxed);
        if (!who)
            continue;
        atomic_init(&s->places[n].who, who);
        atomic_init(&s->places[n].options,
                    atomic_load_explicit(&old->places[i].options, memory_order_relaxed));
        n++;
    }
    atomic_init(&s->count, n);
    return s;
}

int subscribers_add(_Atomic(void *) *home, uint64_t who, uint64_t options, uint32_t *ret_at)
{
    struct subscribers *s = of(home), *old = NULL;
    if (!s || atomic_load_explicit(&s->count, memory_order_relaxed) == s->cap) {
        old = s;
        s = copy_with_room(old, 1);
        if (!s)
            return ERR_NO_MEMORY;
    }
    uint32_t at = atomic_load_explicit(&s->count, memory_order_relaxed);
    atomic_store_explicit(&s->places[at].options, options, memory_order_relaxed);
    atomic_store_explicit(&s->places[at].who, who, memory_order_relaxed);
    /* Release: a reader that sees the count sees the place. */
    atomic_store_explicit(&s->count, at + 1, memory_order_release);
    if (s != of(home))
        rcu_publish(*home, s);
    if (old)
        rcu_defer(&old->later, free_later);
    *ret_at = at;
    return 0;
}

/* The place of `who`: at the hint, or searched when a copy has moved it. */
static struct subscribers_place *place_of(struct subscribers *s, uint64_t who, uint32_t at)
{
    uint32_t count = atomic_load_explicit(&s->count, memory_order_relaxed);
    if (at < count && atomic_load_explicit(&s->places[at].who, memory_order_relaxed) == who)
        return &s->places[at];
    for (uint32_t i = 0; i < count; i++) {
        if (atomic_load_explicit(&s->places[i].who, memory_order_relaxed) == who)
            return &s->places[i];
    }
    return NULL;
}

void subscribers_change(_Atomic(void *) *home, uint64_t who, uint32_t at, uint64_t options)
{
    struct subscribers *s = of(home);
    struct subscribers_place *place = s ? place_of(s, who, at) : NULL;
    if (place)
        atomic_store_explicit(&place->options, options, memory_order_relaxed);
}

void subscribers_remove(_Atomic(void *) *home, uint64_t who, uint32_t at)
{
    struct subscribers *s = of(home);
    struct subscribers_place *place = s ? place_of(s, who, at) : NULL;
    if (!place)
        return;
    atomic_store_explicit(&place->who, 0, memory_order_relaxed);
    s->removed++;
    uint32_t count = atomic_load_explicit(&s->count, memory_order_relaxed);
    if (s->removed == count) {
        rcu_publish(*home, NULL);
        rcu_defer(&s->later, free_later);
    } else if (s->removed > 16 && s->removed * 2 > count) {
        struct subscribers *fresh = copy_with_room(s, 0);
        if (!fresh)
            return; /* the holes stay until the next removal */
        rcu_publish(*home, fresh);
        rcu_defer(&s->later, free_later);
    }
}

void subscribers_fini(_Atomic(void *) *home)
{
    mem_free(MEM_INDEX, of(home));
    atomic_store_explicit(home, NULL, memory_order_relaxed);
}
