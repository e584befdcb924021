/* The hub's objects: one way to make, change and delete channels and devices, whatever the kind.
 * Control shard only. The order in each is: check, give to the gateway, persist, answer; what comes
 * later and fails undoes what came before. Knows no HTTP and no tracker protocol. */
#include "hub/hub_internal.h"

#include "base/log.h"
#include "hub/refusal.h"

static const struct hub_kind_rules *const kinds[HUB_KIND_COUNT_] = {
    [HUB_CHANNELS] = &hub_channel_rules,
    [HUB_DEVICES] = &hub_device_rules,
};

const struct hub_kind_rules *hub_rules(enum hub_kind kind)
{
    return kinds[kind];
}

static void *count_json_alloc(size_t n)
{
    return mem_alloc(MEM_JSON, n);
}

static void count_json_free(void *p)
{
    mem_free(MEM_JSON, p);
}

/* ---- life cycle ---- */

int hub_new(struct store *store, struct accounts *accounts, struct hub **ret)
{
    /* Here, because the hub is the first to keep JSON: what the process parsed before is gone. */
    json_set_alloc_funcs(count_json_alloc, count_json_free);
    struct hub *hub = mem_zalloc(MEM_HUB, sizeof(*hub));
    if (!hub)
        return err_raise(ERR_NO_MEMORY);
    hub->store = store;
    hub->accounts = accounts;
    hub->idents = json_object();
    int err = hub->idents ? 0 : err_raise(ERR_NO_MEMORY);
    for (int kind = 0; kind < HUB_KIND_COUNT_ && err >= 0; kind++)
        err = hub_records_load(hub, (enum hub_kind)kind);
    if (err < 0)
        hub_free(&hub);
    else
        *ret = hub;
    return err;
}

void hub_free(struct hub **hub)
{
    struct hub *h = *hub;
    *hub = NULL;
    if (!h)
        return;
    for (int kind = 0; kind < HUB_KIND_COUNT_; kind++)
        hub_list_fini(&h->lists[kind]);
    json_decref(h->idents);
    mem_free(MEM_HUB, h);
}

static void connect_object(struct hub *hub, enum hub_kind kind, struct hub_object *object)
{
    struct hub_refusal why;
    uint16_t port = object->port;
    int err = kinds[kind]->apply(hub, NULL, object, &why);
    if (err < 0) {
        log_error("%s not started: %llu: %s", kinds[kind]->name, (unsigned long long)object->id,
                  why.reason);
        return;
    }
    if (object->port == port)
        return;
    err = hub_record_put(hub, kind, object);
    if (err < 0)
        log_error("port of a channel not stored: %llu: %s", (unsigned long long)object->id,
                  err_text(err));
}

void hub_connect_gateway(struct hub *hub, const struct hub_gateway *operations, void *gateway)
{
    hub->operations = operations;
    hub->gateway = gateway;
    for (int kind = 0; kind < HUB_KIND_COUNT_; kind++)
        for (size_t i = 0; i < hub->lists[kind].count; i++)
            connect_object(hub, (enum hub_kind)kind, &hub->lists[kind].objects[i]);
}

/* ---- reading ---- */

static struct hub_object *find_for(struct hub *hub, enum hub_kind kind,
                                   const struct hub_caller *caller, uint64_t id)
{
    struct hub_object *object = hub_list_find(&hub->lists[kind], id);
    return object && object->account == caller->account ? object : NULL;
}

json_t *hub_object(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller,
                   uint64_t id)
{
    const struct hub_object *object = find_for(hub, kind, caller, id);
    return object ? kinds[kind]->present(object, caller) : NULL;
}

int hub_each(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller,
             int (*each)(void *context, uint64_t id, json_t *object), void *context)
{
    const struct hub_list *list = &hub->lists[kind];
    for (size_t i = 0; i < list->count; i++) {
        const struct hub_object *object = &list->objects[i];
        if (object->account != caller->account)
            continue;
        json_t *json = kinds[kind]->present(object, caller);
        if (!json)
            return err_raise(ERR_NO_MEMORY);
        int err = each(context, object->id, json);
        json_decref(json);
        if (err < 0)
            return err;
    }
    return 0;
}

json_t *hub_configuration_schema(enum hub_kind kind)
{
    return fields_schema(kinds[kind]->configuration);
}

/* ---- making ---- */

/* Fills and builds `object`; the gateway does not know it yet. */
static int prepare(struct hub *hub, enum hub_kind kind, const json_t *fields,
                   struct hub_object *object, struct hub_refusal *why)
{
    if (!object->json)
        return hub_refuse(why, ERR_NO_MEMORY, NULL);
    int err = fields_fill(kinds[kind]->fields, fields, object->json, why);
    return err < 0 ? err : kinds[kind]->build(hub, object, why);
}

/* Persists the counter before the object: after a crash in between, an id is lost, none is given
 * twice. */
static int persist_new(struct hub *hub, enum hub_kind kind, const struct hub_object *object,
                       struct hub_refusal *why)
{
    hub->lists[kind].next_id++;
    int err = hub_counter_put(hub, kind);
    if (err >= 0)
        err = hub_record_put(hub, kind, object);
    return err < 0 ? hub_refuse(why, err, NULL) : 0;
}

