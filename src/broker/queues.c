/* A walk over the sessions of one shard. It goes by slots, which never move: sessions may come and
 * go meanwhile. */
#include "broker/queues.h"

#include "broker/session.h"

/* Looked at in one turn: well under a millisecond, also when none of them is in the cache. */
#define SLOTS_A_TURN 2048u

static void insert(struct queues *all, uint32_t at, const struct queues_row *row)
{
    if (all->top_count < QUEUES_TOP)
        all->top_count++;
    memmove(&all->top[at + 1], &all->top[at], (all->top_count - at - 1) * sizeof(*row));
    all->top[at] = *row;
}

void queues_offer(struct queues *all, const struct queues_row *row)
{
    uint32_t at = all->top_count;
    while (at > 0 && all->top[at - 1].bytes < row->bytes)
        at--;
    if (at < QUEUES_TOP)
        insert(all, at, row);
}

static void note_age(struct queues *all, int64_t oldest_us)
{
    if (oldest_us && (!all->oldest_us || oldest_us < all->oldest_us))
        all->oldest_us = oldest_us;
}

void queues_merge(struct queues *all, const struct queues *found)
{
    all->sessions += found->sessions;
    note_age(all, found->oldest_us);
    for (uint32_t i = 0; i < found->top_count; i++)
        queues_offer(all, &found->top[i]);
}

/* When the oldest message came; 0 when its record is gone. */
static int64_t oldest_us(const struct session *s)
{
    const struct outbox_item *item = ring_at(&s->outbox.queue, 0);
    if (!item->is_stored)
        return item->msg ? item->msg->born_us : 0;
    struct ref *body = store_read(s->home->broker->store, item->lsn);
    if (!body)
        return 0;
    int64_t born_us = msg_of_ref(body)->born_us;
    ref_drop(body);
    return born_us;
}

/* Whole characters only: what follows the cut must not be the rest of one. */
static uint32_t cut_id(struct span id)
{
    size_t n = id.n < QUEUES_ID_MAX ? id.n : QUEUES_ID_MAX;
    while (n > 0 && n < id.n && (id.p[n] & 0xC0) == 0x80)
        n--;
    return (uint32_t)n;
}

static void look_at(struct queues *found, const struct session *s)
{
    struct span id = session_client_id(s);
    struct queues_row row = {
        .bytes = s->outbox.queue_bytes,
        .messages = s->outbox.queue.count,
        .dropped = s->dropped,
        .oldest_us = oldest_us(s),
        .client_id_n = cut_id(id),
    };
    memcpy(row.client_id, id.p, row.client_id_n);
    found->sessions++;
    note_age(found, row.oldest_us);
    queues_offer(found, &row);
}

static void walk(struct task *t)
{
    struct queues_walk *w =
        (struct queues_walk *)(void *)((char *)t - offsetof(struct queues_walk, task));
    struct broker_shard *bs = w->bs;
    uint64_t queued = atomic_load_explicit(&bs->counters[COUNT_QUEUED], memory_order_relaxed);
    /* Nobody has a queue, as almost always: nothing to walk for. */
    uint32_t end = queued ? bs->slot_count : w->at;
    for (uint32_t n = 0; n < SLOTS_A_TURN && w->at < end; n++) {
        const struct session *s = broker_slot(bs, w->at++)->session;
        if (s && s->outbox.queue.count)
            look_at(&w->found, s);
    }
    if (w->at < end)
        shard_again(bs->shard, &w->task);
    else
        w->done(w);
}

void queues_walk_start(struct broker *b, struct queues_walk *w)
{
    w->bs = broker_here(b);
    w->at = 0;
    w->found = (struct queues){0};
    w->task = (struct task){.run = walk};
    walk(&w->task);
}
