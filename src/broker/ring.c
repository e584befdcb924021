/* Rings of messages on their way. */
#include "broker/ring.h"

#include "broker/branch.h"

#define RING_FIRST 4u
#define RING_KEPT 16u

void item_drop(struct outbox_item *item, struct store *store)
{
    if (item->is_stored)
        store_release(store, item->lsn);
    else if (item->msg)
        msg_drop(item->msg);
    if (item->ids && item->ids->group)
        ref_drop(&item->ids->group->ref);
    mem_free(MEM_SESSION, item->ids);
    item->msg = NULL;
    item->ids = NULL;
    item->is_stored = false;
}

struct msg *item_load(struct outbox_item *item, struct store *store)
{
    if (!item->is_stored)
        return item->msg;
    uint64_t lsn = item->lsn;
    struct ref *body = store_read(store, lsn);
    store_release(store, lsn);
    item->is_stored = false;
    item->msg = body ? msg_of_ref(body) : NULL;
    return item->msg;
}

static bool grow(struct outbox_ring *r)
{
    if (r->count < r->cap)
        return true;
    uint32_t cap = r->cap ? r->cap * 2 : RING_FIRST;
    struct outbox_item *items = mem_alloc(MEM_SESSION, cap * sizeof(items[0]));
    if (!items)
        return false;
    for (uint32_t i = 0; i < r->count; i++)
        items[i] = *ring_at(r, i);
    mem_free(MEM_SESSION, r->items);
    r->items = items;
    r->head = 0;
    r->cap = cap;
    return true;
}

struct outbox_item *ring_push(struct outbox_ring *r, struct outbox_item item)
{
    if (!grow(r))
        return NULL;
    struct outbox_item *place = ring_at(r, r->count++);
    *place = item;
    return place;
}

struct outbox_item *ring_push_first(struct outbox_ring *r, struct outbox_item item)
{
    if (!grow(r))
        return NULL;
    r->head = (r->head - 1) & (r->cap - 1);
    r->count++;
    struct outbox_item *place = ring_at(r, 0);
    *place = item;
    return place;
}

/* A small empty ring is kept: a session in steady state would else allocate one a message. */
struct outbox_item ring_pop(struct outbox_ring *r)
{
    struct outbox_item oldest = *ring_at(r, 0);
    r->head = (r->head + 1) & (r->cap - 1);
    if (--r->count == 0 && r->cap > RING_KEPT) {
        mem_free(MEM_SESSION, r->items);
        *r = (struct outbox_ring){0};
    }
    return oldest;
}

void ring_fini(struct outbox_ring *r, struct store *store)
{
    for (uint32_t i = 0; i < r->count; i++)
        item_drop(ring_at(r, i), store);
    mem_free(MEM_SESSION, r->items);
    *r = (struct outbox_ring){0};
}
