/* The output queue: see the header for the arrangement. Knows no socket. */
#include "net/output.h"

#include "base/mem.h"
#include "net/conn.h"

#include <assert.h>

/* A connection that says little gets a small chunk; one that has more than that waiting, large
 * ones. Both keep off powers of two, so that the heads of many chunks do not meet in one cache set.
 */
#define SMALL_BYTES 2024
#define LARGE_BYTES (CONN_RESERVE_MAX + 512)
/* Free chunks kept: 2 MiB and 1 MiB a shard. A turn that fans out to a thousand connections takes a
 * thousand small ones and gives them back at its end. */
#define SMALL_KEPT 1024
#define LARGE_KEPT 64
/* Up to here copying costs less than a segment, an iovec entry and two counts of the owner. */
#define COPY_MAX 512

struct out_segment {
    const uint8_t *p;
    size_t n;
    struct ref *owner; /* NULL: the bytes are the chunk's */
};

struct out_chunk {
    struct out_chunk *next;
    uint32_t size;  /* of `bytes`, with the segments at its end; a multiple of 8 */
    uint32_t used;  /* bytes at the front */
    uint32_t count; /* segments */
    uint32_t sent;  /* of them, wholly sent */
    uint8_t bytes[];
};

static struct out_segment *segment(const struct out_chunk *c, uint32_t i)
{
    return (struct out_segment *)(void *)(uintptr_t)(c->bytes + c->size) - 1 - i;
}

static size_t room(const struct out_chunk *c)
{
    return c->size - c->used - c->count * sizeof(struct out_segment);
}

/* ---- chunks ---- */

static struct out_chunk *chunk_take(struct out_pool *pool, bool is_small)
{
    struct out_chunk **list = is_small ? &pool->free_small : &pool->free_large;
    unsigned *count = is_small ? &pool->small_count : &pool->large_count;
    uint32_t size = is_small ? SMALL_BYTES : LARGE_BYTES;
    struct out_chunk *c = *list;
    if (c) {
        *list = c->next;
        --*count;
    } else {
        c = mem_alloc(MEM_NET, sizeof *c + size);
        if (!c)
            return NULL;
    }
    *c = (struct out_chunk){.size = size};
    return c;
}

static void chunk_give(struct out_pool *pool, struct out_chunk *c)
{
    bool is_small = c->size == SMALL_BYTES;
    struct out_chunk **list = is_small ? &pool->free_small : &pool->free_large;
    unsigned *count = is_small ? &pool->small_count : &pool->large_count;
    if (*count >= (is_small ? SMALL_KEPT : LARGE_KEPT)) {
        mem_free(MEM_NET, c);
        return;
    }
    c->next = *list;
    *list = c;
    ++*count;
}

static void free_list(struct out_chunk *c)
{
    while (c) {
        struct out_chunk *next = c->next;
        mem_free(MEM_NET, c);
        c = next;
    }
}

void out_pool_fini(struct out_pool *pool)
{
    free_list(pool->free_small);
    free_list(pool->free_large);
    *pool = (struct out_pool){0};
}

/* ---- adding ---- */

/* A last chunk with room for `n` bytes and the segment that may have to go with them. */
static struct out_chunk *chunk_for(struct output *o, struct out_pool *pool, size_t n)
{
    struct out_chunk *last = o->last;
    size_t need = n + sizeof(struct out_segment);
    if (last && room(last) >= need)
        return last;
    struct out_chunk *c = chunk_take(pool, !last && need <= SMALL_BYTES);
    if (!c)
        return NULL;
    if (last)
        last->next = c;
    else
        o->first = c;
    return o->last = c;
}

static void add_segment(struct out_chunk *c, struct out_segment s)
{
    *segment(c, c->count++) = s;
}

uint8_t *output_reserve(struct output *o, struct out_pool *pool, size_t n)
{
    assert(n <= CONN_RESERVE_MAX);
    struct out_chunk *c = chunk_for(o, pool, n);
    return c ? c->bytes + c->used : NULL;
}

void output_commit(struct output *o, size_t used)
{
    struct out_chunk *c = o->last;
    if (used == 0)
        return;
    assert(c && used + sizeof(struct out_segment) <= room(c));
    uint8_t *p = c->bytes + c->used;
    struct out_segment *last = c->count ? segment(c, c->count - 1) : NULL;
    if (last && !last->owner && last->p + last->n == p)
        last->n += used;
    else
        add_segment(c, (struct out_segment){p, used, NULL});
    c->used += (uint32_t)used;
    o->bytes += used;
}

bool output_add(struct output *o, struct out_pool *pool, struct span s)
{
    while (s.n) {
        /* What the last chunk has room for, or else a whole new chunk. */
        size_t left = o->last ? room(o->last) : 0;
        size_t n = s.n < CONN_RESERVE_MAX ? s.n : CONN_RESERVE_MAX;
        if (left > sizeof(struct out_segment) && left - sizeof(struct out_segment) < n)
            n = left - sizeof(struct out_segment);
        uint8_t *p = output_reserve(o, pool, n);
        if (!p)
            return false;
        memcpy(p, s.p, n);
        output_commit(o, n);
        s = span_from(s, n);
    }
    return true;
}

bool output_add_shared(struct output *o, struct out_pool *pool, struct ref *owner, struct span part)
{
    if (part.n <= COPY_MAX)
        return output_add(o, pool, part);
    struct out_chunk *c = chunk_for(o, pool, 0);
    if (!c)
        return false;
    add_segment(c, (struct out_segment){part.p, part.n, ref_take(owner)});
    o->bytes += part.n;
    return true;
}

/* ---- sending ---- */

int output_gather(const struct output *o, struct iovec *iov, int max)
{
    int count = 0;
    for (const struct out_chunk *c = o->first; c && count < max; c = c->next)
        for (uint32_t i = c->sent; i < c->count && count < max; i++) {
            const struct out_segment *s = segment(c, i);
            iov[count++] = (struct iovec){(void *)(uintptr_t)s->p, s->n};
        }
    return count;
}

static void drop_first(struct output *o, struct out_pool *pool)
{
    struct out_chunk *c = o->first;
    o->first = c->next;
    if (!o->first)
        o->last = NULL;
    chunk_give(pool, c);
}

void output_sent(struct output *o, struct out_pool *pool, size_t n)
{
    assert(n <= o->bytes);
    o->bytes -= n;
    while (o->first) {
        struct out_chunk *c = o->first;
        if (c->sent == c->count) {
            drop_first(o, pool);
            continue;
        }
        struct out_segment *s = segment(c, c->sent);
        size_t taken = n < s->n ? n : s->n;
        if (taken == 0)
            return;
        n -= taken;
        s->p += taken;
        s->n -= taken;
        if (s->n == 0) {
            c->sent++;
            if (s->owner)
                ref_drop(s->owner);
        }
    }
}

void output_clear(struct output *o, struct out_pool *pool)
{
    output_sent(o, pool, o->bytes);
}
