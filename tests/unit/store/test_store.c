/* The key-value space: one table of cases, run over each engine, and what only the folder on disk
 * has: reopening, its format, its lock, its rights. */
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
    const struct store_engine *engine;
    char dir[64];
    struct store *store;
};

static const char *bench_dir(const struct bench *b)
{
    return b->engine == &store_engine_lmdb ? b->dir : NULL;
}

static int set_up(void **state, const struct store_engine *engine)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    b->engine = engine;
    snprintf(b->dir, sizeof(b->dir), "/tmp/trackwire-store-XXXXXX");
    *state = b;
    return mkdtemp(b->dir) ? store_open(engine, bench_dir(b), &b->store) : -1;
}

static int set_up_lmdb(void **state)
{
    return set_up(state, &store_engine_lmdb);
}

static int set_up_memory(void **state)
{
    return set_up(state, &store_engine_memory);
}

static void remove_in(const struct bench *b, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    (void)unlink(path);
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    store_close(&b->store);
    remove_in(b, "store.mdb");
    remove_in(b, "store.mdb-lock");
    remove_in(b, "lock");
    int err = rmdir(b->dir);
    test_free(b);
    return err;
}

static void assert_stored(struct bench *b, enum store_space space, struct span key,
                          struct span expected)
{
    struct buf out = buf_make(MEM_STORE, 4096);
    assert_int_equal(store_get(b->store, space, key, &out), 0);
    assert_true(span_equal(buf_span(&out), expected));
    buf_fini(&out);
}

static void put(struct bench *b, const char *key, const char *value)
{
    assert_int_equal(store_put(b->store, STORE_DEVICES, span_str(key), span_str(value)), 0);
}

/* ---- cases of every engine ---- */

static void gets_what_was_put(void **state)
{
    struct bench *b = *state;
    put(b, "a", "one");
    put(b, "a", "three, longer");
    put(b, "b", "");
    assert_stored(b, STORE_DEVICES, SPAN_LIT("a"), SPAN_LIT("three, longer"));
    assert_stored(b, STORE_DEVICES, SPAN_LIT("b"), SPAN_LIT(""));
}

static void tells_what_is_missing(void **state)
{
    struct bench *b = *state;
    struct buf out = buf_make(MEM_STORE, 16);
    put(b, "a", "one");
    assert_int_equal(store_get(b->store, STORE_DEVICES, SPAN_LIT("b"), &out), ERR_STORE_NOT_FOUND);
    assert_int_equal(store_get(b->store, STORE_CHANNELS, SPAN_LIT("a"), &out), ERR_STORE_NOT_FOUND);
    assert_int_equal(store_delete(b->store, STORE_DEVICES, SPAN_LIT("b")), ERR_STORE_NOT_FOUND);
    assert_int_equal(store_delete(b->store, STORE_DEVICES, SPAN_LIT("a")), 0);
    assert_int_equal(store_get(b->store, STORE_DEVICES, SPAN_LIT("a"), &out), ERR_STORE_NOT_FOUND);
    assert_int_equal(out.n, 0);
}

static void appends_to_what_the_caller_has(void **state)
{
    struct bench *b = *state;
    struct buf out = buf_make(MEM_STORE, 6);
    put(b, "a", "one");
    buf_add_str(&out, "x=");
    assert_int_equal(store_get(b->store, STORE_DEVICES, SPAN_LIT("a"), &out), 0);
    assert_true(span_equal(buf_span(&out), SPAN_LIT("x=one")));
    assert_int_equal(store_get(b->store, STORE_DEVICES, SPAN_LIT("a"), &out), ERR_BUF_LIMIT);
    buf_fini(&out);
}

static void refuses_lengths(void **state)
{
    struct bench *b = *state;
    static uint8_t bytes[1024 * 1024 + 1];
    struct span one = SPAN_LIT("1");
    assert_int_equal(store_put(b->store, STORE_DEVICES, span_of(bytes, 0), one),
                     ERR_STORE_KEY_LENGTH);
    assert_int_equal(store_put(b->store, STORE_DEVICES, span_of(bytes, 256), one),
                     ERR_STORE_KEY_LENGTH);
    assert_int_equal(store_put(b->store, STORE_DEVICES, span_of(bytes, 255), one), 0);
    assert_stored(b, STORE_DEVICES, span_of(bytes, 255), one);
    assert_int_equal(store_put(b->store, STORE_DEVICES, one, span_of(bytes, sizeof(bytes))),
                     ERR_STORE_VALUE_LENGTH);
    assert_int_equal(store_put(b->store, STORE_DEVICES, one, span_of(bytes, sizeof(bytes) - 1)), 0);
}

struct seen {
    char text[64];
    int stop_after;
};

static int note_pair(void *context, struct span key, struct span value)
{
    struct seen *seen = context;
    size_t n = strlen(seen->text);
    snprintf(seen->text + n, sizeof(seen->text) - n, "%.*s=%.*s;", SPAN_FMT(key), SPAN_FMT(value));
    return --seen->stop_after == 0 ? ERR_NO_MEMORY : 0;
}

