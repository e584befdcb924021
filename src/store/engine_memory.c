/* The key-value engine that forgets at close: for `--durability memory` and for tests. Each space
 * is an array in order of key. Readers share a lock, writers hold it alone; store_each calls its
 * callback under the reader's lock, which its contract (the callback does not call the store) makes
 * safe. Knows no file. */
#include "store/store_engine.h"

#include <pthread.h>

struct pair {
    struct span key, value; /* one allocation, owned; it starts at key.p */
};

struct space {
    struct pair *pairs;
    size_t count, cap;
};

struct memory_kv {
    pthread_rwlock_t lock; /* protects `spaces` */
    struct space spaces[STORE_SPACE_COUNT_];
};

static void pair_fini(struct pair *pair)
{
    mem_free(MEM_STORE, (void *)(uintptr_t)pair->key.p);
}

static int pair_init(struct pair *pair, struct span key, struct span value)
{
    uint8_t *bytes = mem_alloc(MEM_STORE, key.n + value.n);
    if (!bytes)
        return err_raise(ERR_NO_MEMORY);
    memcpy(bytes, key.p, key.n);
    if (value.n)
        memcpy(bytes + key.n, value.p, value.n);
    *pair = (struct pair){span_of(bytes, key.n), span_of(bytes + key.n, value.n)};
    return 0;
}

/* Where `key` is (`*ret_found`), or where it would go. */
static size_t space_find(const struct space *space, struct span key, bool *ret_found)
{
    size_t low = 0, high = space->count;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(space->pairs[middle].key, key);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int space_insert(struct space *space, size_t at, struct pair pair)
{
    if (space->count == space->cap) {
        size_t cap = space->cap ? space->cap * 2 : 16;
        struct pair *grown = mem_realloc(MEM_STORE, space->pairs, cap * sizeof(*grown));
        if (!grown)
            return err_raise(ERR_NO_MEMORY);
        space->pairs = grown;
        space->cap = cap;
    }
    memmove(&space->pairs[at + 1], &space->pairs[at], (space->count - at) * sizeof(pair));
    space->pairs[at] = pair;
    space->count++;
    return 0;
}

static int memory_open(const char *dir, void **ret)
{
    (void)dir;
    struct memory_kv *kv = mem_zalloc(MEM_STORE, sizeof(*kv));
    if (!kv)
        return err_raise(ERR_NO_MEMORY);
    (void)pthread_rwlock_init(&kv->lock, NULL);
    *ret = kv;
    return 0;
}

static void memory_close(void *opened)
{
    struct memory_kv *kv = opened;
    for (int s = 0; s < STORE_SPACE_COUNT_; s++) {
        for (size_t i = 0; i < kv->spaces[s].count; i++)
            pair_fini(&kv->spaces[s].pairs[i]);
        mem_free(MEM_STORE, kv->spaces[s].pairs);
    }
    (void)pthread_rwlock_destroy(&kv->lock);
    mem_free(MEM_STORE, kv);
}

static int memory_get(void *opened, enum store_space space, struct span key, struct buf *out)
{
    struct memory_kv *kv = opened;
    bool is_found;
    (void)pthread_rwlock_rdlock(&kv->lock);
    size_t at = space_find(&kv->spaces[space], key, &is_found);
    if (is_found)
        buf_add_span(out, kv->spaces[space].pairs[at].value);
    (void)pthread_rwlock_unlock(&kv->lock);
    return is_found ? 0 : ERR_STORE_NOT_FOUND;
}

static int memory_put(void *opened, enum store_space space_id, struct span key, struct span value)
{
    struct memory_kv *kv = opened;
    struct space *space = &kv->spaces[space_id];
    struct pair pair, old = {0};
    int err = pair_init(&pair, key, value);
    if (err < 0)
        return err;
    bool is_found;
    (void)pthread_rwlock_wrlock(&kv->lock);
    size_t at = space_find(space, key, &is_found);
    if (is_found) {
        old = space->pairs[at];
        space->pairs[at] = pair;
    } else {
        err = space_insert(space, at, pair);
    }
    (void)pthread_rwlock_unlock(&kv->lock);
    pair_fini(err < 0 ? &pair : &old);
    return err;
}

static int memory_erase(void *opened, enum store_space space_id, struct span key)
{
    struct memory_kv *kv = opened;
    struct space *space = &kv->spaces[space_id];
    struct pair old = {0};
    bool is_found;
    (void)pthread_rwlock_wrlock(&kv->lock);
    size_t at = space_find(space, key, &is_found);
    if (is_found) {
        old = space->pairs[at];
        space->count--;
        memmove(&space->pairs[at], &space->pairs[at + 1], (space->count - at) * sizeof(old));
    }
    (void)pthread_rwlock_unlock(&kv->lock);
    pair_fini(&old);
    return is_found ? 0 : ERR_STORE_NOT_FOUND;
}

static int memory_each(void *opened, enum store_space space_id,
                       int (*each)(void *context, struct span key, struct span value),
                       void *context)
{
    struct memory_kv *kv = opened;
    const struct space *space = &kv->spaces[space_id];
    int err = 0;
    (void)pthread_rwlock_rdlock(&kv->lock);
    for (size_t i = 0; i < space->count && err >= 0; i++)
        err = each(context, space->pairs[i].key, space->pairs[i].value);
    (void)pthread_rwlock_unlock(&kv->lock);
    return err < 0 ? err : 0;
}

const struct store_engine store_engine_memory = {
    .name = "memory",
    .is_on_disk = false,
    .open = memory_open,
    .close = memory_close,
    .get = memory_get,
    .put = memory_put,
    .erase = memory_erase,
    .each = memory_each,
};
