/* Numbers, dates and names of text protocols, at their edges. */
#include "gateway/protocols/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_cut(void **state)
{
    (void)state;
    struct span rest = SPAN_LIT("a;;b");
    assert_true(span_equal(text_cut(&rest, ';'), SPAN_LIT("a")));
    assert_true(span_equal(text_cut(&rest, ';'), SPAN_LIT("")));
    assert_true(span_equal(text_cut(&rest, ';'), SPAN_LIT("b")));
    assert_int_equal(rest.n, 0);
    assert_int_equal(text_cut(&rest, ';').n, 0);
    assert_true(span_equal(text_trim(SPAN_LIT(" \ta b\r\n")), SPAN_LIT("a b")));
    assert_int_equal(text_trim(SPAN_LIT(" \r\n")).n, 0);
}

static void test_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t mantissa;
        int scale;
    } rows[] = {
        {"0", 0, 0},
        {"-0.50", -50, 2},
        {"+3.", 3, 0},
        {".5", 5, 1},
        {"1.5e-3", 15, 4},
        {"15E+2", 1500, 0},
        {"-0.5e1", -5, 0},
        {"9223372036854775807", INT64_MAX, 0},
        {"-9223372036854775807", -INT64_MAX, 0},
        {"0.123456789012345678", 123456789012345678, 18},
        {"0.1234567890123456789", 123456789012345678, 18}, /* the 19th digit does not matter */
        {"54321.98765432109876543", 5432198765432109876, 14},
        {"1e-20", 0, 18},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text_decimal value;
        if (!text_decimal(span_str(rows[i].text), &value))
            fail_msg("%s is a number", rows[i].text);
        assert_int_equal(value.mantissa, rows[i].mantissa);
        assert_int_equal(value.scale, rows[i].scale);
    }
}

static void test_what_is_no_decimal(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "-",
        ".",
        "+.",
        "1x",
        " 1",
        "1 ",
        "1e",
        "1e+",
        "e5",
        "--1",
        "0x10",
        "NaN",
        "inf",
        "1,5",
        "1.2.3",
        "9223372036854775808",
        "1e31",
        "1e-31",
        "1e99999999999999999999",
        "9e18000",
        "92233720368547758070",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text_decimal value = {.mantissa = 77};
        if (text_decimal(span_str(rows[i]), &value))
            fail_msg("'%s' is no number", rows[i]);
        assert_int_equal(value.mantissa, 77);
    }
}

static void test_scaling_is_exact(void **state)
{
    (void)state;
    struct text_decimal knots = {.mantissa = 54, .scale = 1};
    assert_true(text_decimal_scale(&knots, 1852, 3));
    assert_int_equal(knots.mantissa, 100008);
    assert_int_equal(knots.scale, 4);
    assert_true(text_decimal_real(knots) == 10.0008);
    struct text_decimal fine = {.mantissa = 123456, .scale = 17};
    assert_true(text_decimal_scale(&fine, 1, 3));
    assert_int_equal(fine.mantissa, 1234);
    assert_int_equal(fine.scale, 18);
    struct text_decimal large = {.mantissa = INT64_MAX, .scale = 0};
    assert_false(text_decimal_scale(&large, 2, 0));
    assert_int_equal(large.mantissa, INT64_MAX);
}

static void test_unsigned_and_truths(void **state)
{
    (void)state;
    uint64_t number;
    bool is_true;
    assert_true(text_uint(SPAN_LIT("18446744073709551615"), &number));
    assert_true(number == UINT64_MAX);
    assert_false(text_uint(SPAN_LIT("18446744073709551616"), &number));
    assert_false(text_uint(SPAN_LIT(""), &number));
    assert_false(text_uint(SPAN_LIT("-1"), &number));
    assert_true(text_bool(SPAN_LIT("True"), &is_true) && is_true);
    assert_true(text_bool(SPAN_LIT("1"), &is_true) && is_true);
    assert_true(text_bool(SPAN_LIT("FALSE"), &is_true) && !is_true);
    assert_true(text_bool(SPAN_LIT("0"), &is_true) && !is_true);
    assert_false(text_bool(SPAN_LIT("yes"), &is_true));
    assert_false(text_bool(SPAN_LIT(""), &is_true));
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29T12:00:00Z", 951825600000000},
        {"2025-06-15T13:45:12.862Z", 1749995112862000},
        {"2025-06-15t13:45:12.8621239z", 1749995112862123},
        {"2014-06-04 09:10:11", 1401873011000000},
        {"2014-06-04T09:10", 1401873000000000},
        {"2014-06-04T11:10:11+02:00", 1401873011000000},
        {"2014-06-04T11:10:11+0200", 1401873011000000},
        {"2014-06-04T05:40:11,5-03", 1401871211500000},
        {"2016-12-31T23:59:60Z", 1483228800000000},
        {"9999-12-31T23:59:59Z", 253402300799000000},
        {"2100-03-01T00:00:00Z", 4107542400000000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t us;
        if (!text_iso8601(span_str(rows[i].text), &us))
            fail_msg("%s is a date", rows[i].text);
        assert_int_equal(us, rows[i].us);
    }
}

static void test_what_is_no_date(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "2014-06-04",
        "2014-6-4T09:10:11",
        "2014-13-04T09:10:11Z",
        "2014-00-04T09:10:11Z",
        "2014-06-31T09:10:11Z",
        "2014-06-00T09:10:11Z",
        "2100-02-29T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2014-06-04T24:00:00Z",
        "2014-06-04T09:60:00Z",
        "2014-06-04T09:10:61Z",
        "2014-06-04T09:10:11.Z",
        "2014-06-04T09:10:11X",
        "2014-06-04T09:10:11+24:00",
        "2014-06-04T09:10:11+02:60",
        "2014-06-04T09:10:11Z ",
        "2014/06/04T09:10:11Z",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t us = 77;
        if (text_iso8601(span_str(rows[i]), &us))
            fail_msg("'%s' is no date", rows[i]);
        assert_int_equal(us, 77);
    }
}

static void test_custom_names(void **state)
{
    (void)state;
    struct text_name name;
    uint8_t longest[TEXT_NAME_MAX + 1];
    memset(longest, 'n', sizeof(longest));
    assert_true(text_custom_name(SPAN_LIT("a b/c+d#e,f\x01g\x7f"), &name));
    assert_true(span_equal(text_name_span(&name), SPAN_LIT("custom.a_b_c_d_e_f_g_")));
    assert_true(text_custom_name(SPAN_LIT("\xd0\x91.x"), &name));
    assert_true(span_equal(text_name_span(&name), SPAN_LIT("custom.\xd0\x91.x")));
    assert_true(text_custom_name(span_of(longest, TEXT_NAME_MAX), &name));
    assert_int_equal(name.n, TEXT_NAME_MAX + 7);
    assert_false(text_custom_name(span_of(longest, TEXT_NAME_MAX + 1), &name));
    assert_false(text_custom_name(SPAN_LIT(""), &name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_what_is_no_decimal),
        cmocka_unit_test(test_scaling_is_exact),
        cmocka_unit_test(test_unsigned_and_truths),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_what_is_no_date),
        cmocka_unit_test(test_custom_names),
    };
    return cmocka_run_group_tests_name("protocols/text", tests, NULL, NULL);
}
