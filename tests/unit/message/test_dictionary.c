/* The parameter dictionary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "message/dictionary.h"

static void test_every_row_is_found_and_whole(void **state)
{
    (void)state;
    size_t count;
    const struct dictionary_entry *entries = dictionary_list(&count);
    assert_true(count > 300);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(dictionary_find(span_str(entries[i].name)), &entries[i]);
        assert_true(i == 0 || strcmp(entries[i - 1].name, entries[i].name) < 0);
        assert_true(strlen(entries[i].info) > 1);
        struct span type = span_str(entries[i].type);
        assert_true(span_equal(type, SPAN_LIT("number")) || span_equal(type, SPAN_LIT("boolean")) ||
                    span_equal(type, SPAN_LIT("string")) || span_equal(type, SPAN_LIT("object")));
    }
}

static void test_units(void **state)
{
    (void)state;
    assert_string_equal(dictionary_find(SPAN_LIT("position.speed"))->unit, "km/h");
    assert_string_equal(dictionary_find(SPAN_LIT("battery.voltage"))->unit, "volts");
    assert_string_equal(dictionary_find(SPAN_LIT("vehicle.mileage"))->unit, "km");
    assert_string_equal(dictionary_find(SPAN_LIT("gsm.signal.level"))->unit, "percentage");
    assert_string_equal(dictionary_find(SPAN_LIT("din"))->type, "number");
    assert_string_equal(dictionary_find(SPAN_LIT("gsm.operator.code"))->type, "string");
}

static void test_numbered_names_belong_to_a_family(void **state)
{
    (void)state;
    assert_string_equal(dictionary_find(SPAN_LIT("din.12"))->name, "din.N");
    assert_string_equal(dictionary_find(SPAN_LIT("custom.param.239"))->name, "custom.param.N");
    assert_null(dictionary_find(SPAN_LIT("position.speed.1")));
    assert_null(dictionary_find(SPAN_LIT("din12")));
    assert_null(dictionary_find(SPAN_LIT("12")));
}

static void test_unknown_names(void **state)
{
    (void)state;
    uint8_t dots[200];
    memset(dots, '.', sizeof(dots));
    dots[199] = '1';
    assert_null(dictionary_find(SPAN_LIT("")));
    assert_null(dictionary_find(SPAN_LIT("position")));
    assert_null(dictionary_find(SPAN_LIT("zzz")));
    assert_null(dictionary_find(span_of(dots, sizeof(dots))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_found_and_whole),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_numbered_names_belong_to_a_family),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
