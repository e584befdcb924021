/* One worker's map of devices: which device claims an ident. Every worker has a copy, because any
 * device may speak on any channel; the control shard keeps the copies alike by mail. */
#ifndef TRACKWIRE_GATEWAY_DEVICES_H
#define TRACKWIRE_GATEWAY_DEVICES_H

#include "gateway/table.h"
#include "hub/objects.h"

struct devices {
    struct table by_id;
    struct table by_ident;
};

/* Puts `device` in, in place of an older snapshot of the same id; takes a reference of its own. */
int devices_set(struct devices *devices, struct hub_device *device) MUST_USE;
/* Forgets the device, if it is there. */
void devices_unset(struct devices *devices, uint64_t device_id);
/* The device of `account` that claims `ident` for messages of `protocol_id`, or NULL. One that is
 * bound to the protocol goes before one for any protocol. Borrowed until the next change. */
const struct hub_device *devices_find(const struct devices *devices, const struct account *account,
                                      struct span ident, uint16_t protocol_id);
void devices_fini(struct devices *devices);

#endif
