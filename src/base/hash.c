/* A multiply-and-fold hash: 64x64 -> 128 bit products of eight-byte words with a secret seed. */
#include "base/hash.h"

#include <sys/random.h>

static uint64_t seed = 0x9E3779B97F4A7C15u;

void hash_seed(void)
{
    uint64_t fresh;
    if (getrandom(&fresh, sizeof(fresh), 0) == (ssize_t)sizeof(fresh))
        seed = fresh | 1;
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t value = 0;
    memcpy(&value, p, n);
    return value;
}

uint64_t hash_mix(uint64_t hash, uint64_t value)
{
    return fold(hash ^ 0xD6E8FEB86659FD93u, value ^ seed);
}

uint64_t hash_bytes(struct span s)
{
    uint64_t hash = seed ^ (s.n * 0xA0761D6478BD642Fu);
    while (s.n >= 8) {
        hash = fold(hash ^ load(s.p, 8), 0xE7037ED1A0B428DBu ^ seed);
        s = (struct span){s.p + 8, s.n - 8};
    }
    return s.n ? fold(hash ^ load(s.p, s.n), 0x8EBC6AF09C88C6E3u ^ seed)
               : fold(hash, 0x589965CC75374CC3u);
}
