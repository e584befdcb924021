/* The subscription index against the plain definition of a match: random filters, groups and churn,
 * and readers beside a writer. */
#include "broker/index.h"

#include "broker_test.h"

#include <stdlib.h>

#define OPERATIONS 100000
#define ENTRIES 600
#define WHO_MAX 12u

/* One subscription as the model knows it. */
struct entry {
    char text[TEXT_MAX + 16]; /* with $share/ */
    struct filter filter;
    struct index_place place;
    uint64_t who, options;
};

struct model {
    struct entry entries[ENTRIES];
    uint32_t count;
};

/* What a topic matched, to be compared: group name ("" when plain), filter, who and options. */
struct hit {
    char group[8];
    uint64_t who, options;
};

struct hits {
    struct hit list[ENTRIES];
    uint32_t count;
};

static int compare_hits(const void *left, const void *right)
{
    const struct hit *a = left, *b = right;
    int order = strcmp(a->group, b->group);
    order = order ? order : (a->who > b->who) - (a->who < b->who);
    return order ? order : (a->options > b->options) - (a->options < b->options);
}

static void add_hit(struct hits *h, struct span group, uint64_t who, uint64_t options)
{
    assert_true(h->count < ENTRIES);
    struct hit *hit = &h->list[h->count++];
    *hit = (struct hit){.who = who, .options = options};
    snprintf(hit->group, sizeof(hit->group), "%.*s", SPAN_FMT(group));
}

static void add_array(struct hits *h, struct span group, const struct subscribers *s)
{
    assert_non_null(s); /* an empty array or group is not kept */
    uint32_t count = atomic_load(&((struct subscribers *)s)->count);
    for (uint32_t i = 0; i < count; i++) {
        struct subscribers_place *p = (struct subscribers_place *)&s->places[i];
        uint64_t who = atomic_load(&p->who);
        if (who)
            add_hit(h, group, who, atomic_load(&p->options));
    }
}

static void match_index(const struct index *x, const char *topic, struct hits *h)
{
    static struct index_match m; /* kept from call to call, as the broker does */
    struct tree_path path;
    h->count = 0;
    assert_true(tree_path_split(&path, span_str(topic)));
    index_match(x, &path, &m);
    assert_false(m.is_short);
    for (uint32_t i = 0; i < m.plain_count; i++)
        add_array(h, SPAN_LIT(""), m.plain[i]);
    for (uint32_t i = 0; i < m.branch_count; i++)
        add_array(h, span_of(m.branches[i]->name, m.branches[i]->name_n),
                  subscribers_read(&m.branches[i]->members));
    index_match_fini(&m);
    qsort(h->list, h->count, sizeof(h->list[0]), compare_hits);
}

static void match_model(const struct model *model, const char *topic, struct hits *h)
{
    h->count = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct entry *e = &model->entries[i];
        if (topic_matches(e->filter.topic, span_str(topic)))
            add_hit(h, e->filter.branch, e->who, e->options);
    }
    qsort(h->list, h->count, sizeof(h->list[0]), compare_hits);
}

static void check_topic(const struct index *x, const struct model *model, const char *topic)
{
    static struct hits got, expected;
    match_index(x, topic, &got);
    match_model(model, topic, &expected);
    if (got.count != expected.count ||
        memcmp(got.list, expected.list, got.count * sizeof(got.list[0])) != 0)
        fail_msg("topic '%s': %u matches, %u expected", topic, got.count, expected.count);
}

static struct entry *find_entry(struct model *model, const char *text, uint64_t who)
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (model->entries[i].who == who && strcmp(model->entries[i].text, text) == 0)
            return &model->entries[i];
    }
    return NULL;
}

static void add(struct index *x, struct model *model, const char *text, uint64_t who,
                uint64_t options)
{
    struct entry *e = &model->entries[model->count++];
    snprintf(e->text, sizeof(e->text), "%s", text);
    e->who = who;
    e->options = options;
    assert_int_equal(filter_parse(span_str(e->text), &e->filter), 0);
    assert_int_equal(index_add(x, &e->filter, who, options, &e->place), 0);
}

