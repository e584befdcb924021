/* The store: a key-value space for configuration and state, and a log of messages in arrival order,
 * behind one header. Engines: `store_engine_lmdb` (key-value on disk) and `store_engine_memory`.
 * The log keeps its records in memory in both, until the log engine comes; what survives a restart
 * is the key-value space. All functions: any thread; those marked "blocks" may wait for the disk
 * and are not for worker shards. */
#ifndef TRACKWIRE_STORE_STORE_H
#define TRACKWIRE_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/ref.h"

struct store;
struct store_engine;

extern const struct store_engine store_engine_lmdb;
extern const struct store_engine store_engine_memory;

enum store_space {
    STORE_META, /* format version, id counters */
    STORE_TOKENS,
    STORE_CHANNELS,
    STORE_DEVICES,
    STORE_SPACE_COUNT_
};

/* Opens or creates the store in folder `dir` (made 0700; NULL for the memory engine). A folder
 * written by an unknown newer format is refused (ERR_STORE_FORMAT_NEWER); one in use by another
 * process too (ERR_STORE_LOCKED). Blocks. */
int store_open(const struct store_engine *engine, const char *dir, struct store **ret) MUST_USE;
void store_close(struct store **store);

/* ---- key-value; keys up to 255 bytes, values up to 1 MiB ---- */

/* Appends the value to `out`; ERR_STORE_NOT_FOUND when there is none. Blocks. */
int store_get(struct store *store, enum store_space space, struct span key,
              struct buf *out) MUST_USE;
/* On disk when it returns. Blocks. */
int store_put(struct store *store, enum store_space space, struct span key,
              struct span value) MUST_USE;
int store_delete(struct store *store, enum store_space space, struct span key) MUST_USE;
/* Every pair in order of key; `each` returns 0 to go on, a negative error to end with it; spans are
 * valid during the call only, which must not call the store. Blocks. */
int store_each(struct store *store, enum store_space space,
               int (*each)(void *context, struct span key, struct span value),
               void *context) MUST_USE;

/* ---- log; never blocks ---- */

/* Keeps `body` (takes a reference of its own on it) for `holders` later releases, and tells its log
 * sequence number: larger than any before, never 0. */
int store_append(struct store *store, struct ref *body, uint32_t holders,
                 uint64_t *ret_lsn) MUST_USE;
/* A new reference on the body under `lsn`, which the caller holds; NULL when it is not there. */
struct ref *store_read(struct store *store, uint64_t lsn);
/* One holder needs it no more; the last one frees the record. */
void store_release(struct store *store, uint64_t lsn);
/* Records in the log now. */
uint64_t store_log_count(struct store *store);

#endif
