/* The checked reader: the only way bytes of a frame are taken apart. A read past the end returns
 * zero, moves nothing and sets `is_failed`, which stays set; callers check once at the end. */
#ifndef TRACKWIRE_BASE_READER_H
#define TRACKWIRE_BASE_READER_H

#include "base/span.h"

struct reader {
    const uint8_t *p;
    const uint8_t *end;
    bool is_failed;
};

static inline struct reader reader_of(struct span s)
{
    return (struct reader){s.p, span_end(s), false};
}

static inline size_t rd_left(const struct reader *r)
{
    return (size_t)(r->end - r->p);
}

/* True when everything was read and nothing was missing. */
static inline bool rd_is_done(const struct reader *r)
{
    return !r->is_failed && r->p == r->end;
}

/* The next `n` bytes, borrowed from the frame; an empty span on failure. */
static inline struct span rd_bytes(struct reader *r, size_t n)
{
    if (r->is_failed || n > rd_left(r)) {
        r->is_failed = true;
        return (struct span){r->p, 0};
    }
    struct span s = {r->p, n};
    r->p = span_end(s);
    return s;
}

/* `n` (1 to 8) bytes as an unsigned number, most significant first. */
static inline uint64_t rd_uint_be(struct reader *r, size_t n)
{
    struct span s = rd_bytes(r, n);
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++)
        value = value << 8 | s.p[i];
    return value;
}

/* `n` (1 to 8) bytes as an unsigned number, least significant first. */
static inline uint64_t rd_uint_le(struct reader *r, size_t n)
{
    struct span s = rd_bytes(r, n);
    uint64_t value = 0;
    for (size_t i = s.n; i-- > 0;)
        value = value << 8 | s.p[i];
    return value;
}

static inline uint8_t rd_u8(struct reader *r)
{
    return (uint8_t)rd_uint_be(r, 1);
}

static inline uint16_t rd_u16be(struct reader *r)
{
    return (uint16_t)rd_uint_be(r, 2);
}

static inline uint32_t rd_u32be(struct reader *r)
{
    return (uint32_t)rd_uint_be(r, 4);
}

static inline uint64_t rd_u64be(struct reader *r)
{
    return rd_uint_be(r, 8);
}

static inline uint16_t rd_u16le(struct reader *r)
{
    return (uint16_t)rd_uint_le(r, 2);
}

static inline uint32_t rd_u32le(struct reader *r)
{
    return (uint32_t)rd_uint_le(r, 4);
}

static inline int16_t rd_i16be(struct reader *r)
{
    return (int16_t)rd_u16be(r);
}

static inline int32_t rd_i32be(struct reader *r)
{
    return (int32_t)rd_u32be(r);
}

#endif
