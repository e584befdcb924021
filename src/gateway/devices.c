/* Which device claims an ident. Two devices may share an ident when their protocols differ, so a
 * lookup walks those of the same ident and takes the closest. */
#include "gateway/devices.h"

#include "base/hash.h"
#include "base/mem.h"

struct entry {
    struct table_node by_id;
    struct table_node by_ident;
    struct hub_device *device; /* a reference */
};

static struct entry *entry_by_id(struct table_node *node)
{
    return (struct entry *)((char *)node - offsetof(struct entry, by_id));
}

static struct entry *entry_by_ident(struct table_node *node)
{
    return (struct entry *)((char *)node - offsetof(struct entry, by_ident));
}

static uint64_t hash_id(uint64_t id)
{
    return hash_mix(0, id);
}

static uint64_t hash_ident(const struct account *account, struct span ident)
{
    return hash_mix(hash_bytes(ident), account->id);
}

static struct entry *find_id(const struct devices *devices, uint64_t id)
{
    struct table_node *node = table_first(&devices->by_id, hash_id(id));
    while (node && entry_by_id(node)->device->id != id)
        node = table_next(node);
    return node ? entry_by_id(node) : NULL;
}

static void drop(struct devices *devices, struct entry *e)
{
    table_remove(&devices->by_id, &e->by_id);
    table_remove(&devices->by_ident, &e->by_ident);
    ref_drop(&e->device->ref);
    mem_free(MEM_GATEWAY, e);
}

int devices_set(struct devices *devices, struct hub_device *device)
{
    devices_unset(devices, device->id);
    struct entry *e = mem_zalloc(MEM_GATEWAY, sizeof(*e));
    if (!e)
        return ERR_NO_MEMORY;
    int err = table_add(&devices->by_id, &e->by_id, hash_id(device->id));
    if (!err) {
        err = table_add(&devices->by_ident, &e->by_ident,
                        hash_ident(device->account, span_str(device->ident)));
        if (err)
            table_remove(&devices->by_id, &e->by_id);
    }
    if (err) {
        mem_free(MEM_GATEWAY, e);
        return err;
    }
    ref_take(&device->ref);
    e->device = device;
    return 0;
}

void devices_unset(struct devices *devices, uint64_t device_id)
{
    struct entry *e = find_id(devices, device_id);
    if (e)
        drop(devices, e);
}

const struct hub_device *devices_find(const struct devices *devices, const struct account *account,
                                      struct span ident, uint16_t protocol_id)
{
    const struct hub_device *any = NULL;
    struct table_node *node = table_first(&devices->by_ident, hash_ident(account, ident));
    for (; node; node = table_next(node)) {
        const struct hub_device *device = entry_by_ident(node)->device;
        if (device->account != account || !span_equal(span_str(device->ident), ident))
            continue;
        if (device->protocol_id == protocol_id)
            return device;
        if (device->protocol_id == 0)
            any = device;
    }
    return any;
}

static void drop_node(void *context, struct table_node *node)
{
    drop(context, entry_by_id(node));
}

void devices_fini(struct devices *devices)
{
    table_each(&devices->by_id, drop_node, devices);
    table_fini(&devices->by_id);
    table_fini(&devices->by_ident);
}
