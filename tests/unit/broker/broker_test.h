/* What the broker's unit tests share: repeatable randomness, random topics and filters, messages,
 * and the RCU frame that every program which touches the trees needs. */
#ifndef TRACKWIRE_TESTS_BROKER_TEST_H
#define TRACKWIRE_TESTS_BROKER_TEST_H

#include "base/hash.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "broker/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TEXT_MAX 64

/* xorshift64; the seed must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(random_next(state) >> 20) % n;
}

/* One to five levels out of a few names, so that filters meet topics often; empty levels and `$`
 * are among them. With `has_wildcards` a level may be +, the last one #. */
static inline void random_topic(uint64_t *state, bool has_wildcards, char out[TEXT_MAX])
{
    static const char *const names[] = {"a", "b", "c", "", "long-level-name", "$sys"};
    size_t used = 0;
    uint32_t levels = 1 + random_below(state, 5);
    for (uint32_t i = 0; i < levels; i++) {
        /* `$` is rare, and mostly where it means something: at the front. */
        uint32_t choice = random_below(state, i == 0 ? 6 : 5);
        const char *name = names[choice];
        if (has_wildcards && random_below(state, 4) == 0)
            name = "+";
        else if (has_wildcards && i + 1 == levels && random_below(state, 4) == 0)
            name = "#";
        used += (size_t)snprintf(out + used, TEXT_MAX - used, "%s%s", i ? "/" : "", name);
    }
    if (!used) /* the empty topic is none */
        snprintf(out, TEXT_MAX, "/");
}

/* A message with one reference, the caller's. */
static inline struct msg *make_msg(const char *topic, const char *payload, int64_t expires_ms)
{
    struct publication p = {
        .topic = span_str(topic),
        .payload = span_str(payload),
        .qos = 1,
        .expires_ms = expires_ms,
    };
    struct msg *m = publication_msg(&p);
    assert_non_null(m);
    return m;
}

static inline int join_readers(void **state)
{
    (void)state;
    hash_seed();
    rcu_join();
    return 0;
}

static inline int leave_readers(void **state)
{
    (void)state;
    rcu_drain();
    rcu_leave();
    return 0;
}

#endif
