/* base/hash.h: same bytes, same hash; other bytes, spread evenly; another seed, another hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

#include <stdio.h>

static void test_depends_on_every_byte(void **state)
{
    (void)state;
    uint8_t bytes[40] = {0};
    for (size_t n = 1; n <= sizeof(bytes); n++) {
        uint64_t before = hash_bytes(span_of(bytes, n));
        assert_true(hash_bytes(span_of(bytes, n)) == before);
        for (size_t i = 0; i < n; i++) {
            bytes[i] ^= 0x10;
            assert_true(hash_bytes(span_of(bytes, n)) != before);
            bytes[i] ^= 0x10;
        }
    }
}

static void test_depends_on_the_length(void **state)
{
    (void)state;
    const uint8_t zeros[24] = {0};
    for (size_t n = 0; n < sizeof(zeros); n++)
        assert_true(hash_bytes(span_of(zeros, n)) != hash_bytes(span_of(zeros, n + 1)));
    assert_true(hash_bytes(span_of(NULL, 0)) == hash_bytes(SPAN_LIT("")));
}

static void test_mix_depends_on_both(void **state)
{
    (void)state;
    uint64_t h = hash_mix(1, 2);
    assert_true(h == hash_mix(1, 2));
    assert_true(h != hash_mix(2, 1));
    assert_true(h != hash_mix(1, 3));
}

/* Idents differ in their last digits: the low bits, by which tables and shards choose, must not. */
static void test_spreads_idents_over_buckets(void **state)
{
    (void)state;
    enum {
        BUCKETS = 64,
        IDENTS = 64000
    };
    int filled[BUCKETS] = {0};
    for (int i = 0; i < IDENTS; i++) {
        char ident[16];
        int n = snprintf(ident, sizeof(ident), "35209308%07d", i);
        filled[hash_bytes(span_of(ident, (size_t)n)) % BUCKETS]++;
    }
    for (int i = 0; i < BUCKETS; i++) {
        /* The mean is 1000, the standard deviation 31: six of those away is no accident. */
        assert_true(filled[i] > 1000 - 190 && filled[i] < 1000 + 190);
    }
}

static void test_seed_changes_hashes(void **state)
{
    (void)state;
    uint64_t before = hash_bytes(SPAN_LIT("client-1"));
    hash_seed();
    assert_true(hash_bytes(SPAN_LIT("client-1")) != before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depends_on_every_byte),
        cmocka_unit_test(test_depends_on_the_length),
        cmocka_unit_test(test_mix_depends_on_both),
        cmocka_unit_test(test_spreads_idents_over_buckets),
        cmocka_unit_test(test_seed_changes_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
