/* Channels: their fields, their snapshot, their place in the gateway. Control shard only.
 *
 * A channel keeps its port: trackers out there are configured with it. The port that the gateway
 * gave from its range is remembered in the record and asked for again; only when some other program
 * took it meanwhile is another one taken. */
#include "hub/hub_internal.h"

#include "base/log.h"
#include "hub/refusal.h"
#include "hub/rules.h"

#include <stdio.h>

#define CHANNELS_MAX 10000
#define IDLE_TIMEOUT_S 600 /* flespi: "TCP idle timeout fixed 10 min" */
#define TIMEZONE_MAX_S (14 * 3600)

/* ---- timezone ---- */

static bool parse_two_digits(const char *p, int32_t *ret)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *ret = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

/* "+03:00", "+0300", "+03", "Z", "UTC". */
static bool parse_offset(const char *text, int32_t *ret_s)
{
    int32_t hours = 0, minutes = 0;
    size_t n = strlen(text);
    if (strcmp(text, "Z") == 0 || strcmp(text, "UTC") == 0) {
        *ret_s = 0;
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || (n != 3 && n != 5 && n != 6))
        return false;
    if (n == 6 && text[3] != ':')
        return false;
    if (!parse_two_digits(text + 1, &hours) ||
        (n > 3 && !parse_two_digits(text + n - 2, &minutes)) || minutes > 59)
        return false;
    int32_t seconds = hours * 3600 + minutes * 60;
    *ret_s = text[0] == '-' ? -seconds : seconds;
    return seconds <= TIMEZONE_MAX_S;
}

static bool parse_timezone(const json_t *value, int32_t *ret_s)
{
    if (json_is_string(value))
        return parse_offset(json_string_value(value), ret_s);
    json_int_t seconds = json_integer_value(value);
    if (!json_is_integer(value) || seconds < -TIMEZONE_MAX_S || seconds > TIMEZONE_MAX_S)
        return false;
    *ret_s = (int32_t)seconds;
    return true;
}

static int check_timezone(const json_t *value, const char *path, struct hub_refusal *why)
{
    int32_t seconds;
    return parse_timezone(value, &seconds) ? 0 : hub_refuse(why, ERR_CHANNEL_TIMEZONE, path);
}

/* ---- fields ---- */

static const char *const checksum_choice[] = {"strict", "lenient", NULL};

static const struct field_rule configuration_table[] = {
    {.name = "port",
     .type = FIELD_INTEGER,
     .min = 1,
     .max = 65535,
     .info = "port to listen on; without it one of the channel range, kept for good"},
    {.name = "checksum",
     .type = FIELD_TEXT,
     .choice = checksum_choice,
     .info = "lenient publishes frames with a bad checksum too; without it: strict"},
    {.name = "timezone",
     .type = FIELD_ANY,
     .check = check_timezone,
     .info = "offset from UTC of devices that send local time: \"+03:00\", or seconds"},
    {.name = "idle_timeout",
     .type = FIELD_INTEGER,
     .min = 10,
     .max = 86400,
     .info = "seconds after which a silent connection is closed; without it 600"},
};
static const struct field_rules configuration_rules = FIELD_RULES(configuration_table);

static const struct field_rule channel_table[] = {
    {.name = "id", .flags = FIELD_DERIVED},
    {.name = "cid", .flags = FIELD_DERIVED},
    {.name = "name", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1, .max = HUB_NAME_MAX},
    {.name = "enabled", .type = FIELD_BOOLEAN, .standard = "true"},
    {.name = "protocol_id", .type = FIELD_INTEGER, .flags = FIELD_FIXED, .max = 65535},
    {.name = "protocol_name", .type = FIELD_TEXT, .flags = FIELD_FIXED, .min = 1, .max = 64},
    {.name = "configuration",
     .type = FIELD_OBJECT,
     .standard = "{}",
     .inner = &configuration_rules},
    {.name = "messages_ttl", .type = FIELD_INTEGER, .max = TEN_YEARS_S, .standard = "86400"},
    {.name = "metadata", .type = FIELD_OBJECT, .standard = "{}", .check = hub_check_metadata},
};
static const struct field_rules channel_fields = FIELD_RULES(channel_table);

/* ---- snapshot ---- */

static void free_channel(struct ref *ref)
{
    mem_free(MEM_HUB, ref);
}

static int find_protocol(const json_t *json, const struct protocol **ret, struct hub_refusal *why)
{
    const json_t *name = json_object_get(json, "protocol_name");
    const json_t *id = json_object_get(json, "protocol_id");
    const struct protocol *by_name = NULL, *by_id = NULL;
    if (!name && !id)
        return hub_refuse(why, ERR_CHANNEL_PROTOCOL_MISSING, "protocol_name");
    if (name && !(by_name = protocol_by_name(span_str(json_string_value(name)))))
        return hub_refuse(why, ERR_CHANNEL_PROTOCOL_NAME, "protocol_name");
    if (id && !(by_id = protocol_by_id((uint16_t)json_integer_value(id))))
        return hub_refuse(why, ERR_CHANNEL_PROTOCOL_ID, "protocol_id");
    if (by_name && by_id && by_name != by_id)
        return hub_refuse(why, ERR_CHANNEL_PROTOCOL_TWO, "protocol_id");
    *ret = by_name ? by_name : by_id;
    return 0;
}