static int install(struct hub *hub, enum hub_kind kind, const json_t *fields,
                   struct hub_object *object, struct hub_refusal *why)
{
    int err = hub_list_reserve(&hub->lists[kind]);
    if (err < 0)
        return hub_refuse(why, err, NULL);
    err = prepare(hub, kind, fields, object, why);
    if (err >= 0)
        err = kinds[kind]->apply(hub, NULL, object, why);
    if (err < 0)
        return err;
    err = persist_new(hub, kind, object, why);
    if (err < 0)
        kinds[kind]->withdraw(hub, object);
    return err;
}

/* Hands the object to the caller: the answer can fail, the object stays. */
static int answer(enum hub_kind kind, const struct hub_object *object,
                  const struct hub_caller *caller, json_t **ret_object, struct hub_refusal *why)
{
    json_t *json = kinds[kind]->present(object, caller);
    if (!json)
        return hub_refuse(why, ERR_NO_MEMORY, NULL);
    *ret_object = json;
    return 0;
}

int hub_create(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller,
               const json_t *fields, json_t **ret_object, struct hub_refusal *why)
{
    struct hub_list *list = &hub->lists[kind];
    int err = fields_check(kinds[kind]->fields, fields, NULL, why);
    if (err < 0)
        return err;
    if (list->count >= kinds[kind]->count_max)
        return hub_refuse(why, ERR_HUB_COUNT, NULL);
    struct hub_object object = {.id = list->next_id, .account = caller->account};
    object.json = json_pack("{s:I, s:I}", "id", (json_int_t)object.id, "cid",
                            (json_int_t)caller->account->id);
    err = install(hub, kind, fields, &object, why);
    if (err < 0) {
        hub_object_fini(&object);
        return err;
    }
    hub_list_add(list, object);
    return answer(kind, &object, caller, ret_object, why);
}

/* ---- changing ---- */

/* Gives the gateway back what `object` took the place of. With a new snapshot: the old one may have
 * left the choice of its port to the gateway, which must not choose again. */
static void undo(struct hub *hub, enum hub_kind kind, struct hub_object *old,
                 const struct hub_object *object)
{
    struct hub_refusal why;
    struct hub_object back = {.id = old->id, .account = old->account, .port = old->port};
    back.json = json_incref(old->json);
    int err = kinds[kind]->build(hub, &back, &why);
    if (err >= 0)
        err = kinds[kind]->apply(hub, object, &back, &why);
    if (err < 0) {
        log_error("change of %s not undone: %llu: %s", kinds[kind]->name,
                  (unsigned long long)old->id, why.reason);
        hub_object_fini(&back);
        return;
    }
    hub_object_fini(old);
    *old = back;
}

static int replace(struct hub *hub, enum hub_kind kind, struct hub_object *old,
                   struct hub_object *object, const json_t *fields, struct hub_refusal *why)
{
    int err = prepare(hub, kind, fields, object, why);
    if (err >= 0)
        err = kinds[kind]->apply(hub, old, object, why);
    if (err < 0)
        return err;
    err = hub_record_put(hub, kind, object);
    if (err >= 0)
        return 0;
    undo(hub, kind, old, object);
    return hub_refuse(why, err, NULL);
}

static int update(struct hub *hub, enum hub_kind kind, struct hub_object *old, const json_t *fields,
                  struct hub_refusal *why)
{
    int err = fields_check(kinds[kind]->fields, fields, old->json, why);
    if (err < 0)
        return err;
    struct hub_object object = {.id = old->id, .account = old->account, .port = old->port};
    object.json = json_deep_copy(old->json);
    err = replace(hub, kind, old, &object, fields, why);
    if (err < 0) {
        hub_object_fini(&object);
        return err;
    }
    hub_object_fini(old);
    *old = object;
    return 0;
}

int hub_update(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller, uint64_t id,
               enum hub_change change, const json_t *fields, json_t **ret_object,
               struct hub_refusal *why)
{
    struct hub_object *object = find_for(hub, kind, caller, id);
    if (!object)
        return hub_refuse(why, ERR_HUB_ID, NULL);
    if (change == HUB_REPLACE || !json_is_object(fields)) {
        int err = update(hub, kind, object, fields, why);
        return err < 0 ? err : answer(kind, object, caller, ret_object, why);
    }
    json_t *merged = fields_merge(object->json, fields);
    int err =
        merged ? update(hub, kind, object, merged, why) : hub_refuse(why, ERR_NO_MEMORY, NULL);
    json_decref(merged);
    return err < 0 ? err : answer(kind, object, caller, ret_object, why);
}

int hub_delete(struct hub *hub, enum hub_kind kind, const struct hub_caller *caller, uint64_t id,
               struct hub_refusal *why)
{
    struct hub_object *object = find_for(hub, kind, caller, id);
    if (!object)
        return hub_refuse(why, ERR_HUB_ID, NULL);
    int err = hub_record_delete(hub, kind, id);
    if (err < 0)
        return hub_refuse(why, err, NULL);
    kinds[kind]->withdraw(hub, object);
    hub_list_remove(&hub->lists[kind], object);
    return 0;
}
