/* The store's front: one opened folder, its engine and its log. Checks lengths and the format of
 * the folder, so that engines need not. Knows nothing of what the values mean. */
#include "store/store_engine.h"

#include <unistd.h>

/* Raised when a release writes what an older one would misread; the folder tells which it has. */
#define FORMAT_VERSION 1
#define FORMAT_KEY SPAN_LIT("format")

struct store {
    const struct store_engine *engine;
    void *kv;
    struct store_log *log;
    int lock_fd; /* -1: the engine is not on disk */
};

static int parse_version(struct span text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text.n == 0 || text.n > 9)
        return err_raise(ERR_STORE_FORMAT_UNREADABLE);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return err_raise(ERR_STORE_FORMAT_UNREADABLE);
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    *ret = value;
    return 0;
}

static int read_version(struct store *store, struct buf *text)
{
    int err = store_get(store, STORE_META, FORMAT_KEY, text);
    if (err != ERR_STORE_NOT_FOUND)
        return err;
    buf_addf(text, "%d", FORMAT_VERSION);
    return text->is_failed ? err_raise(ERR_NO_MEMORY)
                           : store_put(store, STORE_META, FORMAT_KEY, buf_span(text));
}

/* Marks a new folder with our format, refuses one whose format we do not know. */
static int check_format(struct store *store)
{
    struct buf text = buf_make(MEM_STORE, 64);
    uint64_t version = 0;
    int err = read_version(store, &text);
    if (err >= 0)
        err = parse_version(buf_span(&text), &version);
    buf_fini(&text);
    if (err >= 0 && version > FORMAT_VERSION)
        err = err_raise(ERR_STORE_FORMAT_NEWER);
    return err;
}

static int open_parts(struct store *store, const char *dir)
{
    int err = 0;
    if (store->engine->is_on_disk)
        err = dir ? store_dir_open(dir, &store->lock_fd) : err_raise(ERR_STORE_DIR_MISSING);
    if (err >= 0)
        err = store->engine->open(dir, &store->kv);
    if (err >= 0 && store->engine->is_on_disk)
        err = store_dir_sync(dir);
    if (err >= 0)
        err = store_log_new(&store->log);
    return err < 0 ? err : check_format(store);
}

int store_open(const struct store_engine *engine, const char *dir, struct store **ret)
{
    struct store *store = mem_zalloc(MEM_STORE, sizeof(*store));
    if (!store)
        return err_raise(ERR_NO_MEMORY);
    store->engine = engine;
    store->lock_fd = -1;
    int err = open_parts(store, dir);
    if (err < 0)
        store_close(&store);
    else
        *ret = store;
    return err;
}

void store_close(struct store **store)
{
    struct store *s = *store;
    *store = NULL;
    if (!s)
        return;
    store_log_free(&s->log);
    if (s->kv)
        s->engine->close(s->kv);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    mem_free(MEM_STORE, s);
}

static int check_key(struct span key)
{
    return key.n == 0 || key.n > STORE_KEY_MAX ? err_raise(ERR_STORE_KEY_LENGTH) : 0;
}

int store_get(struct store *store, enum store_space space, struct span key, struct buf *out)
{
    int err = check_key(key);
    if (err >= 0)
        err = store->engine->get(store->kv, space, key, out);
    return err >= 0 && out->is_failed ? err_raise(ERR_BUF_LIMIT) : err;
}

int store_put(struct store *store, enum store_space space, struct span key, struct span value)
{
    int err = check_key(key);
    if (err < 0)
        return err;
    if (value.n > STORE_VALUE_MAX)
        return err_raise(ERR_STORE_VALUE_LENGTH);
    return store->engine->put(store->kv, space, key, value);
}

int store_delete(struct store *store, enum store_space space, struct span key)
{
    int err = check_key(key);
    return err < 0 ? err : store->engine->erase(store->kv, space, key);
}

int store_each(struct store *store, enum store_space space,
               int (*each)(void *context, struct span key, struct span value), void *context)
{
    return store->engine->each(store->kv, space, each, context);
}

int store_append(struct store *store, struct ref *body, uint32_t holders, uint64_t *ret_lsn)
{
    return store_log_append(store->log, body, holders, ret_lsn);
}

struct ref *store_read(struct store *store, uint64_t lsn)
{
    return store_log_read(store->log, lsn);
}

void store_release(struct store *store, uint64_t lsn)
{
    store_log_release(store->log, lsn);
}

uint64_t store_log_count(struct store *store)
{
    return store_log_records(store->log);
}
