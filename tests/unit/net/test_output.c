/* net/output.h: random parts in, random amounts out, always the same stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/conn.h"
#include "net/output.h"

#include <stdlib.h>

#define STREAM 3000000

static uint8_t stream[STREAM + 100000], taken[STREAM + 100000];
static struct out_pool pool;

struct body {
    struct ref ref; /* first */
    int freed;
};

static void free_body(struct ref *r)
{
    ((struct body *)(void *)r)->freed++;
}

static size_t random_size(void)
{
    return 1 + (size_t)(random() % (1L << (random() % 16)));
}

static size_t put(struct output *o, struct body *body, size_t at)
{
    size_t n = random_size();
    struct span part = span_of(stream + at, n);
    switch (random() % 4) {
    case 0:
        assert_true(output_add_shared(o, &pool, &body->ref, part));
        return n;
    case 1:
        n = n < CONN_RESERVE_MAX ? n : CONN_RESERVE_MAX;
        uint8_t *p = output_reserve(o, &pool, n);
        assert_non_null(p);
        n = (size_t)random() % (n + 1);
        memcpy(p, stream + at, n);
        output_commit(o, n);
        return n;
    default:
        assert_true(output_add(o, &pool, part));
        return n;
    }
}

/* What a socket would do: takes some of what the entries hold. */
static size_t drain(struct output *o, size_t at)
{
    struct iovec iov[7];
    int count = output_gather(o, iov, 7);
    size_t n = 0, limit = random_size();
    for (int i = 0; i < count && n < limit; i++) {
        assert_true(iov[i].iov_len > 0);
        size_t piece = iov[i].iov_len < limit - n ? iov[i].iov_len : limit - n;
        memcpy(taken + at + n, iov[i].iov_base, piece);
        n += piece;
    }
    output_sent(o, &pool, n);
    return n;
}

static void test_stream_stays_whole(void **state)
{
    (void)state;
    struct output o = {0};
    struct body body = {.freed = 0};
    size_t in = 0, out = 0;
    ref_init(&body.ref, free_body);
    srandom(7);
    for (size_t i = 0; i < sizeof stream; i++)
        stream[i] = (uint8_t)random();
    while (in < STREAM) {
        for (int n = (int)(random() % 8); n > 0 && in < STREAM; n--)
            in += put(&o, &body, in);
        for (int n = (int)(random() % 8); n > 0; n--)
            out += drain(&o, out);
        assert_int_equal(o.bytes, in - out);
    }
    while (out < in)
        out += drain(&o, out);
    assert_memory_equal(taken, stream, in);
    output_sent(&o, &pool, 0);
    assert_null(o.first);
    assert_null(o.last);
    ref_drop(&body.ref);
    assert_int_equal(body.freed, 1);
    out_pool_fini(&pool);
    assert_int_equal(mem_bytes(MEM_NET), 0);
}

static void test_clear_drops_everything(void **state)
{
    (void)state;
    struct output o = {0};
    struct body body = {.freed = 0};
    ref_init(&body.ref, free_body);
    for (int i = 0; i < 1000; i++)
        put(&o, &body, 0);
    ref_drop(&body.ref);
    assert_int_equal(body.freed, 0);
    output_clear(&o, &pool);
    assert_int_equal(body.freed, 1);
    assert_int_equal(o.bytes, 0);
    assert_null(o.first);
    out_pool_fini(&pool);
    assert_int_equal(mem_bytes(MEM_NET), 0);
}

/* A thousand connections that say a little cost little each, and the pool is bounded. */
static void test_memory(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    };
    static struct output outputs[COUNT];
    for (int i = 0; i < COUNT; i++)
        assert_true(output_add(&outputs[i], &pool, SPAN_LIT("a few bytes")));
    assert_in_range(mem_bytes(MEM_NET), 1, COUNT * 2100);
    for (int i = 0; i < COUNT; i++)
        output_clear(&outputs[i], &pool);
    assert_in_range(mem_bytes(MEM_NET), 1, 1100 * 2100);
    /* One that says much gets large chunks. */
    assert_true(output_add(&outputs[0], &pool, span_of(stream, 1000000)));
    struct iovec iov[128];
    assert_in_range(output_gather(&outputs[0], iov, 128), 55, 65);
    output_clear(&outputs[0], &pool);
    out_pool_fini(&pool);
    assert_int_equal(mem_bytes(MEM_NET), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_stays_whole),
        cmocka_unit_test(test_clear_drops_everything),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
