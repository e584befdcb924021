/* /gw/channel-protocols: the registry of protocols as REST shows it, with the schema of a channel's
 * configuration and the parameters of its messages. Control shard; changes nothing. */
#include "message/dictionary.h"
#include "rest/rest_internal.h"
#include "rest/selectors.h"

static const char *const protocol_fields[] = {"id",
                                              "name",
                                              "title",
                                              "transports",
                                              "default_port",
                                              "features",
                                              "configuration",
                                              "message_parameters",
                                              NULL};

/* What every message has, whatever its protocol; the hub adds it. */
static const char *const common_parameters[] = {
    "channel.id", "device.id",   "device.name",      "device.type.id", "ident",
    "peer",       "protocol.id", "server.timestamp", "timestamp",
};
#define COMMON_COUNT (sizeof(common_parameters) / sizeof(common_parameters[0]))

static void add_parameter(json_t *array, const char *name, const char *type, const char *unit,
                          const char *info)
{
    (void)json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "type", type,
                                                 "unit", unit, "info", info));
}

static json_t *list_parameters(const struct protocol *protocol)
{
    json_t *array = json_array();
    for (size_t i = 0; i < protocol->parameter_count; i++) {
        const struct protocol_parameter *p = &protocol->parameters[i];
        add_parameter(array, p->name, p->type, p->unit, p->info);
    }
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        const struct dictionary_entry *entry = dictionary_find(span_str(common_parameters[i]));
        if (entry)
            add_parameter(array, entry->name, entry->type, entry->unit, entry->info);
    }
    return array;
}

static json_t *list_transports(const struct protocol *protocol)
{
    json_t *array = json_array();
    if (protocol->transports & PROTOCOL_TCP)
        (void)json_array_append_new(array, json_string("tcp"));
    if (protocol->transports & PROTOCOL_UDP)
        (void)json_array_append_new(array, json_string("udp"));
    return array;
}

static json_t *present(const struct protocol *protocol)
{
    return json_pack("{s:i, s:s, s:s, s:o, s:i, s:{s:b, s:b}, s:o, s:o}", "id", protocol->id,
                     "name", protocol->name, "title", protocol->title, "transports",
                     list_transports(protocol), "default_port", protocol->default_port, "features",
                     "raw_packets", 0, "shared_connection", 0, "configuration",
                     hub_configuration_schema(HUB_CHANNELS), "message_parameters",
                     list_parameters(protocol));
}

static bool knows(const struct selector *selector, const struct protocol *const *list, size_t count,
                  uint64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->id == id)
            return true;
    return selector->kind != SELECT_IDS;
}

static void refuse_unknown(struct rest_call *call, const struct selector *selector,
                           const struct protocol *const *list, size_t count)
{
    for (size_t i = 0; i < selector->count && selector->kind == SELECT_IDS; i++)
        if (!knows(selector, list, count, selector->ids[i]))
            (void)rest_reply_refuse(call, err_raise(ERR_HUB_ID), selector->ids[i], NULL, NULL);
}

static void get_protocols(struct rest_call *call)
{
    struct selector selector;
    size_t count;
    uint64_t first, end;
    const struct protocol *const *list = protocol_list(&count);
    json_t *matches = json_array();
    int err = selector_parse(call->selectors[0], call->arena, &selector);
    if (err < 0)
        (void)rest_reply_refuse(call, err, 0, NULL, NULL);
    if (err >= 0 && rest_call_parameters(call) >= 0 &&
        rest_reply_check_fields(call, protocol_fields) >= 0) {
        for (size_t i = 0; i < count; i++) {
            json_t *protocol = present(list[i]);
            if (selector_matches(&selector, protocol))
                (void)json_array_append(matches, protocol);
            json_decref(protocol);
        }
        rest_reply_page(call, json_array_size(matches), &first, &end);
        for (uint64_t i = first; i < end; i++)
            rest_reply_add(call, json_array_get(matches, i));
        refuse_unknown(call, &selector, list, count);
    }
    json_decref(matches);
}

static const struct rest_route routes[] = {
    {HTTP_METHOD_GET, "/gw/channel-protocols", REST_ITEMS, get_protocols, 0,
     "the same as channel-protocols/all"},
    {HTTP_METHOD_GET, "/gw/channel-protocols/{selector}", REST_ITEMS, get_protocols, 0,
     "protocols a channel may speak"},
};
const struct rest_routes rest_protocol_routes = REST_ROUTES(routes);