static void read_configuration(struct hub_channel *channel, const json_t *configuration)
{
    const char *checksum = json_string_value(json_object_get(configuration, "checksum"));
    const json_t *timezone = json_object_get(configuration, "timezone");
    const json_t *idle = json_object_get(configuration, "idle_timeout");
    const json_t *port = json_object_get(configuration, "port");
    channel->options.is_lenient = checksum && strcmp(checksum, "lenient") == 0;
    if (timezone)
        (void)parse_timezone(timezone, &channel->options.timezone_s);
    channel->idle_timeout_s =
        json_is_integer(idle) ? (uint32_t)json_integer_value(idle) : IDLE_TIMEOUT_S;
    if (json_is_integer(port))
        channel->port = (uint16_t)json_integer_value(port);
}

static int build_channel(struct hub *hub, struct hub_object *object, struct hub_refusal *why)
{
    json_t *json = object->json;
    const struct protocol *protocol = NULL;
    (void)hub;
    int err = find_protocol(json, &protocol, why);
    if (err < 0)
        return err;
    struct hub_channel *channel = mem_zalloc(MEM_HUB, sizeof(*channel));
    if (!channel || json_object_set_new(json, "protocol_id", json_integer(protocol->id)) != 0 ||
        json_object_set_new(json, "protocol_name", json_string(protocol->name)) != 0) {
        mem_free(MEM_HUB, channel);
        return hub_refuse(why, ERR_NO_MEMORY, NULL);
    }
    ref_init(&channel->ref, free_channel);
    channel->id = object->id;
    channel->account = object->account;
    channel->protocol = protocol;
    channel->port = object->port;
    channel->is_enabled = json_is_true(json_object_get(json, "enabled"));
    channel->messages_ttl_s = (uint32_t)json_integer_value(json_object_get(json, "messages_ttl"));
    (void)snprintf(channel->name, sizeof(channel->name), "%s",
                   json_string_value(json_object_get(json, "name")));
    read_configuration(channel, json_object_get(json, "configuration"));
    object->snapshot = &channel->ref;
    return 0;
}

/* ---- gateway ---- */

static bool has_fixed_port(const struct hub_object *object)
{
    return json_object_get(json_object_get(object->json, "configuration"), "port") != NULL;
}

static int hand_over(struct hub *hub, bool is_known, struct hub_channel *channel,
                     uint16_t *ret_port)
{
    return is_known ? hub->operations->channel_change(hub->gateway, channel, ret_port)
                    : hub->operations->channel_open(hub->gateway, channel, ret_port);
}

static int apply_channel(struct hub *hub, const struct hub_object *old, struct hub_object *object,
                         struct hub_refusal *why)
{
    struct hub_channel *channel = (struct hub_channel *)object->snapshot;
    bool is_known = old && old->is_open;
    uint16_t port = object->port;
    if (!hub->operations || (!is_known && !channel->is_enabled))
        return 0;
    int err = hand_over(hub, is_known, channel, &port);
    if (err == ERR_CHANNEL_PORT_IN_USE && object->port && !has_fixed_port(object)) {
        log_warning("channel moves to another port: %llu: port %u is in use",
                    (unsigned long long)object->id, object->port);
        channel->port = 0;
        err = hand_over(hub, is_known, channel, &port);
    }
    if (err < 0)
        return hub_refuse(why, err, has_fixed_port(object) ? "configuration.port" : NULL);
    object->port = port;
    object->is_open = channel->is_enabled;
    return 0;
}

static void withdraw_channel(struct hub *hub, struct hub_object *object)
{
    if (hub->operations && object->is_open)
        hub->operations->channel_close(hub->gateway, object->id);
    object->is_open = false;
}

/* ---- what callers see ---- */

static json_t *present_channel(const struct hub_object *object, const struct hub_caller *caller)
{
    char uri[300] = "";
    json_t *json = json_copy(object->json);
    bool is_v6 = caller->host && strchr(caller->host, ':') && caller->host[0] != '[';
    if (object->port && caller->host)
        (void)snprintf(uri, sizeof(uri), is_v6 ? "[%s]:%u" : "%s:%u", caller->host, object->port);
    if (!json || json_object_set_new(json, "uri", json_string(uri)) != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

const struct hub_kind_rules hub_channel_rules = {
    .name = "channels",
    .space = STORE_CHANNELS,
    .count_max = CHANNELS_MAX,
    .fields = &channel_fields,
    .configuration = &configuration_rules,
    .build = build_channel,
    .apply = apply_channel,
    .withdraw = withdraw_channel,
    .present = present_channel,
};
