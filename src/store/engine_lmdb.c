/* The key-value engine on disk: LMDB, one file, one named database per space. A put is one
 * transaction, committed and flushed to the disk before it returns; LMDB's writer lock puts writers
 * in a row, readers see the last committed state without waiting. Blocks: never on a worker shard.
 *
 *   DIR/lock            the front's lock
 *   DIR/store.mdb       the pages
 *   DIR/store.mdb-lock  LMDB's table of readers; worthless without a running process */
#include "store/store_engine.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <unistd.h>

/* Address space, not disk: the file grows as it is used. Configuration of a million devices needs
 * about 700 MB of it. */
#define MAP_BYTES ((size_t)1 << 30)
#define PATH_BYTES 4096

static const char *const space_names[STORE_SPACE_COUNT_] = {
    [STORE_META] = "meta",
    [STORE_TOKENS] = "tokens",
    [STORE_CHANNELS] = "channels",
    [STORE_DEVICES] = "devices",
};

struct lmdb_kv {
    MDB_env *env;
    MDB_dbi spaces[STORE_SPACE_COUNT_];
};

static const struct {
    int code; /* LMDB's or errno */
    enum err err;
} failures[] = {
    {MDB_NOTFOUND, ERR_STORE_NOT_FOUND},
    {MDB_MAP_FULL, ERR_STORE_FULL},
    {ENOSPC, ERR_STORE_DISK_FULL},
    {EDQUOT, ERR_STORE_DISK_FULL},
    {EIO, ERR_STORE_IO},
    {ENOMEM, ERR_NO_MEMORY},
    {MDB_CORRUPTED, ERR_STORE_CORRUPT},
    {MDB_PAGE_NOTFOUND, ERR_STORE_CORRUPT},
    {MDB_INVALID, ERR_STORE_CORRUPT},
    {MDB_VERSION_MISMATCH, ERR_STORE_CORRUPT},
};

static int failure_of(int code)
{
    if (code == 0)
        return 0;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (failures[i].code == code)
            return failures[i].err == ERR_STORE_NOT_FOUND ? ERR_STORE_NOT_FOUND
                                                          : err_raise(failures[i].err);
    return err_raise(ERR_STORE_ENGINE);
}

/* LMDB does not write through the pointers of a key or of a value to store. */
static MDB_val val_of(struct span s)
{
    return (MDB_val){s.n, (void *)(uintptr_t)s.p};
}

static struct span span_of_val(MDB_val v)
{
    return span_of(v.mv_data, v.mv_size);
}

static int open_spaces(struct lmdb_kv *kv)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(kv->env, NULL, 0, &txn);
    if (code)
        return code;
    for (int s = 0; s < STORE_SPACE_COUNT_ && code == 0; s++)
        code = mdb_dbi_open(txn, space_names[s], MDB_CREATE, &kv->spaces[s]);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int open_env(struct lmdb_kv *kv, const char *path)
{
    int code = mdb_env_create(&kv->env);
    if (code)
        return code;
    code = mdb_env_set_maxdbs(kv->env, STORE_SPACE_COUNT_);
    if (code == 0)
        code = mdb_env_set_mapsize(kv->env, MAP_BYTES);
    /* NOTLS: a reader's slot belongs to its transaction, so that any thread may read. */
    if (code == 0)
        code = mdb_env_open(kv->env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
    if (code == 0)
        code = open_spaces(kv);
    return code;
}

static void lmdb_close(void *opened)
{
    struct lmdb_kv *kv = opened;
    mdb_env_close(kv->env);
    mem_free(MEM_STORE, kv);
}

static int lmdb_open(const char *dir, void **ret)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s/store.mdb", dir);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_raise(ERR_STORE_OPEN);
    struct lmdb_kv *kv = mem_zalloc(MEM_STORE, sizeof(*kv));
    if (!kv)
        return err_raise(ERR_NO_MEMORY);
    int code = open_env(kv, path);
    if (code == 0) {
        *ret = kv;
        return 0;
    }
    lmdb_close(kv);
    return code == EACCES || code == ENOENT || code == EISDIR ? err_raise(ERR_STORE_OPEN)
                                                              : failure_of(code);
}

static int lmdb_get(void *opened, enum store_space space, struct span key, struct buf *out)
{
    struct lmdb_kv *kv = opened;
    MDB_txn *txn;
    int code = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);
    if (code)
        return failure_of(code);
    MDB_val k = val_of(key), v;
    code = mdb_get(txn, kv->spaces[space], &k, &v);
    if (code == 0)
        buf_add_span(out, span_of_val(v));
    mdb_txn_abort(txn);
    return failure_of(code);
}

static int lmdb_put(void *opened, enum store_space space, struct span key, struct span value)
{
    struct lmdb_kv *kv = opened;
    MDB_txn *txn;
    int code = mdb_txn_begin(kv->env, NULL, 0, &txn);
    if (code)
        return failure_of(code);
    MDB_val k = val_of(key), v = val_of(value);
    code = mdb_put(txn, kv->spaces[space], &k, &v, 0);
    if (code == 0)
        return failure_of(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return failure_of(code);
}

static int lmdb_erase(void *opened, enum store_space space, struct span key)
{
    struct lmdb_kv *kv = opened;
    MDB_txn *txn;
    int code = mdb_txn_begin(kv->env, NULL, 0, &txn);
    if (code)
        return failure_of(code);
    MDB_val k = val_of(key);
    code = mdb_del(txn, kv->spaces[space], &k, NULL);
    if (code == 0)
        return failure_of(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return failure_of(code);
}

static int lmdb_each(void *opened, enum store_space space,
                     int (*each)(void *context, struct span key, struct span value), void *context)
{
    struct lmdb_kv *kv = opened;
    MDB_txn *txn;
    MDB_cursor *cursor;
    int code = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);
    if (code)
        return failure_of(code);
    code = mdb_cursor_open(txn, kv->spaces[space], &cursor);
    if (code) {
        mdb_txn_abort(txn);
        return failure_of(code);
    }
    MDB_val k, v;
    int err = 0;
    code = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
    while (code == 0 && err >= 0) {
        err = each(context, span_of_val(k), span_of_val(v));
        if (err >= 0)
            code = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    if (err < 0)
        return err;
    return code == MDB_NOTFOUND ? 0 : failure_of(code);
}

const struct store_engine store_engine_lmdb = {
    .name = "lmdb",
    .is_on_disk = true,
    .open = lmdb_open,
    .close = lmdb_close,
    .get = lmdb_get,
    .put = lmdb_put,
    .erase = lmdb_erase,
    .each = lmdb_each,
};
