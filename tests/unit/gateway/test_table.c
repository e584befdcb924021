/* The gateway's hash table: finds what was added, among equal hashes too, through growth. */
#include "gateway/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 1000

struct item {
    struct table_node node;
    int key;
};

/* Ten items share each hash. */
static uint64_t hash_of(int key)
{
    return (uint64_t)(key / 10) * 0x9E3779B97F4A7C15u;
}

static struct item *find(const struct table *t, int key)
{
    struct table_node *node = table_first(t, hash_of(key));
    while (node && ((struct item *)node)->key != key)
        node = table_next(node);
    return (struct item *)node;
}

static void fill(struct table *t, struct item *items)
{
    for (int i = 0; i < MANY; i++) {
        items[i] = (struct item){.key = i};
        assert_int_equal(table_add(t, &items[i].node, hash_of(i)), 0);
    }
}

static void drop(void *context, struct table_node *node)
{
    table_remove(context, node);
}

static void an_empty_table_finds_nothing(void **state)
{
    (void)state;
    struct table t = {0};
    assert_null(table_first(&t, 0));
    table_fini(&t);
}

static void finds_each_among_equal_hashes(void **state)
{
    (void)state;
    static struct item items[MANY];
    struct table t = {0};
    fill(&t, items);
    assert_int_equal(t.count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(&t, i), &items[i]);
    assert_null(find(&t, MANY));
    table_each(&t, drop, &t);
    table_fini(&t);
}

static void forgets_what_was_removed_only(void **state)
{
    (void)state;
    static struct item items[MANY];
    struct table t = {0};
    fill(&t, items);
    for (int i = 0; i < MANY; i += 3)
        table_remove(&t, &items[i].node);
    for (int i = 0; i < MANY; i++) {
        if (i % 3)
            assert_ptr_equal(find(&t, i), &items[i]);
        else
            assert_null(find(&t, i));
    }
    table_each(&t, drop, &t);
    assert_int_equal(t.count, 0);
    table_fini(&t);
}

static void walks_over_each_once(void **state)
{
    (void)state;
    static struct item items[MANY];
    struct table t = {0};
    fill(&t, items);
    table_each(&t, drop, &t); /* a second visit would remove what is not there */
    assert_int_equal(t.count, 0);
    for (int i = 0; i < MANY; i++)
        assert_null(find(&t, i));
    table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_finds_nothing),
        cmocka_unit_test(finds_each_among_equal_hashes),
        cmocka_unit_test(forgets_what_was_removed_only),
        cmocka_unit_test(walks_over_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
