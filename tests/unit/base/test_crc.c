/* base/crc.h against the CRC catalogue and a bit-by-bit reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crc.h"

/* The definition itself: polynomial 0x8005 reflected, initial value 0. */
static uint16_t arc_by_bits(struct span s)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
    }
    return crc;
}

static void test_arc_has_the_catalogue_check_value(void **state)
{
    (void)state;
    assert_int_equal(crc16_arc(SPAN_LIT("123456789")), 0xBB3D);
    assert_int_equal(crc16_arc(SPAN_LIT("")), 0);
}

static void test_arc_follows_its_definition(void **state)
{
    (void)state;
    uint8_t bytes[512];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 131 + (i >> 3));
    for (size_t n = 0; n <= sizeof(bytes); n++)
        assert_int_equal(crc16_arc(span_of(bytes, n)), arc_by_bits(span_of(bytes, n)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arc_has_the_catalogue_check_value),
        cmocka_unit_test(test_arc_follows_its_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
