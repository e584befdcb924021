/* How often somebody may do something: so many times a second in the long run, and a burst at once.
 * All that is kept of a bucket is the time at which it would be full again (the generic cell rate
 * algorithm), so a bucket is one number, and a full one is 0. Pure: the caller brings the time. */
#ifndef TRACKWIRE_BASE_RATE_H
#define TRACKWIRE_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    int64_t gap_ns;   /* between two in the long run; 0: no limit */
    int64_t depth_ns; /* the whole burst's gaps */
};

/* `per_second` 0: no limit. `burst` is taken as at least 1. */
static inline struct rate rate_make(uint32_t per_second, uint32_t burst)
{
    int64_t gap_ns = per_second ? 1000000000 / (int64_t)per_second : 0;
    return (struct rate){gap_ns, gap_ns * (burst ? burst : 1)};
}

/* When the bucket that is full at `full_ns` is full again once one more was taken; negative: it
 * holds none now. */
static inline int64_t rate_next(const struct rate *r, int64_t full_ns, int64_t now_ms)
{
    int64_t now_ns = now_ms * 1000000;
    int64_t next_ns = (full_ns > now_ns ? full_ns : now_ns) + r->gap_ns;
    return next_ns - now_ns > r->depth_ns ? -1 : next_ns;
}

/* Takes one out of the owner's bucket; false, and nothing is taken, when it is empty. */
static inline bool rate_take(const struct rate *r, int64_t *full_ns, int64_t now_ms)
{
    int64_t next_ns = rate_next(r, *full_ns, now_ms);
    if (next_ns < 0)
        return false;
    *full_ns = next_ns;
    return true;
}

#endif
