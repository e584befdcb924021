/* From a decoded message to its MQTT topics: adds what the hub knows (ident, server.timestamp,
 * peer, channel.id, protocol.id, device.*), writes the JSON and publishes. */
#ifndef TRACKWIRE_HUB_PUBLISH_H
#define TRACKWIRE_HUB_PUBLISH_H

#include "broker/broker.h"
#include "hub/objects.h"

struct hub_origin {
    struct broker *broker;
    const struct hub_channel *channel;
    const struct hub_device *device; /* NULL: no device claims the ident */
    struct span ident;
    struct span peer;  /* "ip:port" */
    int64_t server_us; /* server.timestamp */
};

/* Publishes `m` to flespi/message/gw/channels/{id}/{ident} and, with a device, to
 * flespi/message/gw/devices/{id}. A message without a time gets the server's. QoS 1. Worker shards;
 * `m` is enriched in place, `scratch` is overwritten. The published JSON is left in `scratch`. */
int hub_publish_message(const struct hub_origin *origin, struct message *m,
                        struct buf *scratch) MUST_USE;

#endif
