/* Window and queue of one session. */
#include "broker/outbox.h"

#define WINDOW_PLACES_MAX 65536u

void outbox_init(struct outbox *o)
{
    *o = (struct outbox){.next_pid = 1};
}

void outbox_fini(struct outbox *o, struct store *store)
{
    ring_fini(&o->window, store);
    ring_fini(&o->queue, store);
    o->queue_bytes = o->window_bytes = 0;
    o->in_flight = o->again = o->again_at = 0;
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
    item.pid = o->next_pid;
    item.state = ITEM_SENT;
    struct outbox_item *place = ring_push(&o->window, item);
    if (!place)
        return NULL;
    o->next_pid = o->next_pid == UINT16_MAX ? 1 : (uint16_t)(o->next_pid + 1);
    o->in_flight++;
    o->window_bytes += msg_bytes(item.msg);
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

/* Done items at the front leave the window. */
static void drop_done(struct outbox *o)
{
    while (o->window.count && ring_at(&o->window, 0)->state == ITEM_DONE) {
        (void)ring_pop(&o->window);
        o->again_at -= o->again_at > 0;
    }
}

void outbox_settle(struct outbox *o)
{
    o->window_bytes = 0;
    for (uint32_t i = 0; i < o->window.count; i++) {
        struct outbox_item *item = ring_at(&o->window, i);
        o->window_bytes += item->msg ? msg_bytes(item->msg) : 0;
        if (item->msg || (item->state != ITEM_SENT && item->state != ITEM_AGAIN))
            continue;
        o->in_flight -= item->state == ITEM_SENT;
        o->again -= item->state == ITEM_AGAIN;
        item->state = ITEM_DONE;
    }
    drop_done(o);
}

void outbox_acknowledge(struct outbox *o, struct outbox_item *item, bool is_done)
{
    o->window_bytes -= item->msg ? msg_bytes(item->msg) : 0;
    item_drop(item, NULL);
    if (item->state == ITEM_AGAIN) { /* the client had it from the earlier connection */
        o->again--;
        o->in_flight++;
    }
    item->state = is_done ? ITEM_DONE : ITEM_RELEASED;
    if (!is_done)
        return;
    o->in_flight--;
    drop_done(o);
}

int outbox_enqueue(struct outbox *o, struct outbox_item item, uint64_t bytes)
{
    if (!ring_push(&o->queue, item))
        return ERR_NO_MEMORY;
    o->queue_bytes += bytes;
    return 0;
}

bool outbox_dequeue(struct outbox *o, struct store *store, struct outbox_item *ret)
{
    if (!o->queue.count)
        return false;
    *ret = ring_pop(&o->queue);
    if (item_load(ret, store)) {
        uint64_t bytes = msg_bytes(ret->msg);
        o->queue_bytes -= bytes < o->queue_bytes ? bytes : o->queue_bytes;
    }
    return true;
}
