/* The topic tree: shape, pruning, tables that grow, and readers beside a writer. */
#include "broker/tree.h"

#include "broker_test.h"

#include <pthread.h>

static struct tree_node *insert(struct tree *t, const char *path)
{
    struct tree_node *n = tree_insert(t, span_str(path), true);
    assert_non_null(n);
    return n;
}

static struct tree_node *child(const struct tree_node *n, const char *level)
{
    return tree_child(n, span_str(level), hash_bytes(span_str(level)));
}

/* Hangs something at a node, so that it stays. */
static char thing;
static void occupy(struct tree_node *n)
{
    rcu_publish(n->value[0], &thing);
}

static void vacate(struct tree_node *n)
{
    rcu_publish(n->value[0], NULL);
    tree_prune(n);
}

static void count_node(struct tree_node *n, void *context)
{
    (void)n;
    ++*(uint32_t *)context;
}

static uint32_t count_nodes(const struct tree *t)
{
    uint32_t count = 0;
    tree_each(t->root, count_node, &count);
    return count;
}

static void one_path_is_one_node(void **state)
{
    (void)state;
    struct tree t;
    assert_int_equal(tree_init(&t), 0);
    static const char *const paths[] = {"a", "a/b", "a//b", "/", "/a",  "a/",  "//",
                                        "+", "a/+", "+/b",  "#", "a/#", "+/#", "$sys/x"};
    enum {
        COUNT = sizeof(paths) / sizeof(paths[0])
    };
    struct tree_node *nodes[COUNT];
    for (int i = 0; i < COUNT; i++) {
        nodes[i] = insert(&t, paths[i]);
        occupy(nodes[i]);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(nodes[k], nodes[i]);
    }
    for (int i = 0; i < COUNT; i++)
        assert_ptr_equal(insert(&t, paths[i]), nodes[i]);
    assert_ptr_equal(child(child(t.root, "a"), "b"), nodes[1]);
    assert_ptr_equal(child(child(child(t.root, "a"), ""), "b"), nodes[2]);
    assert_ptr_equal(rcu_read(t.root->plus), nodes[7]);
    assert_ptr_equal(rcu_read(rcu_read(t.root->plus)->hash), nodes[12]);
    assert_null(child(t.root, "+")); /* wildcards are not among the plain children */
    assert_null(child(t.root, "b"));
    for (int i = 0; i < COUNT; i++)
        vacate(nodes[i]);
    assert_int_equal(count_nodes(&t), 1);
    tree_fini(&t);
}

/* Retained topics: what looks like a wildcard is text there. */
static void wildcards_are_text_when_not_asked_for(void **state)
{
    (void)state;
    struct tree t;
    assert_int_equal(tree_init(&t), 0);
    struct tree_node *n = tree_insert(&t, SPAN_LIT("+/#"), false);
    assert_ptr_equal(child(child(t.root, "+"), "#"), n);
    assert_null(rcu_read(t.root->plus));
    tree_fini(&t);
}

static void prune_stops_at_what_is_needed(void **state)
{
    (void)state;
    struct tree t;
    assert_int_equal(tree_init(&t), 0);
    struct tree_node *b = insert(&t, "a/b"), *deep = insert(&t, "a/b/c/+/#");
    occupy(b);
    occupy(deep);
    tree_prune(b); /* it has a value and children: nothing happens */
    assert_int_equal(count_nodes(&t), 6);
    vacate(b); /* it has children */
    assert_int_equal(count_nodes(&t), 6);
    occupy(b);
    vacate(deep); /* goes up to b */
    assert_int_equal(count_nodes(&t), 3);
    assert_null(child(b, "c"));
    rcu_publish(b->value[1], &thing); /* the other value keeps it too */
    vacate(b);
    assert_int_equal(count_nodes(&t), 3);
    rcu_publish(b->value[1], NULL);
    tree_prune(b);
    assert_int_equal(count_nodes(&t), 1);
    tree_prune(t.root); /* the root stays */
    assert_int_equal(t.root->child_count, 0);
    tree_fini(&t);
}

static void mark_child(struct tree_node *n, void *context)
{
    bool *seen = context;
    uint32_t i = 0;
    for (uint16_t k = 0; k < n->level_n; k++)
        i = i * 10 + (uint32_t)(n->level[k] - '0');
    assert_false(seen[i]);
    seen[i] = true;
}

#define WIDE 3000

static void tables_grow_and_shrink(void **state)
{
    (void)state;
    static bool model[WIDE];
    struct tree t;
    assert_int_equal(tree_init(&t), 0);
    insert(&t, "+"); /* the wildcards are no plain children */
    insert(&t, "#");
    uint64_t random = 21;
    for (int i = 0; i < 60000; i++) {
        char level[16];
        uint32_t n = random_below(&random, i / 10000 % 2 ? 50 : WIDE);
        snprintf(level, sizeof(level), "%u", n);
        struct tree_node *found = child(t.root, level);
        assert_int_equal(found != NULL, model[n]);
        if (!found)
            occupy(insert(&t, level));
        else if (random_below(&random, 4))
            vacate(found);
        else
            continue;
        model[n] = !model[n];
        rcu_mark_quiescent();
    }
    static bool seen[WIDE];
    memset(seen, 0, sizeof(seen));
    tree_children(t.root, mark_child, seen);
    assert_memory_equal(seen, model, sizeof(model));
    tree_fini(&t);
}

