/* Which device claims an ident. */
#include "gateway/devices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct account mine = {.id = 1}, other = {.id = 2};

static int freed;

static void count_free(struct ref *ref)
{
    (void)ref;
    freed++;
}

static struct hub_device *make(struct hub_device *d, uint64_t id, const char *ident,
                               uint16_t protocol_id)
{
    *d = (struct hub_device){
        .id = id, .account = &mine, .protocol_id = protocol_id, .is_enabled = true};
    (void)snprintf(d->ident, sizeof(d->ident), "%s", ident);
    ref_init(&d->ref, count_free);
    return d;
}

static void finds_by_account_and_ident(void **state)
{
    (void)state;
    struct devices devices = {0};
    struct hub_device a, b;
    assert_int_equal(devices_set(&devices, make(&a, 1, "352093081452251", 0)), 0);
    assert_int_equal(devices_set(&devices, make(&b, 2, "352093081452252", 0)), 0);
    assert_ptr_equal(devices_find(&devices, &mine, SPAN_LIT("352093081452251"), 7), &a);
    assert_ptr_equal(devices_find(&devices, &mine, SPAN_LIT("352093081452252"), 7), &b);
    assert_null(devices_find(&devices, &mine, SPAN_LIT("35209308145225"), 7));
    assert_null(devices_find(&devices, &other, SPAN_LIT("352093081452251"), 7));
    devices_fini(&devices);
}

static void the_device_of_the_protocol_goes_first(void **state)
{
    (void)state;
    struct devices devices = {0};
    struct hub_device any, seven, nine;
    assert_int_equal(devices_set(&devices, make(&any, 1, "x", 0)), 0);
    assert_int_equal(devices_set(&devices, make(&seven, 2, "x", 7)), 0);
    assert_ptr_equal(devices_find(&devices, &mine, SPAN_LIT("x"), 7), &seven);
    assert_ptr_equal(devices_find(&devices, &mine, SPAN_LIT("x"), 8), &any);
    devices_unset(&devices, 1);
    assert_null(devices_find(&devices, &mine, SPAN_LIT("x"), 8));
    assert_int_equal(devices_set(&devices, make(&nine, 3, "x", 9)), 0);
    assert_ptr_equal(devices_find(&devices, &mine, SPAN_LIT("x"), 9), &nine);
    devices_fini(&devices);
}

static void a_change_takes_the_old_ident_away(void **state)
{
    (void)state;
    struct devices devices = {0};
    struct hub_device before, after;
    assert_int_equal(devices_set(&devices, make(&before, 1, "old", 0)), 0);
    assert_int_equal(devices_set(&devices, make(&after, 1, "new", 0)), 0);
    assert_null(devices_find(&devices, &mine, SPAN_LIT("old"), 0));
    assert_ptr_equal(devices_find(&devices, &mine, SPAN_LIT("new"), 0), &after);
    devices_fini(&devices);
}

static void lets_go_of_what_it_forgets(void **state)
{
    (void)state;
    struct devices devices = {0};
    struct hub_device a, b;
    freed = 0;
    assert_int_equal(devices_set(&devices, make(&a, 1, "a", 0)), 0);
    assert_int_equal(devices_set(&devices, make(&b, 2, "b", 0)), 0);
    ref_drop(&a.ref);
    ref_drop(&b.ref);
    assert_int_equal(freed, 0);
    devices_unset(&devices, 1);
    devices_unset(&devices, 1);
    assert_int_equal(freed, 1);
    devices_fini(&devices);
    assert_int_equal(freed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_account_and_ident),
        cmocka_unit_test(the_device_of_the_protocol_goes_first),
        cmocka_unit_test(a_change_takes_the_old_ident_away),
        cmocka_unit_test(lets_go_of_what_it_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
