/* Channels and devices in the store. A record is keyed by the id, eight bytes, most significant
 * first, so that the store's order is the order of ids:
 *
 *   channels/00000000 00000003 = {"item":{"id":3,"cid":1,"name":"a",...},"port":12000}
 *   meta/channels.next         = 4
 *
 * Control shard only; blocks. Knows the fields of no kind. */
#include "hub/hub_internal.h"

#include <inttypes.h>
#include <stdio.h>

static struct span id_key(uint64_t id, uint8_t bytes[8])
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(id >> (56 - 8 * i));
    return span_of(bytes, 8);
}

static struct span counter_key(enum hub_kind kind, char *out, size_t n)
{
    (void)snprintf(out, n, "%s.next", hub_rules(kind)->name);
    return span_str(out);
}

/* ---- writing ---- */

int hub_record_put(struct hub *hub, enum hub_kind kind, const struct hub_object *object)
{
    uint8_t key[8];
    json_t *record = json_pack("{s:O, s:i}", "item", object->json, "port", (int)object->port);
    char *text = record ? json_dumps(record, JSON_COMPACT) : NULL;
    json_decref(record);
    if (!text)
        return err_raise(ERR_NO_MEMORY);
    int err =
        store_put(hub->store, hub_rules(kind)->space, id_key(object->id, key), span_str(text));
    mem_free(MEM_JSON, text);
    return err;
}

int hub_record_delete(struct hub *hub, enum hub_kind kind, uint64_t id)
{
    uint8_t key[8];
    return store_delete(hub->store, hub_rules(kind)->space, id_key(id, key));
}

int hub_counter_put(struct hub *hub, enum hub_kind kind)
{
    char name[32], text[24];
    int n = snprintf(text, sizeof(text), "%" PRIu64, hub->lists[kind].next_id);
    return store_put(hub->store, STORE_META, counter_key(kind, name, sizeof(name)),
                     span_of(text, (size_t)n));
}

/* ---- reading ---- */

struct load {
    struct hub *hub;
    enum hub_kind kind;
};

/* The table of fields vouches for the types of all members but those that callers never give. */
static bool is_whole(const struct hub_kind_rules *rules, json_t *item)
{
    struct hub_refusal why;
    json_t *body = json_is_object(item) ? json_copy(item) : NULL;
    for (size_t i = 0; i < rules->fields->count; i++)
        if (rules->fields->rules[i].flags & FIELD_DERIVED)
            (void)json_object_del(body, rules->fields->rules[i].name);
    bool is_good = body && fields_check(rules->fields, body, NULL, &why) >= 0;
    json_decref(body);
    return is_good;
}

static int take_record(const struct load *load, uint64_t id, json_t *record)
{
    const struct hub_kind_rules *rules = hub_rules(load->kind);
    struct hub_list *list = &load->hub->lists[load->kind];
    struct hub_refusal why;
    json_t *item = json_object_get(record, "item");
    json_int_t port = json_integer_value(json_object_get(record, "port"));
    struct hub_object object = {.id = id, .account = accounts_root(load->hub->accounts)};
    if (!is_whole(rules, item) || json_integer_value(json_object_get(item, "id")) != (json_int_t)id)
        return err_raise(ERR_HUB_RECORD);
    object.json = json_incref(item);
    object.port = port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
    int err = rules->build(load->hub, &object, &why);
    if (err >= 0)
        err = hub_list_reserve(list);
    /* There is no gateway yet: what is applied is the order among the objects themselves. */
    if (err >= 0)
        err = rules->apply(load->hub, NULL, &object, &why);
    if (err >= 0)
        hub_list_add(list, object);
    else
        hub_object_fini(&object);
    return err;
}

static int load_record(void *context, struct span key, struct span value)
{
    uint64_t id = 0;
    for (size_t i = 0; i < key.n; i++)
        id = id << 8 | key.p[i];
    json_t *record = json_loadb((const char *)value.p, value.n, 0, NULL);
    int err = record ? take_record(context, id, record) : err_raise(ERR_HUB_RECORD);
    json_decref(record);
    return err;
}

static int load_counter(struct hub *hub, enum hub_kind kind)
{
    char name[32];
    struct buf text = buf_make(MEM_HUB, 64);
    struct hub_list *list = &hub->lists[kind];
    list->next_id = 1;
    int err = store_get(hub->store, STORE_META, counter_key(kind, name, sizeof(name)), &text);
    if (err >= 0) {
        buf_add_u8(&text, '\0');
        if (sscanf((const char *)text.p, "%" SCNu64, &list->next_id) != 1 || list->next_id == 0)
            err = err_raise(ERR_HUB_COUNTER);
    }
    buf_fini(&text);
    return err == ERR_STORE_NOT_FOUND ? 0 : err;
}

int hub_records_load(struct hub *hub, enum hub_kind kind)
{
    struct load load = {hub, kind};
    struct hub_list *list = &hub->lists[kind];
    int err = load_counter(hub, kind);
    if (err >= 0)
        err = store_each(hub->store, hub_rules(kind)->space, load_record, &load);
    if (err >= 0 && list->count > 0 && list->objects[list->count - 1].id >= list->next_id)
        err = err_raise(ERR_HUB_COUNTER);
    return err;
}
