/* The log: message bodies in order of arrival, each kept until its last holder released it. On the
 * way of every message that a persistent session waits for. Knows nothing of sessions or topics.
 *
 *     ring:    [ segment 7 ][ segment 8 ][   NULL    ][ segment 10 ]      first = 7, count = 4
 *     segment: 4096 records { body, holders left }; record of lsn = (lsn - 1) % 4096
 *
 * A segment goes when it is full and all its records were released; one old record that nobody
 * releases keeps its own segment and eight bytes for each later one, not the bodies behind it. Each
 * function holds the one mutex for a few loads and stores; bodies are dropped outside of it. */
#include "store/store_engine.h"

#include <assert.h>
#include <pthread.h>

#define SEGMENT_RECORDS 4096

struct record {
    struct ref *body; /* NULL: released */
    uint32_t holders;
};

struct segment {
    uint32_t released; /* of SEGMENT_RECORDS */
    struct record records[SEGMENT_RECORDS];
};

struct store_log {
    pthread_mutex_t lock;  /* protects all below */
    struct segment **ring; /* segment number s at ring[s & (cap - 1)] */
    size_t cap;            /* a power of two */
    uint64_t first;        /* number of the oldest segment kept */
    uint64_t count;        /* segments from the oldest to the newest, holes included */
    uint64_t next_lsn;
    uint64_t records; /* not yet released */
};

static struct segment **slot_of(struct store_log *log, uint64_t number)
{
    return &log->ring[number & (log->cap - 1)];
}

/* The record of `lsn` (with its segment's place), or NULL when it was released or never written. */
static struct record *find(struct store_log *log, uint64_t lsn, struct segment ***ret_slot)
{
    if (lsn == 0 || lsn >= log->next_lsn)
        return NULL;
    uint64_t number = (lsn - 1) / SEGMENT_RECORDS;
    if (number < log->first)
        return NULL;
    struct segment **slot = slot_of(log, number);
    if (!*slot)
        return NULL;
    *ret_slot = slot;
    struct record *record = &(*slot)->records[(lsn - 1) % SEGMENT_RECORDS];
    return record->body ? record : NULL;
}

static int grow_ring(struct store_log *log)
{
    size_t cap = log->cap * 2;
    struct segment **ring = mem_zalloc(MEM_STORE, cap * sizeof(struct segment *));
    if (!ring)
        return err_raise(ERR_NO_MEMORY);
    for (uint64_t i = 0; i < log->count; i++)
        ring[(log->first + i) & (cap - 1)] = *slot_of(log, log->first + i);
    mem_free(MEM_STORE, log->ring);
    log->ring = ring;
    log->cap = cap;
    return 0;
}

/* Room for the next record. */
static int ensure_segment(struct store_log *log)
{
    uint64_t number = (log->next_lsn - 1) / SEGMENT_RECORDS;
    if (number < log->first + log->count)
        return 0;
    if (log->count == log->cap) {
        int err = grow_ring(log);
        if (err < 0)
            return err;
    }
    struct segment *segment = mem_zalloc(MEM_STORE, sizeof(*segment));
    if (!segment)
        return err_raise(ERR_NO_MEMORY);
    *slot_of(log, number) = segment;
    log->count++;
    return 0;
}

int store_log_new(struct store_log **ret)
{
    struct store_log *log = mem_zalloc(MEM_STORE, sizeof(*log));
    if (!log)
        return err_raise(ERR_NO_MEMORY);
    log->cap = 16;
    log->ring = mem_zalloc(MEM_STORE, log->cap * sizeof(struct segment *));
    if (!log->ring) {
        mem_free(MEM_STORE, log);
        return err_raise(ERR_NO_MEMORY);
    }
    log->next_lsn = 1;
    (void)pthread_mutex_init(&log->lock, NULL);
    *ret = log;
    return 0;
}

static void segment_free(struct segment *segment)
{
    if (!segment)
        return;
    for (size_t i = 0; i < SEGMENT_RECORDS; i++)
        if (segment->records[i].body)
            ref_drop(segment->records[i].body);
    mem_free(MEM_STORE, segment);
}

void store_log_free(struct store_log **log)
{
    struct store_log *l = *log;
    *log = NULL;
    if (!l)
        return;
    for (uint64_t i = 0; i < l->count; i++)
        segment_free(*slot_of(l, l->first + i));
    (void)pthread_mutex_destroy(&l->lock);
    mem_free(MEM_STORE, l->ring);
    mem_free(MEM_STORE, l);
}

int store_log_append(struct store_log *log, struct ref *body, uint32_t holders, uint64_t *ret_lsn)
{
    assert(holders > 0);
    (void)pthread_mutex_lock(&log->lock);
    int err = ensure_segment(log);
    if (err >= 0) {
        uint64_t lsn = log->next_lsn++;
        struct segment *segment = *slot_of(log, (lsn - 1) / SEGMENT_RECORDS);
        segment->records[(lsn - 1) % SEGMENT_RECORDS] = (struct record){ref_take(body), holders};
        log->records++;
        *ret_lsn = lsn;
    }
    (void)pthread_mutex_unlock(&log->lock);
    return err;
}

struct ref *store_log_read(struct store_log *log, uint64_t lsn)
{
    struct segment **slot;
    (void)pthread_mutex_lock(&log->lock);
    struct record *record = find(log, lsn, &slot);
    struct ref *body = record ? ref_take(record->body) : NULL;
    (void)pthread_mutex_unlock(&log->lock);
    return body;
}

/* Counts one record of the segment as released; the segment when it was the last, else NULL. */
static struct segment *retire_record(struct store_log *log, struct segment **slot)
{
    log->records--;
    if (++(*slot)->released < SEGMENT_RECORDS)
        return NULL;
    struct segment *gone = *slot;
    *slot = NULL;
    while (log->count > 0 && !*slot_of(log, log->first)) {
        log->first++;
        log->count--;
    }
    return gone;
}

void store_log_release(struct store_log *log, uint64_t lsn)
{
    struct ref *body = NULL;
    struct segment *gone = NULL;
    struct segment **slot;
    (void)pthread_mutex_lock(&log->lock);
    struct record *record = find(log, lsn, &slot);
    if (record && --record->holders == 0) {
        body = record->body;
        record->body = NULL;
        gone = retire_record(log, slot);
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (body)
        ref_drop(body);
    mem_free(MEM_STORE, gone);
}

uint64_t store_log_records(struct store_log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    uint64_t records = log->records;
    (void)pthread_mutex_unlock(&log->lock);
    return records;
}
