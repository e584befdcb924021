/* Memory that dies all at once, with a request, a frame or a connection. Not for sharing between
 * threads. */
#ifndef TRACKWIRE_BASE_ARENA_H
#define TRACKWIRE_BASE_ARENA_H

#include "base/mem.h"
#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* in the newest block */
    size_t total;               /* handed out since the last clear */
    size_t limit;               /* arena_alloc answers NULL past this */
    enum mem_tag tag;
};

/* An empty arena; allocates nothing before the first use. */
static inline struct arena arena_make(enum mem_tag tag, size_t limit)
{
    return (struct arena){.limit = limit, .tag = tag};
}

/* Uninitialised bytes aligned for any type, or NULL at the limit or out of memory. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy of `s` that lives as long as the arena; empty span with p == NULL on failure. */
struct span arena_copy(struct arena *a, struct span s);
/* Forgets everything, keeps one block for reuse. */
void arena_clear(struct arena *a);
/* Frees everything; the arena is empty and reusable. */
void arena_fini(struct arena *a);

#endif
