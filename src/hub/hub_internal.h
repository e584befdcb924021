/* Objects as the hub keeps them, and what differs between kinds; only for files of this folder. */
#ifndef TRACKWIRE_HUB_HUB_INTERNAL_H
#define TRACKWIRE_HUB_HUB_INTERNAL_H

#include "hub/fields.h"
#include "hub/hub.h"

/* One channel or device. Its JSON is what REST shows and what is stored; its snapshot is what the
 * data path sees, made from the JSON. */
struct hub_object {
    uint64_t id;
    struct account *account;
    json_t *json;         /* in flespi's form, but for `uri`; owned */
    struct ref *snapshot; /* struct hub_channel or struct hub_device; one reference owned */
    uint16_t port;        /* channels: the one last bound, asked for again; 0: never bound */
    bool is_open;         /* channels: the gateway has it */
};

/* What differs between channels and devices. All on the control shard. */
struct hub_kind_rules {
    const char *name; /* "channels": key of the counter, and for the log */
    enum store_space space;
    size_t count_max;
    const struct field_rules *fields;
    const struct field_rules *configuration;
    /* Completes object->json, which the table of fields has passed, and makes object->snapshot. */
    int (*build)(struct hub *hub, struct hub_object *object, struct hub_refusal *why);
    /* Gives `object` to the gateway in place of `old` (NULL: a new one); may set its port and
     * is_open. After a failure the gateway has what it had. */
    int (*apply)(struct hub *hub, const struct hub_object *old, struct hub_object *object,
                 struct hub_refusal *why);
    /* Takes `object` away from the gateway. */
    void (*withdraw)(struct hub *hub, struct hub_object *object);
    /* The object as `caller` sees it; a new reference, NULL out of memory. */
    json_t *(*present)(const struct hub_object *object, const struct hub_caller *caller);
};

extern const struct hub_kind_rules hub_channel_rules;
extern const struct hub_kind_rules hub_device_rules;

/* Objects of one kind in order of id. */
struct hub_list {
    struct hub_object *objects;
    size_t count, cap;
    uint64_t next_id; /* never given before */
};

struct hub {
    struct store *store;
    struct accounts *accounts;
    const struct hub_gateway *operations; /* NULL before hub_connect_gateway */
    void *gateway;
    struct hub_list lists[HUB_KIND_COUNT_];
    json_t *idents; /* {"<cid>/<ident>": device id}: an ident holds no '/' */
};

/* ---- list.c ---- */

/* NULL when there is none. Good until the list changes. */
struct hub_object *hub_list_find(const struct hub_list *list, uint64_t id);
/* Makes room for one more, so that hub_list_add cannot fail. */
int hub_list_reserve(struct hub_list *list) MUST_USE;
/* Takes what `object` owns; its id is larger than any in the list. */
void hub_list_add(struct hub_list *list, struct hub_object object);
/* Drops what the object owns and closes the gap. */
void hub_list_remove(struct hub_list *list, struct hub_object *object);
void hub_list_fini(struct hub_list *list);
void hub_object_fini(struct hub_object *object);

/* ---- records.c ---- */

/* Writes the object; its id is counted as given first. Blocks. */
int hub_record_put(struct hub *hub, enum hub_kind kind, const struct hub_object *object) MUST_USE;
int hub_record_delete(struct hub *hub, enum hub_kind kind, uint64_t id) MUST_USE;
/* Persists that ids below list->next_id were given. */
int hub_counter_put(struct hub *hub, enum hub_kind kind) MUST_USE;
/* Fills the list of a hub that has none yet. */
int hub_records_load(struct hub *hub, enum hub_kind kind) MUST_USE;

/* ---- hub.c ---- */

/* What differs for this kind; static. */
const struct hub_kind_rules *hub_rules(enum hub_kind kind);

#endif