/* The last one takes its seat; spans of the filter point into the entry. */
static void drop(struct index *x, struct model *model, struct entry *e)
{
    index_remove(x, &e->place, e->who);
    *e = model->entries[--model->count];
    assert_int_equal(filter_parse(span_str(e->text), &e->filter), 0);
}

static void random_subscription(uint64_t *random, char out[TEXT_MAX + 16])
{
    char filter[TEXT_MAX];
    random_topic(random, true, filter);
    if (random_below(random, 4) == 0)
        snprintf(out, TEXT_MAX + 16, "$share/g%u/%s", random_below(random, 3), filter);
    else
        snprintf(out, TEXT_MAX + 16, "%s", filter);
}

static void change(struct index *x, struct entry *e, uint64_t options)
{
    index_change(x, &e->place, e->who, options);
    e->options = options;
}

/* One step of the churn: mostly growing, then mostly shrinking. */
static void step(struct index *x, struct model *model, uint64_t *random, bool is_growing)
{
    char text[TEXT_MAX + 16];
    uint64_t who = subscriber_make(random_below(random, 4), random_below(random, WHO_MAX), 1);
    uint64_t options = random_next(random);
    bool wants_add = random_below(random, 10) < (is_growing ? 6u : 3u);
    random_subscription(random, text);
    struct entry *e = find_entry(model, text, who);
    if (e) {
        change(x, e, options);
    } else if (wants_add && model->count < ENTRIES) {
        add(x, model, text, who, options);
    } else if (model->count) {
        e = &model->entries[random_below(random, model->count)];
        if (random_below(random, 3))
            drop(x, model, e);
        else
            change(x, e, options);
    }
    assert_int_equal(atomic_load(&x->count), model->count);
}

static void count_node(struct tree_node *n, void *context)
{
    (void)n;
    ++*(uint32_t *)context;
}

static void agrees_with_the_definition(void **state)
{
    (void)state;
    static struct model model;
    rcu_drain(); /* what earlier tests left */
    int64_t before = mem_bytes(MEM_INDEX);
    struct index x;
    assert_int_equal(index_init(&x), 0);
    uint64_t random = 42;
    for (int i = 0; i < OPERATIONS; i++) {
        step(&x, &model, &random, i / 7000 % 2 == 0);
        if (i % 8 == 0) {
            char topic[TEXT_MAX];
            random_topic(&random, false, topic);
            check_topic(&x, &model, topic);
        }
        if (i % 64 == 0)
            rcu_mark_quiescent();
    }
    assert_true(model.count > 10);
    while (model.count)
        drop(&x, &model, &model.entries[random_below(&random, model.count)]);
    uint32_t nodes = 0;
    tree_each(x.tree.root, count_node, &nodes);
    assert_int_equal(nodes, 1);
    assert_int_equal(x.tree.root->child_count, 0);
    index_fini(&x);
    rcu_drain();
    assert_int_equal(mem_bytes(MEM_INDEX), before);
}

/* Sessions come and go for ever; what an empty index holds does not depend on how many did. */
static void does_not_grow_with_time(void **state)
{
    (void)state;
    static struct model model;
    struct index x;
    assert_int_equal(index_init(&x), 0);
    int64_t first = 0;
    for (uint32_t round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < 400; i++) {
            char text[TEXT_MAX];
            /* Always other names, as client ids in topics are. */
            snprintf(text, sizeof(text), "%s%u/x/+/%u", i % 5 ? "" : "$share/g/", i, round * i);
            add(&x, &model, text, 1 + i, 0);
        }
        while (model.count)
            drop(&x, &model, &model.entries[0]);
        rcu_drain();
        if (round == 0)
            first = mem_bytes(MEM_INDEX);
        assert_true(mem_bytes(MEM_INDEX) <= first);
    }
    index_fini(&x);
}

