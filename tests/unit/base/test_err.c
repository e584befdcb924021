/* base/err.h: the table of errors holds together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void test_looks_up_a_row(void **state)
{
    (void)state;
    assert_true(ERR_NO_MEMORY < 0);
    assert_string_equal(err_name(ERR_NO_MEMORY), "ERR_NO_MEMORY");
    assert_string_equal(err_text(ERR_NO_MEMORY), "out of memory");
    assert_int_equal(err_class(ERR_NO_MEMORY), ERR_CLASS_INTERNAL);
    assert_int_equal(err_mqtt_reason(ERR_NO_MEMORY), 0x97);
    assert_int_equal(err_http_status(ERR_NO_MEMORY), 507);
}

static void test_answers_for_numbers_that_are_none(void **state)
{
    (void)state;
    assert_string_equal(err_name(0), "ERR_NONE");
    const int strange[] = {1, -(int)ERR_INDEX_COUNT_, -(int)ERR_INDEX_COUNT_ - 1, INT32_MAX};
    for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
        assert_string_equal(err_name(strange[i]), "ERR_UNKNOWN");
        assert_int_equal(err_mqtt_reason(strange[i]), 0x80);
        assert_int_equal(err_http_status(strange[i]), 500);
        assert_int_equal(err_count(err_raise(strange[i])), 0);
    }
}

/* A text is for a person, and a refusal must not look like success to a client. Rows of class NONE
 * are ordinary ends (a client disconnected), not refusals. */
static void check_row(int err)
{
    const char *text = err_text(err);
    assert_true(strncmp(err_name(err), "ERR_", 4) == 0);
    assert_true(strlen(text) >= 8);
    assert_true(text[strlen(text) - 1] != '.');
    assert_true(err_class(err) < ERR_CLASS_COUNT_);
    if (err_class(err) == ERR_CLASS_NONE)
        return;
    if (err_mqtt_reason(err) < 0x80 || err_http_status(err) < 400 || err_http_status(err) > 599)
        fail_msg("%s answers like a success", err_name(err));
}

static void test_every_row_is_sound(void **state)
{
    (void)state;
    for (int i = 1; i < (int)ERR_INDEX_COUNT_; i++)
        check_row(-i);
}

static void test_counts_what_is_raised(void **state)
{
    (void)state;
    uint64_t before = err_count(ERR_BUF_LIMIT);
    assert_int_equal(err_raise(ERR_BUF_LIMIT), ERR_BUF_LIMIT);
    assert_int_equal(err_raise(ERR_BUF_LIMIT), ERR_BUF_LIMIT);
    assert_int_equal(err_count(ERR_BUF_LIMIT), before + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looks_up_a_row),
        cmocka_unit_test(test_answers_for_numbers_that_are_none),
        cmocka_unit_test(test_every_row_is_sound),
        cmocka_unit_test(test_counts_what_is_raised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
