/* Messages on their way to a session, and the ring that keeps them in order: in a session's window
 * and queue, and in the queue of a shared group. Whoever owns a ring is its only user at a time. */
#ifndef TRACKWIRE_BROKER_RING_H
#define TRACKWIRE_BROKER_RING_H

#include "broker/msg.h"
#include "store/store.h"

struct branch;

/* What only some deliveries have: subscription identifiers, and the shared group that the message
 * came by. Heap, MEM_SESSION; freed with outbox_drop_item. */
struct id_list {
    struct branch *group; /* with a reference; NULL: not shared */
    uint32_t count;
    uint32_t ids[];
};

enum item_state {
    ITEM_SENT,     /* PUBLISH went out, waiting for PUBACK or PUBREC */
    ITEM_AGAIN,    /* it did so on an earlier connection, and is to go out again */
    ITEM_RELEASED, /* QoS 2: PUBREL went out, waiting for PUBCOMP; no body any more */
    ITEM_DONE,     /* acknowledged behind an older one that is not */
};

struct outbox_item {
    union {
        struct msg *msg; /* with a reference; NULL when released or done */
        uint64_t lsn;    /* is_stored: one holder's part of the log record */
    };
    struct id_list *ids; /* NULL: none */
    uint16_t pid;        /* in the window only */
    uint8_t qos;
    uint8_t state;    /* enum item_state; in the window only */
    bool is_retained; /* the RETAIN flag to send */
    bool is_stored;
};

struct outbox_ring {
    struct outbox_item *items;
    uint32_t head, count, cap; /* cap is a power of two */
};

static inline struct outbox_item *ring_at(const struct outbox_ring *r, uint32_t i)
{
    return &r->items[(r->head + i) & (r->cap - 1)];
}

/* Drops what an item holds; `store` may be NULL when it is not stored. */
void item_drop(struct outbox_item *item, struct store *store);
/* The message of an item taken out of a queue, with a reference: read from the store and released
 * there when it is stored. The item then holds that message itself; NULL when the record is gone.
 */
struct msg *item_load(struct outbox_item *item, struct store *store);

/* Appends at the end, respectively before the first; the item in place, NULL out of memory. */
struct outbox_item *ring_push(struct outbox_ring *r, struct outbox_item item);
struct outbox_item *ring_push_first(struct outbox_ring *r, struct outbox_item item);
/* Takes the oldest off; not from an empty ring. */
struct outbox_item ring_pop(struct outbox_ring *r);
/* Drops all items and the memory. */
void ring_fini(struct outbox_ring *r, struct store *store);

#endif
