/* base/reader.h: the checked reader, which fails once and stays failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/reader.h"

static const uint8_t frame[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0xff, 0xfe};

static struct reader reader_of_first(size_t n)
{
    return reader_of(span_of(frame, n));
}

static void test_reads_both_byte_orders(void **state)
{
    (void)state;
    struct reader r = reader_of_first(8);
    assert_int_equal(rd_u8(&r), 0x01);
    assert_int_equal(rd_u16be(&r), 0x0203);
    assert_int_equal(rd_u32be(&r), 0x04050607);
    assert_int_equal(rd_left(&r), 1);
    r = reader_of_first(8);
    assert_int_equal(rd_u16le(&r), 0x0201);
    assert_int_equal(rd_u32le(&r), 0x06050403);
    r = reader_of_first(8);
    assert_true(rd_u64be(&r) == 0x0102030405060708u);
    r = reader_of_first(8);
    assert_int_equal(rd_uint_be(&r, 3), 0x010203);
    assert_int_equal(rd_uint_le(&r, 3), 0x060504);
}

static void test_reads_signed_numbers(void **state)
{
    (void)state;
    struct reader r = reader_of(span_of(frame + 8, 2));
    assert_int_equal(rd_i16be(&r), -2);
    const uint8_t minus_three[] = {0xff, 0xff, 0xff, 0xfd};
    r = reader_of(span_of(minus_three, 4));
    assert_int_equal(rd_i32be(&r), -3);
}

static void test_stays_failed(void **state)
{
    (void)state;
    struct reader r = reader_of_first(3);
    assert_int_equal(rd_u16be(&r), 0x0102);
    assert_int_equal(rd_u16be(&r), 0);
    assert_true(r.is_failed);
    assert_int_equal(rd_left(&r), 1); /* nothing moved */
    assert_int_equal(rd_u8(&r), 0);   /* would fit, but a failed reader gives nothing */
    assert_int_equal(rd_bytes(&r, 0).n, 0);
    assert_false(rd_is_done(&r));
}

static void test_cuts_spans_inside_only(void **state)
{
    (void)state;
    struct reader r = reader_of_first(4);
    struct span s = rd_bytes(&r, 3);
    assert_ptr_equal(s.p, frame);
    assert_int_equal(s.n, 3);
    assert_int_equal(rd_bytes(&r, SIZE_MAX).n, 0);
    assert_true(r.is_failed);
}

static void test_knows_when_all_was_read(void **state)
{
    (void)state;
    struct reader r = reader_of_first(2);
    assert_false(rd_is_done(&r));
    (void)rd_u16be(&r);
    assert_true(rd_is_done(&r));
    (void)rd_u8(&r);
    assert_false(rd_is_done(&r));
    r = reader_of(span_of(NULL, 0));
    assert_true(rd_is_done(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_both_byte_orders),
        cmocka_unit_test(test_reads_signed_numbers),
        cmocka_unit_test(test_stays_failed),
        cmocka_unit_test(test_cuts_spans_inside_only),
        cmocka_unit_test(test_knows_when_all_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
