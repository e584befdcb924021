/* base/buf.h: growing runs of bytes with a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_appends_numbers_big_endian(void **state)
{
    (void)state;
    struct buf b = buf_make(MEM_BASE, 1024);
    buf_add_u8(&b, 0x01);
    buf_add_u16be(&b, 0x0203);
    buf_add_u32be(&b, 0x04050607);
    buf_add_u64be(&b, 0x08090a0b0c0d0e0f);
    assert_int_equal(b.n, 15);
    for (size_t i = 0; i < b.n; i++)
        assert_int_equal(b.p[i], i + 1);
    buf_fini(&b);
    assert_int_equal(b.n, 0);
    assert_null(b.p);
}

static void test_appends_text(void **state)
{
    (void)state;
    struct buf b = buf_make(MEM_BASE, 1024);
    buf_add_str(&b, "ident ");
    buf_add_span(&b, SPAN_LIT("35"));
    buf_addf(&b, " %s=%d", "speed", 42);
    buf_add(&b, NULL, 0);
    assert_true(span_equal(buf_span(&b), SPAN_LIT("ident 35 speed=42")));
    assert_false(b.is_failed);
    buf_fini(&b);
}

static void test_refuses_past_the_limit(void **state)
{
    (void)state;
    struct buf b = buf_make(MEM_BASE, 100);
    for (int i = 0; i < 100; i++)
        buf_add_u8(&b, (uint8_t)i);
    assert_false(b.is_failed);
    assert_int_equal(b.n, 100);
    buf_add_u8(&b, 0);
    assert_true(b.is_failed);
    assert_int_equal(b.n, 100);
    /* Failed stays failed, even for what would fit. */
    buf_consume(&b, 50);
    buf_add_u8(&b, 0);
    assert_int_equal(b.n, 50);
    buf_clear(&b);
    buf_add_u8(&b, 7);
    assert_false(b.is_failed);
    assert_int_equal(b.n, 1);
    buf_fini(&b);
}

static void test_refuses_sizes_that_overflow(void **state)
{
    (void)state;
    struct buf b = buf_make(MEM_BASE, SIZE_MAX / 2);
    buf_add_u8(&b, 1);
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_true(b.is_failed);
    buf_fini(&b);
}

static void test_reserves_room_to_write_in(void **state)
{
    (void)state;
    struct buf b = buf_make(MEM_BASE, 4096);
    for (int i = 0; i < 300; i++) {
        uint8_t *to = buf_reserve(&b, 10);
        assert_non_null(to);
        memset(to, i & 0xff, 10);
        b.n += 10;
    }
    assert_int_equal(b.n, 3000);
    assert_int_equal(b.p[0], 0);
    assert_int_equal(b.p[2999], 299 & 0xff);
    assert_true(b.cap <= b.limit);
    buf_fini(&b);
}

static void test_consumes_from_the_front(void **state)
{
    (void)state;
    struct buf b = buf_make(MEM_BASE, 64);
    buf_add_str(&b, "headbody");
    buf_consume(&b, 4);
    assert_true(span_equal(buf_span(&b), SPAN_LIT("body")));
    buf_consume(&b, 99);
    assert_int_equal(b.n, 0);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends_numbers_big_endian),
        cmocka_unit_test(test_appends_text),
        cmocka_unit_test(test_refuses_past_the_limit),
        cmocka_unit_test(test_refuses_sizes_that_overflow),
        cmocka_unit_test(test_reserves_room_to_write_in),
        cmocka_unit_test(test_consumes_from_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
