/* A growable run of bytes that its holder owns. Appending past `limit` or out of memory sets
 * `is_failed`, which stays set until buf_clear; callers check once, when they are done writing. */
#ifndef TRACKWIRE_BASE_BUF_H
#define TRACKWIRE_BASE_BUF_H

#include "base/mem.h"
#include "base/span.h"

struct buf {
    uint8_t *p;
    size_t n;     /* bytes used */
    size_t cap;   /* bytes allocated */
    size_t limit; /* never grows past this */
    enum mem_tag tag;
    bool is_failed;
};

/* An empty buffer; allocates nothing before the first append. */
static inline struct buf buf_make(enum mem_tag tag, size_t limit)
{
    return (struct buf){.limit = limit, .tag = tag};
}

/* Frees the bytes; the buffer is empty and reusable. */
void buf_fini(struct buf *b);
/* Empties it and keeps the memory. */
void buf_clear(struct buf *b);
/* Room for `n` more bytes at the returned place, NULL on failure; follow with `b->n += written`. */
uint8_t *buf_reserve(struct buf *b, size_t n);

/* Append bytes, a span, text without its NUL, or numbers of one to eight bytes, most significant
 * first; all or nothing. */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_span(struct buf *b, struct span s);
void buf_add_str(struct buf *b, const char *text);
void buf_add_u8(struct buf *b, uint8_t value);
void buf_add_u16be(struct buf *b, uint16_t value);
void buf_add_u32be(struct buf *b, uint32_t value);
void buf_add_u64be(struct buf *b, uint64_t value);
/* Appends as printf would, without the NUL. */
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first `n` bytes and moves the rest down. */
void buf_consume(struct buf *b, size_t n);

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->p, b->n};
}

#endif
