/* A borrowed run of bytes. Text from outside is a span: it is never NUL-terminated, and whoever
 * made the span owns the bytes. */
#ifndef TRACKWIRE_BASE_SPAN_H
#define TRACKWIRE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *p;
    size_t n;
};

/* A span over a string literal, without its NUL. */
#define SPAN_LIT(text) ((struct span){(const uint8_t *)("" text), sizeof(text) - 1})
/* For printf's "%.*s". */
#define SPAN_FMT(s) (int)(s).n, (const char *)(s).p

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){p, n};
}

static inline struct span span_str(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_starts(struct span s, struct span prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* One past the last byte. An empty span may have no address at all, to which C allows no addition.
 */
static inline const uint8_t *span_end(struct span s)
{
    return s.n ? s.p + s.n : s.p;
}

/* The rest of `s` from offset `from`; empty when `from` is past the end. */
static inline struct span span_from(struct span s, size_t from)
{
    return from >= s.n ? (struct span){span_end(s), 0} : (struct span){s.p + from, s.n - from};
}

/* The first `n` bytes of `s`, or all of it when it is shorter. */
static inline struct span span_head(struct span s, size_t n)
{
    return (struct span){s.p, n < s.n ? n : s.n};
}

/* Offset of the first `byte` in `s`, or `s.n` when there is none. */
static inline size_t span_find(struct span s, uint8_t byte)
{
    const uint8_t *at = s.n ? memchr(s.p, byte, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

/* Orders bytes as strcmp does; a prefix sorts first. */
static inline int span_compare(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

#endif