static void finds_and_names_places(void **state)
{
    (void)state;
    struct index x;
    assert_int_equal(index_init(&x), 0);
    static const char *const filters[] = {
        "a",          "a/b/c",           "/", "//", "+", "#", "a/+/#", "$sys/#", "$share/g/a",
        "$share/g//", "$share/other/+/#"};
    enum {
        COUNT = sizeof(filters) / sizeof(filters[0])
    };
    struct index_place places[COUNT], found;
    struct filter f;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(filter_parse(span_str(filters[i]), &f), 0);
        assert_false(index_find(&x, &f, &found));
        assert_int_equal(index_add(&x, &f, 1, 0, &places[i]), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(filter_parse(span_str(filters[i]), &f), 0);
        assert_true(index_find(&x, &f, &found));
        assert_ptr_equal(found.node, places[i].node);
        assert_ptr_equal(found.branch, places[i].branch);
        struct buf out = buf_make(MEM_BASE, 100);
        index_filter_text(&places[i], &out);
        assert_true(span_equal(buf_span(&out), span_str(filters[i])));
        buf_fini(&out);
    }
    for (int i = COUNT; i-- > 0;) { /* the deeper ones first: they hold their parents */
        index_remove(&x, &places[i], 1);
        assert_int_equal(filter_parse(span_str(filters[i]), &f), 0);
        assert_false(index_find(&x, &f, &found));
    }
    index_fini(&x);
}

/* MQTT 5.0 4.7: the examples of the standard and their neighbours, by hand. */
static void matches_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *topic;
        bool matches;
    } cases[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/#", "sport", true},
        {"sport/#", "sports", false},
        {"#", "a/b/c", true},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"#", "$SYS/x", false},
        {"+/monitor/Clients", "$SYS/monitor/Clients", false},
        {"$SYS/#", "$SYS/", true},
        {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
        {"a/+", "a/$b", true},
        {"ACCOUNTS", "Accounts", false},
        {"/", "/", true},
        {"/a", "a", false},
        {"a//b", "a/b", false},
        {"a/+/b", "a//b", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct index x;
        static struct model model;
        static struct hits hits;
        assert_int_equal(index_init(&x), 0);
        add(&x, &model, cases[i].filter, 1, 0);
        match_index(&x, cases[i].topic, &hits);
        if (hits.count != (cases[i].matches ? 1u : 0u))
            fail_msg("'%s' and '%s'", cases[i].filter, cases[i].topic);
        drop(&x, &model, &model.entries[0]);
        index_fini(&x);
    }
}

/* A topic of the deepest kind through a filter tree that branches at each level. */
static void deep_topics_are_bounded(void **state)
{
    (void)state;
    static struct model model;
    static struct hits hits;
    struct index x;
    assert_int_equal(index_init(&x), 0);
    char topic[2 * MQTT_TOPIC_LEVELS_MAX + 1], filter[2 * MQTT_TOPIC_LEVELS_MAX + 1];
    for (size_t i = 0; i < MQTT_TOPIC_LEVELS_MAX; i++) {
        memcpy(topic + 2 * i, "a/", 2);
        memcpy(filter + 2 * i, i % 2 ? "+/" : "a/", 2);
    }
    topic[2 * MQTT_TOPIC_LEVELS_MAX - 1] = filter[2 * MQTT_TOPIC_LEVELS_MAX - 1] = 0;
    struct filter f;
    struct index_place places[3];
    assert_int_equal(filter_parse(span_str(topic), &f), 0);
    assert_int_equal(index_add(&x, &f, 1, 0, &places[0]), 0);
    assert_int_equal(filter_parse(span_str(filter), &f), 0);
    assert_int_equal(index_add(&x, &f, 2, 0, &places[1]), 0);
    assert_int_equal(filter_parse(SPAN_LIT("a/a/a/#"), &f), 0);
    assert_int_equal(index_add(&x, &f, 3, 0, &places[2]), 0);
    match_index(&x, topic, &hits);
    assert_int_equal(hits.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        index_remove(&x, &places[i], i + 1);
    match_index(&x, topic, &hits);
    assert_int_equal(hits.count, model.count);
    index_fini(&x);
}

/* ---- readers beside a writer ---- */

#define READERS 3
#define STABLE 8u
#define WRITES 30000

/* Options carry `who`, so that a reader sees when they do not belong together. */
static uint64_t options_for(uint64_t who, uint8_t qos)
{
    return subscription_options(qos, false, false, (uint32_t)who * 7 + 1);
}

struct race {
    struct index x;
    atomic_bool is_over;
    atomic_uint matches;
};

static uint32_t check_array(const struct subscribers *s)
{
    uint32_t stable = 0;
    uint32_t count = s ? atomic_load(&((struct subscribers *)s)->count) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct subscribers_place *p = (struct subscribers_place *)&s->places[i];
        uint64_t who = atomic_load_explicit(&p->who, memory_order_relaxed);
        uint64_t options = atomic_load_explicit(&p->options, memory_order_relaxed);
        if (!who)
            continue;
        assert_int_equal(subscription_id(options), who * 7 + 1);
        assert_true((options & SUBSCRIPTION_QOS_MASK) < 3);
        stable += who <= STABLE;
    }
    return stable;
}