static void tells_every_pair_in_order(void **state)
{
    struct bench *b = *state;
    struct seen all = {.stop_after = -1}, some = {.stop_after = 2};
    put(b, "b", "2");
    put(b, "ab", "12");
    put(b, "c", "3");
    put(b, "a", "1");
    assert_int_equal(store_delete(b->store, STORE_DEVICES, SPAN_LIT("c")), 0);
    assert_int_equal(store_each(b->store, STORE_DEVICES, note_pair, &all), 0);
    assert_string_equal(all.text, "a=1;ab=12;b=2;");
    assert_int_equal(store_each(b->store, STORE_DEVICES, note_pair, &some), ERR_NO_MEMORY);
    assert_string_equal(some.text, "a=1;ab=12;");
}

/* ---- the folder on disk ---- */

static int reopen(struct bench *b)
{
    store_close(&b->store);
    return store_open(b->engine, b->dir, &b->store);
}

static void keeps_over_a_restart(void **state)
{
    struct bench *b = *state;
    put(b, "a", "one");
    assert_int_equal(reopen(b), 0);
    assert_stored(b, STORE_DEVICES, SPAN_LIT("a"), SPAN_LIT("one"));
}

static void refuses_formats(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *version;
        int expected;
    } cases[] = {
        {"1", 0},
        {"2", ERR_STORE_FORMAT_NEWER},
        {"", ERR_STORE_FORMAT_UNREADABLE},
        {"one", ERR_STORE_FORMAT_UNREADABLE},
        {"1000000000", ERR_STORE_FORMAT_UNREADABLE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span version = span_str(cases[i].version);
        assert_int_equal(store_put(b->store, STORE_META, SPAN_LIT("format"), version), 0);
        assert_int_equal(reopen(b), cases[i].expected);
        if (cases[i].expected == 0)
            continue;
        assert_null(b->store);
        assert_int_equal(rmdir(b->dir), -1);
        remove_in(b, "store.mdb");
        assert_int_equal(store_open(b->engine, b->dir, &b->store), 0);
    }
}

static void refuses_a_second_owner(void **state)
{
    struct bench *b = *state;
    struct store *second = NULL;
    assert_int_equal(store_open(b->engine, b->dir, &second), ERR_STORE_LOCKED);
    assert_null(second);
    assert_int_equal(reopen(b), 0);
}

static void is_private(void **state)
{
    struct bench *b = *state;
    char path[128];
    struct stat info;
    static const char *const files[] = {"lock", "store.mdb", "store.mdb-lock"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", b->dir, files[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    snprintf(path, sizeof(path), "%s/inner", b->dir);
    struct store *inner = NULL;
    assert_int_equal(store_open(b->engine, path, &inner), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    store_close(&inner);
    remove_in(b, "inner/store.mdb");
    remove_in(b, "inner/store.mdb-lock");
    remove_in(b, "inner/lock");
    assert_int_equal(rmdir(path), 0);
}

static void refuses_folders(void **state)
{
    struct bench *b = *state;
    char path[128];
    struct store *store = NULL;
    assert_int_equal(store_open(b->engine, NULL, &store), ERR_STORE_DIR_MISSING);
    snprintf(path, sizeof(path), "%s/no/such", b->dir);
    assert_int_equal(store_open(b->engine, path, &store), ERR_STORE_DIR_CREATE);
    snprintf(path, sizeof(path), "%s/lock", b->dir);
    assert_int_equal(store_open(b->engine, path, &store), ERR_STORE_DIR_OPEN);
    assert_null(store);
}

static void refuses_a_damaged_file(void **state)
{
    struct bench *b = *state;
    char path[128];
    store_close(&b->store);
    snprintf(path, sizeof(path), "%s/store.mdb", b->dir);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    for (int i = 0; i < 8192; i++)
        assert_int_equal(fputc('x', file), 'x');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(store_open(b->engine, b->dir, &b->store), ERR_STORE_CORRUPT);
}

#define ON_EACH_ENGINE(test)                                                                       \
    {#test " (lmdb)", test, set_up_lmdb, tear_down, NULL},                                         \
    {                                                                                              \
#test " (memory)", test, set_up_memory, tear_down, NULL                                    \
    }
#define ON_DISK(test)                                                                              \
    {                                                                                              \
#test, test, set_up_lmdb, tear_down, NULL                                                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH_ENGINE(gets_what_was_put),
        ON_EACH_ENGINE(tells_what_is_missing),
        ON_EACH_ENGINE(appends_to_what_the_caller_has),
        ON_EACH_ENGINE(refuses_lengths),
        ON_EACH_ENGINE(tells_every_pair_in_order),
        ON_DISK(keeps_over_a_restart),
        ON_DISK(refuses_formats),
        ON_DISK(refuses_a_second_owner),
        ON_DISK(is_private),
        ON_DISK(refuses_folders),
        ON_DISK(refuses_a_damaged_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
