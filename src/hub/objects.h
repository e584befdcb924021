/* Channels and devices as the data path sees them: immutable snapshots, reference counted. The
 * control shard makes a new one at each change and hands it to the gateway. */
#ifndef TRACKWIRE_HUB_OBJECTS_H
#define TRACKWIRE_HUB_OBJECTS_H

#include "account/account.h"
#include "base/ref.h"
#include "gateway/protocols/protocol.h"

#define HUB_NAME_MAX 256

struct hub_channel {
    struct ref ref;
    uint64_t id;
    struct account *account;
    const struct protocol *protocol;
    struct protocol_options options;
    uint16_t port; /* configuration.port; 0: one from the channel range */
    bool is_enabled;
    uint32_t messages_ttl_s;
    uint32_t idle_timeout_s; /* a silent TCP connection is closed */
    char name[HUB_NAME_MAX + 1];
};

struct hub_device {
    struct ref ref;
    uint64_t id;
    struct account *account;
    uint32_t type_id;
    uint16_t protocol_id; /* 0: messages of any protocol */
    bool is_enabled;
    char ident[PROTOCOL_IDENT_MAX + 1];
    char name[HUB_NAME_MAX + 1];
};

/* What the hub needs of the gateway, two floors up; given at start. Control shard only. */
struct hub_gateway {
    /* Binds the channel's port at once and starts listening on its owner shard. `ret_port` is the
     * one bound. ERR_CHANNEL_PORT_IN_USE, ERR_CHANNEL_PORTS_EXHAUSTED,
     * ERR_CHANNEL_PORT_FORBIDDEN. */
    int (*channel_open)(void *gateway, struct hub_channel *channel, uint16_t *ret_port);
    /* Replaces the snapshot of an open channel; a changed protocol, port or checksum option closes
     * its connections (close code 9). Same errors. */
    int (*channel_change)(void *gateway, struct hub_channel *channel, uint16_t *ret_port);
    void (*channel_close)(void *gateway, uint64_t channel_id);
    /* A device was made or changed (its ident may have changed), or is gone. */
    void (*device_set)(void *gateway, struct hub_device *device);
    void (*device_unset)(void *gateway, uint64_t device_id);
};

#endif