static void *match_again_and_again(void *context)
{
    struct race *race = context;
    struct index_match m = {0};
    struct tree_path path;
    rcu_join();
    assert_true(tree_path_split(&path, SPAN_LIT("race/b/c")));
    while (!atomic_load(&race->is_over)) {
        index_match(&race->x, &path, &m);
        assert_false(m.is_short);
        uint32_t plain = 0, shared = 0;
        for (uint32_t i = 0; i < m.plain_count; i++)
            plain += check_array(m.plain[i]);
        for (uint32_t i = 0; i < m.branch_count; i++)
            shared += check_array(subscribers_read(&m.branches[i]->members));
        /* Whoever stays subscribed is always matched, and once for each of its filters. */
        assert_int_equal(plain, STABLE * 3);
        assert_int_equal(shared, STABLE);
        atomic_fetch_add(&race->matches, 1);
        rcu_mark_quiescent();
    }
    index_match_fini(&m);
    rcu_leave();
    return NULL;
}

static const char *const race_filters[] = {
    "race/b/c", "race/+/c", "race/#", "$share/g/race/b/+", "+/b/c", "#", "$share/h/race/b/c"};
enum {
    RACE_FILTERS = sizeof(race_filters) / sizeof(race_filters[0])
};

/* Other sessions come, change and go at the same filters and others meanwhile. */
static void write_for_a_while(struct race *race)
{
    enum {
        OTHERS = 60
    };
    static struct index_place places[OTHERS][RACE_FILTERS];
    static bool is_there[OTHERS][RACE_FILTERS];
    uint64_t random = 13;
    for (int i = 0; i < WRITES || atomic_load(&race->matches) < 1000; i++) {
        uint32_t k = random_below(&random, OTHERS), n = random_below(&random, RACE_FILTERS);
        uint64_t who = STABLE + 1 + k;
        struct filter f;
        assert_int_equal(filter_parse(span_str(race_filters[n]), &f), 0);
        uint64_t options = options_for(who, (uint8_t)random_below(&random, 3));
        if (!is_there[k][n]) {
            assert_int_equal(index_add(&race->x, &f, who, options, &places[k][n]), 0);
            is_there[k][n] = true;
        } else if (random_below(&random, 3)) {
            index_remove(&race->x, &places[k][n], who);
            is_there[k][n] = false;
        } else {
            index_change(&race->x, &places[k][n], who, options);
        }
        rcu_mark_quiescent();
    }
}

static void readers_see_whole_subscribers(void **state)
{
    (void)state;
    static struct race race;
    race = (struct race){0};
    assert_int_equal(index_init(&race.x), 0);
    for (uint64_t who = 1; who <= STABLE; who++) {
        for (int n = 0; n < 4; n++) {
            struct filter f;
            struct index_place place;
            assert_int_equal(filter_parse(span_str(race_filters[n]), &f), 0);
            assert_int_equal(index_add(&race.x, &f, who, options_for(who, 1), &place), 0);
        }
    }
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_again_and_again, &race), 0);
    write_for_a_while(&race);
    atomic_store(&race.is_over, true);
    rcu_sleep();
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    rcu_wake();
    rcu_drain();
    index_fini(&race.x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(does_not_grow_with_time),
        cmocka_unit_test(finds_and_names_places),
        cmocka_unit_test(matches_as_the_standard_says),
        cmocka_unit_test(deep_topics_are_bounded),
        cmocka_unit_test(readers_see_whole_subscribers),
    };
    return cmocka_run_group_tests(tests, join_readers, leave_readers);
}
