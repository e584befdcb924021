/* Devices: their fields, their snapshot, who has which ident. Control shard only. There is no table
 * of device types yet: type 0, "any protocol", is the only one. */
#include "hub/hub_internal.h"

#include "hub/refusal.h"
#include "hub/rules.h"

#include <inttypes.h>
#include <stdio.h>

#define DEVICES_MAX 1000000
#define ONE_YEAR "31536000"
#define BYTES_MAX INT64_C(1000000000000)

/* ---- fields ---- */

static int check_ident(const json_t *value, const char *path, struct hub_refusal *why)
{
    struct protocol_link link = {0};
    struct span ident = span_of(json_string_value(value), json_string_length(value));
    int err = protocol_set_ident(&link, ident);
    return err < 0 ? hub_refuse(why, err, path) : 0;
}

static int check_type_id(const json_t *value, const char *path, struct hub_refusal *why)
{
    json_int_t id = json_integer_value(value);
    return id == 0 ? 0
                   : hub_refuse_because(why, ERR_DEVICE_TYPE, path,
                                        "device type %" PRId64 " not found", (int64_t)id);
}

static const char *const polling_choice[] = {"never", "once", "daily", "weekly", "monthly", NULL};

static const struct field_rule configuration_table[] = {
    {.name = "ident",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .max = 65536,
     .check = check_ident,
     .info = "what the device calls itself: 1 to 64 printable ASCII characters but # + /"},
    {.name = "phone", .type = FIELD_TEXT, .max = 32, .info = "number of its SIM card"},
    {.name = "settings_polling", .type = FIELD_TEXT, .choice = polling_choice},
};
static const struct field_rules configuration_rules = FIELD_RULES(configuration_table);

static const struct field_rule device_table[] = {
    {.name = "id", .flags = FIELD_DERIVED},
    {.name = "cid", .flags = FIELD_DERIVED},
    {.name = "name", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1, .max = HUB_NAME_MAX},
    {.name = "enabled", .type = FIELD_BOOLEAN, .standard = "true"},
    {.name = "device_type_id",
     .type = FIELD_INTEGER,
     .max = UINT32_MAX,
     .standard = "0",
     .check = check_type_id},
    {.name = "protocol_id", .flags = FIELD_DERIVED, .standard = "0"},
    {.name = "configuration",
     .type = FIELD_OBJECT,
     .flags = FIELD_REQUIRED,
     .inner = &configuration_rules},
    {.name = "messages_ttl", .type = FIELD_INTEGER, .max = TEN_YEARS_S, .standard = ONE_YEAR},
    {.name = "messages_rotate", .type = FIELD_INTEGER, .max = BYTES_MAX, .standard = "0"},
    {.name = "media_ttl", .type = FIELD_INTEGER, .max = TEN_YEARS_S, .standard = ONE_YEAR},
    {.name = "media_rotate", .type = FIELD_INTEGER, .max = BYTES_MAX, .standard = "0"},
    {.name = "metadata", .type = FIELD_OBJECT, .standard = "{}", .check = hub_check_metadata},
};
static const struct field_rules device_fields = FIELD_RULES(device_table);

/* ---- idents ---- */

#define IDENT_KEY_BYTES (24 + PROTOCOL_IDENT_MAX)

static const struct hub_device *device_of(const struct hub_object *object)
{
    return (const struct hub_device *)object->snapshot;
}

static void ident_key(const struct hub_device *device, char out[IDENT_KEY_BYTES])
{
    (void)snprintf(out, IDENT_KEY_BYTES, "%" PRIu64 "/%s", device->account->id, device->ident);
}

/* Id of the device that has this ident in its account; 0: nobody. */
static uint64_t holder_of_ident(const struct hub *hub, const struct hub_device *device)
{
    char key[IDENT_KEY_BYTES];
    ident_key(device, key);
    return (uint64_t)json_integer_value(json_object_get(hub->idents, key));
}

static int claim_ident(struct hub *hub, const struct hub_device *device)
{
    char key[IDENT_KEY_BYTES];
    ident_key(device, key);
    return json_object_set_new(hub->idents, key, json_integer((json_int_t)device->id)) == 0
               ? 0
               : ERR_NO_MEMORY;
}

static void leave_ident(struct hub *hub, const struct hub_device *device)
{
    char key[IDENT_KEY_BYTES];
    ident_key(device, key);
    (void)json_object_del(hub->idents, key);
}

/* ---- snapshot ---- */

static void free_device(struct ref *ref)
{
    mem_free(MEM_HUB, ref);
}

static const char *text_in(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static int build_device(struct hub *hub, struct hub_object *object, struct hub_refusal *why)
{
    const json_t *json = object->json;
    struct hub_device *device = mem_zalloc(MEM_HUB, sizeof(*device));
    if (!device)
        return hub_refuse(why, ERR_NO_MEMORY, NULL);
    ref_init(&device->ref, free_device);
    device->id = object->id;
    device->account = object->account;
    device->is_enabled = json_is_true(json_object_get(json, "enabled"));
    (void)snprintf(device->name, sizeof(device->name), "%s", text_in(json, "name"));
    (void)snprintf(device->ident, sizeof(device->ident), "%s",
                   text_in(json_object_get(json, "configuration"), "ident"));
    object->snapshot = &device->ref;
    uint64_t holder = holder_of_ident(hub, device);
    if (holder == 0 || holder == object->id)
        return 0;
    return hub_refuse_because(why, ERR_DEVICE_IDENT_TAKEN, "configuration.ident",
                              "ident already exists: device %" PRIu64 " has it", holder);
}

/* ---- gateway ---- */

static int apply_device(struct hub *hub, const struct hub_object *old, struct hub_object *object,
                        struct hub_refusal *why)
{
    struct hub_device *device = (struct hub_device *)object->snapshot;
    int err = claim_ident(hub, device);
    if (err < 0)
        return hub_refuse(why, err, NULL);
    if (old && strcmp(device_of(old)->ident, device->ident) != 0)
        leave_ident(hub, device_of(old));
    if (hub->operations)
        hub->operations->device_set(hub->gateway, device);
    return 0;
}

static void withdraw_device(struct hub *hub, struct hub_object *object)
{
    leave_ident(hub, device_of(object));
    if (hub->operations)
        hub->operations->device_unset(hub->gateway, object->id);
}

static json_t *present_device(const struct hub_object *object, const struct hub_caller *caller)
{
    (void)caller;
    return json_incref(object->json);
}

const struct hub_kind_rules hub_device_rules = {
    .name = "devices",
    .space = STORE_DEVICES,
    .count_max = DEVICES_MAX,
    .fields = &device_fields,
    .configuration = &configuration_rules,
    .build = build_device,
    .apply = apply_device,
    .withdraw = withdraw_device,
    .present = present_device,
};
