/* The last step of a tracker's message before subscribers: adds what the hub knows, writes the JSON
 * once, and hands the same bytes to the topic of the channel and of the device. On the hot path of
 * every message, on the channel's worker shard: nothing is allocated here once `scratch` has grown.
 * Knows no tracker protocol and no session. */
#include "hub/publish.h"

#include <inttypes.h>
#include <stdio.h>

/* "flespi/message/gw/channels/" + 20 digits + "/" + the longest ident, and some. */
#define TOPIC_BYTES (64 + PROTOCOL_IDENT_MAX)

static void add_origin(const struct hub_origin *origin, struct message *m)
{
    const struct hub_device *device = origin->device;
    if (!message_has_time(m))
        message_set_time(m, origin->server_us);
    message_add_text(m, "ident", origin->ident);
    message_add_text(m, "peer", origin->peer);
    message_add_decimal(m, "server.timestamp", origin->server_us, 6);
    message_add_uint(m, "channel.id", origin->channel->id);
    message_add_uint(m, "protocol.id", origin->channel->protocol->id);
    if (!device)
        return;
    message_add_uint(m, "device.id", device->id);
    message_add_text(m, "device.name", span_str(device->name));
    message_add_uint(m, "device.type.id", device->type_id);
}

static int publish(const struct hub_origin *origin, struct span topic, struct span json)
{
    struct broker_publication publication = {
        .topic = topic, .payload = json, .qos = 1, .timestamp_us = origin->server_us};
    return broker_publish(origin->broker, origin->channel->account, &publication);
}

int hub_publish_message(const struct hub_origin *origin, struct message *m, struct buf *scratch)
{
    char topic[TOPIC_BYTES];
    add_origin(origin, m);
    if (message_is_truncated(m))
        (void)err_raise(ERR_MESSAGE_LIMIT);
    buf_clear(scratch);
    int err = message_write_json(m, scratch);
    if (err < 0)
        return err;
    int n = snprintf(topic, sizeof(topic), "flespi/message/gw/channels/%" PRIu64 "/%.*s",
                     origin->channel->id, SPAN_FMT(span_head(origin->ident, PROTOCOL_IDENT_MAX)));
    err = publish(origin, span_of(topic, (size_t)n), buf_span(scratch));
    if (!origin->device)
        return err;
    n = snprintf(topic, sizeof(topic), "flespi/message/gw/devices/%" PRIu64, origin->device->id);
    int device_err = publish(origin, span_of(topic, (size_t)n), buf_span(scratch));
    return err < 0 ? err : device_err;
}
