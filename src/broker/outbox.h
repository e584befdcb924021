/* What one session still has to get at QoS 1 and 2: the window of messages in flight at its client,
 * and behind it the queue of those that wait. Packet identifiers are given in order, so the window
 * is a ring in which an identifier's place is a subtraction. Owner shard only.
 *
 *     window: [ pid 7 sent | pid 8 done | pid 9 released | pid 10 sent ]   oldest first
 *     queue:  [ item | item | item ]                                      oldest first
 *
 * A persistent session's queue keeps its messages in the store's log and only their numbers here.
 */
#ifndef TRACKWIRE_BROKER_OUTBOX_H
#define TRACKWIRE_BROKER_OUTBOX_H

#include "broker/ring.h"

struct outbox {
    struct outbox_ring window, queue;
    uint64_t queue_bytes, window_bytes;
    uint32_t in_flight; /* window items sent or released on this connection */
    uint32_t again;     /* window items in state ITEM_AGAIN */
    uint32_t again_at;  /* no such item is in the window before this place */
    uint16_t next_pid;  /* 1 .. 65535 */
};

/* Empty, nothing allocated. */
void outbox_init(struct outbox *o);
/* Drops everything. */
void outbox_fini(struct outbox *o, struct store *store);

/* The client is back: what it has not acknowledged is to go out again. */
void outbox_rewind(struct outbox *o);
/* Messages in flight that were taken out (msg == NULL) count as done. */
void outbox_settle(struct outbox *o);
/* The oldest item that is to go out again, now in flight; NULL when there is none, or no room with
 * `limit` allowed in flight. */
struct outbox_item *outbox_send_again(struct outbox *o, uint32_t limit);

/* True when the window takes a new one with `limit` allowed in flight. */
bool outbox_has_room(const struct outbox *o, uint32_t limit);
/* Puts `item` (msg with its reference, not stored) into the window and gives it the next
 * identifier; the item in place, NULL out of memory (then the item is still the caller's). */
struct outbox_item *outbox_push(struct outbox *o, struct outbox_item item);
/* The window's item with identifier `pid`, not done; NULL when there is none. */
struct outbox_item *outbox_find(struct outbox *o, uint16_t pid);
/* The client has the message: its body is dropped, and with `is_done` its identifier is free. */
void outbox_acknowledge(struct outbox *o, struct outbox_item *item, bool is_done);

/* Appends to the queue; takes the item over on success. `bytes`: msg_bytes of its message.
 * ERR_NO_MEMORY. */
int outbox_enqueue(struct outbox *o, struct outbox_item item, uint64_t bytes) MUST_USE;
/* Takes the queue's oldest item; false when it is empty. A stored item comes with its message read
 * and its record released; one whose record is gone has msg == NULL. */
bool outbox_dequeue(struct outbox *o, struct store *store, struct outbox_item *ret);

#endif
