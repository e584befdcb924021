/* Hashing of bytes that peers choose: seeded at start, so that nobody outside can aim for
 * collisions. Any thread. */
#ifndef TRACKWIRE_BASE_HASH_H
#define TRACKWIRE_BASE_HASH_H

#include "base/span.h"

/* Draws the seed from the kernel. Called once before any table is made. */
void hash_seed(void);
uint64_t hash_bytes(struct span s);
/* Mixes a number into a hash, for composite keys. */
uint64_t hash_mix(uint64_t hash, uint64_t value);

#endif
