/* The sums of what waits: a part and the whole, each with its limit, counted down to nothing. What
 * sessions put into them is told by the system story of limits. */
#include "broker/holdings.h"

#include "broker_test.h"

#define PART (-1)
#define WHOLE (-2)

static struct holdings whole, a, b;

static int set_up(void **state)
{
    (void)state;
    holdings_init(&whole, 1500, WHOLE, NULL);
    holdings_init(&a, 1000, PART, &whole);
    holdings_init(&b, 1000, PART, &whole);
    return 0;
}

static void a_part_has_its_limit(void **state)
{
    (void)state;
    assert_int_equal(holdings_check_group(&a, 1000), 0);
    assert_int_equal(holdings_check_group(&a, 1001), PART);
    holdings_change_group(&a, 700, 7);
    assert_int_equal(holdings_check_group(&a, 300), 0);
    assert_int_equal(holdings_check_group(&a, 301), PART);
    assert_int_equal(holdings_check_group(&b, 800), 0);
}

static void the_whole_has_its_own(void **state)
{
    (void)state;
    holdings_change_group(&a, 1000, 1);
    assert_int_equal(holdings_check_group(&b, 500), 0);
    assert_int_equal(holdings_check_group(&b, 501), WHOLE);
    holdings_change_group(&a, -600, 0);
    assert_int_equal(holdings_check_group(&b, 1000), 0);
    assert_int_equal(atomic_load(&whole.bytes), 400);
    assert_int_equal(atomic_load(&whole.group_bytes), 400);
    assert_int_equal(atomic_load(&whole.group_messages), 1);
    holdings_change_group(&a, -400, -1);
    assert_int_equal(atomic_load(&whole.bytes), 0);
    assert_int_equal(atomic_load(&whole.group_messages), 0);
}

static void no_limit_is_none(void **state)
{
    (void)state;
    holdings_init(&whole, 0, WHOLE, NULL);
    holdings_init(&a, 0, PART, &whole);
    assert_int_equal(holdings_check_group(&a, INT64_MAX), 0);
    holdings_init(&whole, UINT64_MAX, WHOLE, NULL);
    assert_int_equal(holdings_check_group(&a, INT64_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_part_has_its_limit, set_up),
        cmocka_unit_test_setup(the_whole_has_its_own, set_up),
        cmocka_unit_test_setup(no_limit_is_none, set_up),
    };
    return cmocka_run_group_tests_name("broker/holdings", tests, NULL, NULL);
}
