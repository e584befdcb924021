/* Between the front (store.c) and its engines; only for files of this folder. An engine keeps pairs
 * of bytes in a few spaces, in order of key. The front has checked lengths before it calls, and
 * holds the folder's lock; the engine makes itself safe for any thread. */
#ifndef TRACKWIRE_STORE_STORE_ENGINE_H
#define TRACKWIRE_STORE_STORE_ENGINE_H

#include "store/store.h"

#define STORE_KEY_MAX 255
#define STORE_VALUE_MAX (1024 * 1024)

struct store_engine {
    const char *name;
    bool is_on_disk; /* needs a folder, which the front makes and locks */
    /* `dir` exists; NULL for an engine that is not on disk. `ret` is handed to the others. */
    int (*open)(const char *dir, void **ret);
    void (*close)(void *kv);
    /* Appends the value to `out`; ERR_STORE_NOT_FOUND. */
    int (*get)(void *kv, enum store_space space, struct span key, struct buf *out);
    /* Durable when it returns. */
    int (*put)(void *kv, enum store_space space, struct span key, struct span value);
    /* ERR_STORE_NOT_FOUND when there was nothing to erase. */
    int (*erase)(void *kv, enum store_space space, struct span key);
    /* As store_each. */
    int (*each)(void *kv, enum store_space space,
                int (*each)(void *context, struct span key, struct span value), void *context);
};

/* Makes `dir` (0700) if it is missing and takes its lock, which lives as long as the returned
 * descriptor. ERR_STORE_DIR_*, ERR_STORE_LOCK_FILE, ERR_STORE_LOCKED. */
int store_dir_open(const char *dir, int *ret_lock_fd) MUST_USE;
/* Makes the names of files made in `dir` as durable as their content. */
int store_dir_sync(const char *dir) MUST_USE;

/* ---- the log ---- */

struct store_log;

/* An empty log, the caller's. */
int store_log_new(struct store_log **ret) MUST_USE;
/* Drops what is still in it. */
void store_log_free(struct store_log **log);
int store_log_append(struct store_log *log, struct ref *body, uint32_t holders,
                     uint64_t *ret_lsn) MUST_USE;
struct ref *store_log_read(struct store_log *log, uint64_t lsn);
void store_log_release(struct store_log *log, uint64_t lsn);
uint64_t store_log_records(struct store_log *log);

#endif
