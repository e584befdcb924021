/* The counted heap: malloc with a counter per purpose. Counters are striped by thread, because
 * every shard allocates under the same tags and a shared counter would bounce between cores. */
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define STRIPES 16

struct stripe {
    /* Relaxed: a statistic. A block may be freed by another thread than allocated it, so one
     * stripe may go negative; only the sum means something. */
    atomic_int_fast64_t bytes[MEM_TAG_COUNT_];
} __attribute__((aligned(64)));

static struct stripe stripes[STRIPES];
static atomic_uint next_stripe;
static _Thread_local struct stripe *own_stripe;

static const char *const names[MEM_TAG_COUNT_] = {
    [MEM_BASE] = "base",       [MEM_LOOP] = "loop",       [MEM_NET] = "net",
    [MEM_MESSAGE] = "message", [MEM_SESSION] = "session", [MEM_INDEX] = "index",
    [MEM_GATEWAY] = "gateway", [MEM_HUB] = "hub",         [MEM_REST] = "rest",
    [MEM_STORE] = "store",     [MEM_JSON] = "json",       [MEM_EXPR] = "expr",
};

static void count(enum mem_tag tag, int64_t delta)
{
    if (!own_stripe)
        own_stripe = &stripes[atomic_fetch_add(&next_stripe, 1) % STRIPES];
    atomic_int_fast64_t *c = &own_stripe->bytes[tag];
    atomic_fetch_add_explicit(c, delta, memory_order_relaxed);
}

void *mem_alloc(enum mem_tag tag, size_t n)
{
    void *p = malloc(n ? n : 1);
    if (p)
        count(tag, (int64_t)malloc_usable_size(p));
    return p;
}

void *mem_zalloc(enum mem_tag tag, size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (p)
        count(tag, (int64_t)malloc_usable_size(p));
    return p;
}

void *mem_realloc(enum mem_tag tag, void *p, size_t n)
{
    int64_t before = p ? (int64_t)malloc_usable_size(p) : 0;
    void *q = realloc(p, n ? n : 1);
    if (q)
        count(tag, (int64_t)malloc_usable_size(q) - before);
    return q;
}

char *mem_strdup(enum mem_tag tag, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = mem_alloc(tag, n);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

void mem_free(enum mem_tag tag, void *p)
{
    if (!p)
        return;
    count(tag, -(int64_t)malloc_usable_size(p));
    free(p);
}

int64_t mem_bytes(enum mem_tag tag)
{
    int64_t sum = 0;
    for (int i = 0; i < STRIPES; i++)
        sum += atomic_load_explicit(&stripes[i].bytes[tag], memory_order_relaxed);
    return sum;
}

const char *mem_tag_name(enum mem_tag tag)
{
    return tag < MEM_TAG_COUNT_ ? names[tag] : "unknown";
}
