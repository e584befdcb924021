/* The hash table of the gateway. It grows by doubling when it holds as many nodes as slots, so a
 * chain has one node on average; hashes are seeded (base/hash.h), so nobody outside can make long
 * ones. */
#include "gateway/table.h"

#include "base/mem.h"

#include <assert.h>

#define TABLE_SLOTS_MIN 16

static struct table_node **slot_of(const struct table *t, uint64_t hash)
{
    return &t->slots[hash & (t->slot_count - 1)];
}

static int grow(struct table *t)
{
    size_t count = t->slot_count ? t->slot_count * 2 : TABLE_SLOTS_MIN;
    struct table bigger = {mem_zalloc(MEM_GATEWAY, count * sizeof(*t->slots)), count, t->count};
    if (!bigger.slots)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < t->slot_count; i++) {
        struct table_node *next;
        for (struct table_node *node = t->slots[i]; node; node = next) {
            next = node->next;
            struct table_node **slot = slot_of(&bigger, node->hash);
            node->next = *slot;
            *slot = node;
        }
    }
    mem_free(MEM_GATEWAY, t->slots);
    *t = bigger;
    return 0;
}

int table_add(struct table *t, struct table_node *node, uint64_t hash)
{
    if (t->count >= t->slot_count) {
        int err = grow(t);
        if (err && !t->slots)
            return err;
    }
    struct table_node **slot = slot_of(t, hash);
    node->hash = hash;
    node->next = *slot;
    *slot = node;
    t->count++;
    return 0;
}

void table_remove(struct table *t, struct table_node *node)
{
    struct table_node **at = slot_of(t, node->hash);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    t->count--;
}

static struct table_node *with_hash(struct table_node *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct table_node *table_first(const struct table *t, uint64_t hash)
{
    return t->slots ? with_hash(*slot_of(t, hash), hash) : NULL;
}

struct table_node *table_next(const struct table_node *node)
{
    return with_hash(node->next, node->hash);
}

void table_each(struct table *t, void (*each)(void *context, struct table_node *node),
                void *context)
{
    for (size_t i = 0; i < t->slot_count; i++) {
        struct table_node *next;
        for (struct table_node *node = t->slots[i]; node; node = next) {
            next = node->next;
            each(context, node);
        }
    }
}

void table_fini(struct table *t)
{
    assert(t->count == 0);
    mem_free(MEM_GATEWAY, t->slots);
    *t = (struct table){0};
}
