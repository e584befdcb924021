/* Window and queue of one session. */
#include "broker/outbox.h"

#define WINDOW_PLACES_MAX 65536u
#define RING_KEPT 16u

void outbox_init(struct outbox *o)
{
    *o = (struct outbox){.next_pid = 1};
}

void outbox_drop_item(struct outbox_item *item, struct store *store)
{
    if (item->is_stored)
        store_release(store, item->lsn);
    else if (item->msg)
        msg_drop(item->msg);
    mem_free(MEM_SESSION, item->ids);
    item->msg = NULL;
    item->ids = NULL;
    item->is_stored = false;
}

static void ring_fini(struct outbox_ring *r, struct store *store)
{
    for (uint32_t i = 0; i < r->count; i++)
        outbox_drop_item(ring_at(r, i), store);
    mem_free(MEM_SESSION, r->items);
    *r = (struct outbox_ring){0};
}

void outbox_fini(struct outbox *o, struct store *store)
{
    ring_fini(&o->window, store);
    ring_fini(&o->queue, store);
    o->queue_bytes = 0;
    o->in_flight = o->again = o->again_at = 0;
}

static bool ring_grow(struct outbox_ring *r)
{
    if (r->count < r->cap)
        return true;
    uint32_t cap = r->cap ? r->cap * 2 : 4;
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

/* A small empty ring is kept: a session in steady state would else allocate one a message. */
static void ring_pop(struct outbox_ring *r)
{
    r->head = (r->head + 1) & (r->cap - 1);
    if (--r->count == 0 && r->cap > RING_KEPT) {
        mem_free(MEM_SESSION, r->items);
        *r = (struct outbox_ring){0};
    }
}

void outbox_rewind(struct outbox *o)
{
    o->again_at = 0;
    for (uint32_t i = 0; i < o->window.count; i++) {
        struct outbox_item *item = ring_at(&o->window, i);
        if (item->state != ITEM_SENT)
            continue;
        item->state = ITEM_AGAIN;
        o->in_flight--;
        o->again++;
    }
}

struct outbox_item *outbox_send_again(struct outbox *o, uint32_t limit)
{
    if (!o->again || o->in_flight >= limit)
        return NULL;
    while (ring_at(&o->window, o->again_at)->state != ITEM_AGAIN)
        o->again_at++;
    struct outbox_item *item = ring_at(&o->window, o->again_at);
    item->state = ITEM_SENT;
    o->in_flight++;
    o->again--;
    return item;
}

bool outbox_has_room(const struct outbox *o, uint32_t limit)
{
    /* Nothing new before all that is older; identifiers of done items behind an open one are not
     * free yet: the span is limited too. */
    return !o->again && o->in_flight < limit && o->window.count < WINDOW_PLACES_MAX - 1;
}

struct outbox_item *outbox_push(struct outbox *o, struct outbox_item item)
{
    if (!ring_grow(&o->window))
        return NULL;
    item.pid = o->next_pid;
    item.state = ITEM_SENT;
    o->next_pid = o->next_pid == UINT16_MAX ? 1 : (uint16_t)(o->next_pid + 1);
    struct outbox_item *place = ring_at(&o->window, o->window.count++);
    *place = item;
    o->in_flight++;
    return place;
}

struct outbox_item *outbox_find(struct outbox *o, uint16_t pid)
{
    if (!o->window.count || !pid)
        return NULL;
    /* Identifiers run 1 .. 65535 and around, so distances are taken in that circle. */
    uint32_t first = ring_at(&o->window, 0)->pid;
    uint32_t distance = pid >= first ? pid - first : pid + 65535u - first;
    if (distance >= o->window.count)
        return NULL;
    struct outbox_item *item = ring_at(&o->window, distance);
    return item->state == ITEM_DONE ? NULL : item;
}

void outbox_acknowledge(struct outbox *o, struct outbox_item *item, bool is_done)
{
    outbox_drop_item(item, NULL);
    if (item->state == ITEM_AGAIN) { /* the client had it from the earlier connection */
        o->again--;
        o->in_flight++;
    }
    item->state = is_done ? ITEM_DONE : ITEM_RELEASED;
    if (!is_done)
        return;
    o->in_flight--;
    while (o->window.count && ring_at(&o->window, 0)->state == ITEM_DONE) {
        ring_pop(&o->window);
        o->again_at -= o->again_at > 0;
    }
}

int outbox_enqueue(struct outbox *o, struct outbox_item item, uint64_t bytes)
{
    if (!ring_grow(&o->queue))
        return ERR_NO_MEMORY;
    *ring_at(&o->queue, o->queue.count++) = item;
    o->queue_bytes += bytes;
    return 0;
}

bool outbox_dequeue(struct outbox *o, struct store *store, struct outbox_item *ret)
{
    if (!o->queue.count)
        return false;
    *ret = *ring_at(&o->queue, 0);
    ring_pop(&o->queue);
    if (ret->is_stored) {
        uint64_t lsn = ret->lsn;
        struct ref *body = store_read(store, lsn);
        store_release(store, lsn);
        ret->is_stored = false;
        ret->msg = body ? msg_of_ref(body) : NULL;
    }
    if (ret->msg) {
        uint64_t bytes = msg_bytes(ret->msg);
        o->queue_bytes -= bytes < o->queue_bytes ? bytes : o->queue_bytes;
    }
    return true;
}