static void a_path_is_cut_once(void **state)
{
    (void)state;
    static struct tree_path p;
    assert_true(tree_path_split(&p, SPAN_LIT("a//long name/")));
    assert_int_equal(p.count, 4);
    assert_false(p.is_dollar);
    static const char *const levels[] = {"a", "", "long name", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(span_equal(p.levels[i].level, span_str(levels[i])));
        assert_true(p.levels[i].hash == hash_bytes(span_str(levels[i])));
    }
    assert_true(tree_path_split(&p, SPAN_LIT("$a")));
    assert_true(p.is_dollar);
    assert_true(tree_path_split(&p, SPAN_LIT("a/$b")));
    assert_false(p.is_dollar);
    char text[2 * MQTT_TOPIC_LEVELS_MAX];
    memset(text, '/', sizeof(text));
    assert_true(tree_path_split(&p, span_of(text, MQTT_TOPIC_LEVELS_MAX - 1)));
    assert_int_equal(p.count, MQTT_TOPIC_LEVELS_MAX);
    assert_false(tree_path_split(&p, span_of(text, MQTT_TOPIC_LEVELS_MAX)));
}

static void insert_one(struct tree *t, uint32_t n)
{
    char path[TEXT_MAX];
    snprintf(path, sizeof(path), "churn/%u/%s/x", n % 7, n % 3 ? "+" : "b");
    occupy(insert(t, path));
    snprintf(path, sizeof(path), "%u/a/#", n);
    occupy(insert(t, path));
}

static void remove_one(struct tree *t, uint32_t n)
{
    char path[TEXT_MAX];
    snprintf(path, sizeof(path), "churn/%u/%s/x", n % 7, n % 3 ? "+" : "b");
    vacate(insert(t, path));
    snprintf(path, sizeof(path), "%u/a/#", n);
    vacate(insert(t, path));
}

static void churn_leaves_nothing(void **state)
{
    (void)state;
    rcu_drain(); /* what earlier tests left */
    int64_t before = mem_bytes(MEM_INDEX);
    struct tree t;
    assert_int_equal(tree_init(&t), 0);
    for (int round = 0; round < 20; round++) {
        for (uint32_t n = 0; n < 500; n++)
            insert_one(&t, n);
        for (uint32_t n = 0; n < 500; n++)
            remove_one(&t, n);
        assert_int_equal(count_nodes(&t), 1);
        assert_int_equal(t.root->child_count, 0);
    }
    tree_fini(&t);
    rcu_drain();
    assert_int_equal(mem_bytes(MEM_INDEX), before);
}

/* ---- readers beside a writer ---- */

#define READERS 3
#define STABLE 40
#define WRITES 20000

struct race {
    struct tree tree;
    atomic_bool is_over;
    atomic_uint walks;
};

static void stable_path(uint32_t n, char out[TEXT_MAX])
{
    snprintf(out, TEXT_MAX, "race/%u/s", n);
}

static void check_level(struct tree_node *n, void *context)
{
    /* Whatever a reader meets is whole: the level still has its hash. */
    assert_true(n->level_hash == hash_bytes(tree_level(n)));
    ++*(uint32_t *)context;
}

static void *walk_again_and_again(void *context)
{
    struct race *race = context;
    rcu_join();
    uint64_t random = 1 + (uintptr_t)&random;
    while (!atomic_load(&race->is_over)) {
        char path[TEXT_MAX];
        stable_path(random_below(&random, STABLE), path);
        struct tree_path p;
        assert_true(tree_path_split(&p, span_str(path)));
        struct tree_node *n = race->tree.root;
        for (size_t i = 0; i < p.count; i++) {
            n = tree_child(n, p.levels[i].level, p.levels[i].hash);
            assert_non_null(n); /* what nobody removes is always found */
        }
        assert_ptr_equal(rcu_read(n->value[0]), &thing);
        uint32_t seen = 0;
        tree_children(child(race->tree.root, "race"), check_level, &seen);
        assert_true(seen >= STABLE);
        struct tree_node *plus = rcu_read(race->tree.root->plus);
        if (plus)
            check_level(plus, &seen);
        atomic_fetch_add(&race->walks, 1);
        rcu_mark_quiescent();
    }
    rcu_leave();
    return NULL;
}

static void readers_never_lose_a_node(void **state)
{
    (void)state;
    static struct race race;
    race = (struct race){0};
    assert_int_equal(tree_init(&race.tree), 0);
    char path[TEXT_MAX];
    for (uint32_t n = 0; n < STABLE; n++) {
        stable_path(n, path);
        occupy(insert(&race.tree, path));
    }
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, walk_again_and_again, &race), 0);
    uint64_t random = 77;
    for (int i = 0; i < WRITES || atomic_load(&race.walks) < 1000; i++) {
        uint32_t n = random_below(&random, 200);
        snprintf(path, sizeof(path), "race/%u/t", n);
        struct tree_node *node = insert(&race.tree, path);
        if (rcu_read(node->value[0]))
            vacate(node);
        else
            occupy(node);
        node = insert(&race.tree, "+/x");
        if (random_below(&random, 2))
            vacate(node);
        rcu_mark_quiescent();
    }
    atomic_store(&race.is_over, true);
    rcu_sleep();
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    rcu_wake();
    assert_true(atomic_load(&race.walks) >= 1000);
    rcu_drain();
    tree_fini(&race.tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_path_is_one_node),
        cmocka_unit_test(wildcards_are_text_when_not_asked_for),
        cmocka_unit_test(prune_stops_at_what_is_needed),
        cmocka_unit_test(tables_grow_and_shrink),
        cmocka_unit_test(a_path_is_cut_once),
        cmocka_unit_test(churn_leaves_nothing),
        cmocka_unit_test(readers_never_lose_a_node),
    };
    return cmocka_run_group_tests(tests, join_readers, leave_readers);
}
