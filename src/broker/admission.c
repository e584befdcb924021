/* The table of buckets: sets of four places, found by the seeded hash of the address. Shards that
 * meet at one place race harmlessly: at worst an address has two buckets for a moment, or one of
 * two refusals at once is logged. */
#include "broker/admission.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rate.h"

#include <stdatomic.h>

#define SETS 1024u /* a power of two */
#define WAYS 4u
#define LOG_GAP_MS 60000

/* Relaxed: each member is whole by itself, and none says anything about another. */
struct place {
    atomic_uint_fast64_t key;    /* hash of the address; 0: free */
    atomic_int_fast64_t full_ns; /* the bucket */
    atomic_int_fast64_t log_ms;  /* when a refusal may be logged again */
};

struct admission {
    struct rate rate;
    struct place places[SETS * WAYS];
};

int admission_new(uint32_t per_second, uint32_t burst, struct admission **ret)
{
    *ret = NULL;
    if (!per_second)
        return 0;
    struct admission *a = mem_zalloc(MEM_NET, sizeof(*a));
    if (!a)
        return err_raise(ERR_NO_MEMORY);
    a->rate = rate_make(per_second, burst);
    *ret = a;
    return 0;
}

void admission_free(struct admission **a)
{
    mem_free(MEM_NET, *a);
    *a = NULL;
}

/* 0: an address that is not limited, because it has none (a socket of this machine). */
static uint64_t key_of(const struct net_address *peer)
{
    const uint8_t *p = NULL;
    size_t n = 0;
    if (peer->n && peer->any.sa_family == AF_INET) {
        p = (const uint8_t *)&peer->v4.sin_addr;
        n = 4;
    } else if (peer->n && peer->any.sa_family == AF_INET6) {
        bool is_v4 = IN6_IS_ADDR_V4MAPPED(&peer->v6.sin6_addr);
        p = peer->v6.sin6_addr.s6_addr + (is_v4 ? 12 : 0);
        n = is_v4 ? 4 : 8;
    }
    return p ? hash_bytes((struct span){p, n}) | 1 : 0;
}

static struct place *find(struct admission *a, uint64_t key)
{
    struct place *set = &a->places[(key >> 32) % SETS * WAYS];
    struct place *fullest = set;
    for (struct place *p = set; p < set + WAYS; p++) {
        if (atomic_load_explicit(&p->key, memory_order_relaxed) == key)
            return p;
        if (atomic_load_explicit(&p->full_ns, memory_order_relaxed) <
            atomic_load_explicit(&fullest->full_ns, memory_order_relaxed))
            fullest = p;
    }
    atomic_store_explicit(&fullest->key, key, memory_order_relaxed);
    atomic_store_explicit(&fullest->full_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&fullest->log_ms, 0, memory_order_relaxed);
    return fullest;
}

bool admission_take(struct admission *a, const struct net_address *peer, int64_t now_ms,
                    bool *ret_must_log)
{
    uint64_t key = a ? key_of(peer) : 0;
    if (!key)
        return true;
    struct place *p = find(a, key);
    int64_t full_ns = atomic_load_explicit(&p->full_ns, memory_order_relaxed);
    int64_t next_ns;
    do {
        next_ns = rate_next(&a->rate, full_ns, now_ms);
    } while (next_ns >= 0 &&
             !atomic_compare_exchange_weak_explicit(&p->full_ns, &full_ns, next_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    if (next_ns >= 0)
        return true;
    int64_t log_ms = atomic_load_explicit(&p->log_ms, memory_order_relaxed);
    *ret_must_log = log_ms <= now_ms && atomic_compare_exchange_strong_explicit(
                                            &p->log_ms, &log_ms, now_ms + LOG_GAP_MS,
                                            memory_order_relaxed, memory_order_relaxed);
    return false;
}
