/* The hub's business objects, channels and devices: their rules, their persistence, their ids.
 * Owned by the control shard; REST calls run there. JSON values are jansson's, in flespi's form. */
#ifndef TRACKWIRE_HUB_HUB_H
#define TRACKWIRE_HUB_HUB_H

#include "hub/objects.h"

#include <jansson.h>

struct hub;

/* Loads channels and devices. Blocks; before the shards start. */
int hub_new(struct store *store, struct accounts *accounts, struct hub **ret) MUST_USE;
/* Gives the gateway its objects: opens every enabled channel, sets every device. A channel that
 * cannot be opened is logged and stays closed; start-up goes on. Once, before the shards start. */
void hub_connect_gateway(struct hub *hub, const struct hub_gateway *operations, void *gateway);
void hub_free(struct hub **hub);

/* ---- objects, for REST; control shard only, and all may wait for the disk ---- */

enum hub_kind {
    HUB_CHANNELS,
    HUB_DEVICES,
    HUB_KIND_COUNT_
};

/* Who asks: sees and changes what belongs to `account`. `host` is the name under which the caller
 * reaches this hub, for the `uri` of channels. */
struct hub_caller {
    struct account *account;
    const char *host;
};

/* Why something was refused, in the form of an entry of flespi's `errors`. */
struct hub_refusal {
    int err;
    char field[64];   /* dotted path of the field to blame; "" when no one field is */
    char reason[256]; /* a sentence for a person */
};

/* How `fields` changes an object that is there. */
enum hub_change {
    HUB_REPLACE, /* PUT: a field given replaces the old one */
    HUB_MERGE,   /* PATCH: objects are merged into the old ones, null takes a member away */
};

/* The object under `id` in flespi's form; a new reference, or NULL when the caller sees none. */
json_t *hub_object(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller,
                   uint64_t id);
/* Tells the objects that the caller sees, in order of id; `object` is borrowed for the call, which
 * must not change objects of this kind. A negative answer of `each` ends with it. */
int hub_each(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller,
             int (*each)(void *context, uint64_t id, json_t *object), void *context) MUST_USE;
/* Makes an object from `fields`: persisted and given to the gateway when it returns. `ret_object`
 * is a new reference. On failure nothing has changed and `why` is filled. */
int hub_create(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller,
               const json_t *fields, json_t **ret_object, struct hub_refusal *why) MUST_USE;
/* The same for an object that is there. ERR_HUB_ID when the caller sees none under `id`. */
int hub_update(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller, uint64_t id,
               enum hub_change change, const json_t *fields, json_t **ret_object,
               struct hub_refusal *why) MUST_USE;
int hub_delete(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller, uint64_t id,
               struct hub_refusal *why) MUST_USE;
/* What `configuration` of this kind may hold, as a JSON schema; a new reference, NULL out of
 * memory. */
json_t *hub_configuration_schema(enum hub_kind kind);

#endif
