/* Bump allocator over a list of blocks. */
#include "base/arena.h"

#include <stdalign.h>

#define BLOCK_BYTES 4096

struct arena_block {
    struct arena_block *next;
    size_t cap;
    alignas(max_align_t) uint8_t bytes[];
};

static size_t round_up(size_t n)
{
    return (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > a->limit || a->total > a->limit - n)
        return NULL;
    size_t need = round_up(n ? n : 1);
    if (!a->blocks || a->used + need > a->blocks->cap) {
        size_t cap = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        struct arena_block *block = mem_alloc(a->tag, sizeof(*block) + cap);
        if (!block)
            return NULL;
        block->next = a->blocks;
        block->cap = cap;
        a->blocks = block;
        a->used = 0;
    }
    void *p = a->blocks->bytes + a->used;
    a->used += need;
    a->total += n;
    return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
    uint8_t *p = arena_alloc(a, s.n);
    if (!p)
        return (struct span){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct span){p, s.n};
}

void arena_clear(struct arena *a)
{
    while (a->blocks && a->blocks->next) {
        struct arena_block *next = a->blocks->next;
        mem_free(a->tag, a->blocks);
        a->blocks = next;
    }
    a->used = 0;
    a->total = 0;
}

void arena_fini(struct arena *a)
{
    arena_clear(a);
    mem_free(a->tag, a->blocks);
    a->blocks = NULL;
}
