/* The set of packet identifiers, against a plain bitmap, and over its switch to the bitmap. */
#include "broker/pid_set.h"

#include "broker_test.h"

#define OPERATIONS 200000

static void is_empty_at_first_and_after_clear(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_SESSION);
    struct pid_set s = {0};
    assert_false(pid_set_has(&s, 1));
    assert_false(pid_set_remove(&s, 1));
    for (uint32_t pid = 1; pid <= 100; pid++)
        assert_int_equal(pid_set_add(&s, (uint16_t)pid), 0);
    assert_int_equal(s.count, 100);
    pid_set_clear(&s);
    assert_int_equal(s.count, 0);
    assert_false(pid_set_has(&s, 1));
    assert_int_equal(mem_bytes(MEM_SESSION), before);
}

static void holds_every_identifier(void **state)
{
    (void)state;
    struct pid_set s = {0};
    for (uint32_t pid = 65535; pid >= 1; pid--)
        assert_int_equal(pid_set_add(&s, (uint16_t)pid), 0);
    assert_int_equal(s.count, 65535);
    assert_true(pid_set_has(&s, 1));
    assert_true(pid_set_has(&s, 65535));
    assert_false(pid_set_has(&s, 0));
    for (uint32_t pid = 1; pid <= 65535; pid++)
        assert_true(pid_set_remove(&s, (uint16_t)pid));
    assert_int_equal(s.count, 0);
    assert_false(pid_set_remove(&s, 1));
    /* Usable again. */
    assert_int_equal(pid_set_add(&s, 7), 0);
    assert_true(pid_set_has(&s, 7));
    pid_set_clear(&s);
}

/* A client that opens many at once costs a fixed bitmap, and nothing once all are released. */
static void costs_little_memory(void **state)
{
    (void)state;
    int64_t before = mem_bytes(MEM_SESSION);
    struct pid_set s = {0};
    for (uint32_t pid = 1; pid <= 65535; pid++)
        assert_int_equal(pid_set_add(&s, (uint16_t)pid), 0);
    assert_in_range(mem_bytes(MEM_SESSION) - before, 8192, 8192 + 64);
    for (uint32_t pid = 1; pid <= 65535; pid++)
        assert_true(pid_set_remove(&s, (uint16_t)pid));
    assert_int_equal(mem_bytes(MEM_SESSION), before);
}

/* `spread` identifiers in use at most: few stay in the list, many go to and from the bitmap. */
static void churn(uint32_t spread)
{
    static bool model[65536];
    memset(model, 0, sizeof(model));
    uint64_t random = spread;
    struct pid_set s = {0};
    uint32_t count = 0;
    for (int i = 0; i < OPERATIONS; i++) {
        uint16_t pid = (uint16_t)(65535 - random_below(&random, spread));
        /* Phases of mostly adding and mostly removing. */
        bool wants_add = random_below(&random, 8) < (i / 5000 % 2 ? 2u : 6u);
        assert_int_equal(pid_set_has(&s, pid), model[pid]);
        if (wants_add && !model[pid]) {
            assert_int_equal(pid_set_add(&s, pid), 0);
            model[pid] = true;
            count++;
        } else if (!wants_add) {
            assert_int_equal(pid_set_remove(&s, pid), model[pid]);
            count -= model[pid];
            model[pid] = false;
        }
        assert_int_equal(s.count, count);
    }
    for (uint32_t pid = 0; pid < 65536; pid++)
        assert_int_equal(pid_set_has(&s, (uint16_t)pid), model[pid]);
    pid_set_clear(&s);
}

static void agrees_with_a_bitmap(void **state)
{
    (void)state;
    churn(20);
    churn(150); /* crosses the switch in both directions again and again */
    churn(5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_empty_at_first_and_after_clear),
        cmocka_unit_test(holds_every_identifier),
        cmocka_unit_test(costs_little_memory),
        cmocka_unit_test(agrees_with_a_bitmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
