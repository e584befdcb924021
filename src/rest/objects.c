/* Collections of hub objects: list, make, change, delete, for whichever kind the route names. One
 * item that fails does not stop the others. Control shard. */
#include "rest/rest_internal.h"
#include "rest/selectors.h"

/* Members of the objects, for `fields`. */
static const char *const channel_fields[] = {
    "id",           "cid",      "name", "enabled", "protocol_id", "protocol_name", "configuration",
    "messages_ttl", "metadata", "uri",  NULL};
static const char *const device_fields[] = {"id",
                                            "cid",
                                            "name",
                                            "enabled",
                                            "device_type_id",
                                            "protocol_id",
                                            "configuration",
                                            "messages_ttl",
                                            "messages_rotate",
                                            "media_ttl",
                                            "media_rotate",
                                            "metadata",
                                            NULL};

static const char *const *const kind_fields[HUB_KIND_COUNT_] = {
    [HUB_CHANNELS] = channel_fields,
    [HUB_DEVICES] = device_fields,
};

static enum hub_kind kind_of(const struct rest_call *call)
{
    return (enum hub_kind)call->route->kind;
}

static void refuse_item(struct rest_call *call, uint64_t id, const struct hub_refusal *why)
{
    (void)rest_reply_refuse(call, why->err, id, why->field, why->reason);
}

/* ---- selecting ---- */

struct selection {
    struct selector selector;
    struct buf ids; /* of uint64_t */
};

static void add_id(struct selection *s, uint64_t id)
{
    buf_add(&s->ids, &id, sizeof(id));
}

static int add_if_matching(void *context, uint64_t id, json_t *object)
{
    struct selection *s = context;
    if (selector_matches(&s->selector, object))
        add_id(s, id);
    return 0;
}

/* Ids first, objects later: what is done to one of them may change the list. */
static int collect(struct rest_call *call, struct selection *s)
{
    int err = selector_parse(call->selectors[0], call->arena, &s->selector);
    if (err < 0)
        return rest_reply_refuse(call, err, 0, NULL, NULL);
    if (s->selector.kind == SELECT_IDS) {
        for (size_t i = 0; i < s->selector.count; i++)
            add_id(s, s->selector.ids[i]);
    } else {
        err = hub_each(call->plane->hub, kind_of(call), &call->caller, add_if_matching, s);
    }
    if (err >= 0 && s->ids.is_failed)
        err = err_raise(ERR_NO_MEMORY);
    return err < 0 ? rest_reply_refuse(call, err, 0, NULL, NULL) : 0;
}

/* Runs `act` on the items that the path selects, from `limit` and `offset` where they are given. */
static void for_selected(struct rest_call *call, void (*act)(struct rest_call *call, uint64_t id))
{
    struct selection s = {.ids = buf_make(MEM_REST, SIZE_MAX / 2)};
    uint64_t first, end;
    if (rest_call_parameters(call) < 0 ||
        rest_reply_check_fields(call, kind_fields[kind_of(call)]) < 0)
        return;
    if (collect(call, &s) >= 0) {
        rest_reply_page(call, s.ids.n / sizeof(uint64_t), &first, &end);
        for (uint64_t i = first; i < end; i++) {
            uint64_t id;
            memcpy(&id, s.ids.p + i * sizeof(id), sizeof(id));
            act(call, id);
        }
    }
    buf_fini(&s.ids);
}

/* ---- GET ---- */

static void show(struct rest_call *call, uint64_t id)
{
    json_t *object = hub_object(call->plane->hub, kind_of(call), &call->caller, id);
    if (object)
        rest_reply_add(call, object);
    else
        (void)rest_reply_refuse(call, err_raise(ERR_HUB_ID), id, NULL, NULL);
    json_decref(object);
}

void rest_objects_get(struct rest_call *call)
{
    for_selected(call, show);
}

/* ---- POST ---- */

static void create(struct rest_call *call, const json_t *item)
{
    struct hub_refusal why;
    json_t *object;
    if (hub_create(call->plane->hub, kind_of(call), &call->caller, item, &object, &why) < 0) {
        refuse_item(call, 0, &why);
        return;
    }
    rest_reply_add(call, object);
    json_decref(object);
}

void rest_objects_post(struct rest_call *call)
{
    const json_t *body;
    if (rest_call_parameters(call) < 0 ||
        rest_reply_check_fields(call, kind_fields[kind_of(call)]) < 0 ||
        rest_call_body(call, &body) < 0)
        return;
    if (json_is_object(body)) {
        create(call, body);
        return;
    }
    size_t count = json_array_size(body);
    if (count == 0) {
        (void)rest_reply_refuse(call, err_raise(ERR_REST_BODY_ITEMS), 0, NULL, NULL);
        return;
    }
    for (size_t i = 0; i < count; i++)
        create(call, json_array_get(body, i));
}

/* ---- PUT and PATCH ---- */

static void change(struct rest_call *call, uint64_t id, enum hub_change how)
{
    struct hub_refusal why;
    json_t *object;
    if (hub_update(call->plane->hub, kind_of(call), &call->caller, id, how, call->body, &object,
                   &why) < 0) {
        refuse_item(call, id, &why);
        return;
    }
    rest_reply_add(call, object);
    json_decref(object);
}

static void replace(struct rest_call *call, uint64_t id)
{
    change(call, id, HUB_REPLACE);
}

static void merge(struct rest_call *call, uint64_t id)
{
    change(call, id, HUB_MERGE);
}

static void change_selected(struct rest_call *call, void (*act)(struct rest_call *, uint64_t))
{
    const json_t *body;
    if (rest_call_body(call, &body) < 0)
        return;
    if (!json_is_object(body))
        (void)rest_reply_refuse(call, err_raise(ERR_REST_BODY_OBJECT), 0, NULL, NULL);
    else
        for_selected(call, act);
}

void rest_objects_put(struct rest_call *call)
{
    change_selected(call, replace);
}

void rest_objects_patch(struct rest_call *call)
{
    change_selected(call, merge);
}

/* ---- DELETE ---- */

static void delete (struct rest_call *call, uint64_t id)
{
    struct hub_refusal why;
    if (hub_delete(call->plane->hub, kind_of(call), &call->caller, id, &why) < 0) {
        refuse_item(call, id, &why);
        return;
    }
    json_t *gone = json_pack("{s:I}", "id", (json_int_t)id);
    rest_reply_add(call, gone);
    json_decref(gone);
}

void rest_objects_delete(struct rest_call *call)
{
    for_selected(call, delete);
}
