/* Growable byte buffer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_fini(struct buf *b)
{
    mem_free(b->tag, b->p);
    *b = buf_make(b->tag, b->limit);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->is_failed = false;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
    if (b->is_failed || n > b->limit || b->n > b->limit - n) {
        b->is_failed = true;
        return NULL;
    }
    if (b->n + n > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 64;
        while (cap < b->n + n)
            cap *= 2;
        if (cap > b->limit)
            cap = b->limit;
        uint8_t *p = mem_realloc(b->tag, b->p, cap);
        if (!p) {
            b->is_failed = true;
            return NULL;
        }
        b->p = p;
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    uint8_t *to = n ? buf_reserve(b, n) : NULL;
    if (to) {
        memcpy(to, p, n);
        b->n += n;
    }
}

void buf_add_span(struct buf *b, struct span s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_u8(struct buf *b, uint8_t value)
{
    buf_add(b, &value, 1);
}

static void add_uint_be(struct buf *b, uint64_t value, size_t n)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(value >> 8 * (n - 1 - i));
    buf_add(b, bytes, n);
}

void buf_add_u16be(struct buf *b, uint16_t value)
{
    add_uint_be(b, value, 2);
}

void buf_add_u32be(struct buf *b, uint32_t value)
{
    add_uint_be(b, value, 4);
}

void buf_add_u64be(struct buf *b, uint64_t value)
{
    add_uint_be(b, value, 8);
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    /* vsnprintf also writes a NUL, which is reserved but not counted. */
    char *to = n < 0 ? NULL : (char *)buf_reserve(b, (size_t)n + 1);
    if (!to)
        return;
    va_start(args, format);
    b->n += (size_t)vsnprintf(to, (size_t)n + 1, format, args);
    va_end(args);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}
