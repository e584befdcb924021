/* The hub's business objects, channels and devices: their rules, their persistence, their ids. Owned
 * by the control shard; REST calls run there. JSON values are jansson's, in flespi's form. */
#ifndef TRACKWIRE_HUB_HUB_H
#define TRACKWIRE_HUB_HUB_H

#include "hub/objects.h"

#include <jansson.h>

struct hub;

/* Loads channels and devices. Blocks; before the shards start. */
int hub_new(struct store *store, struct accounts *accounts, struct hub **ret) MUST_USE;
/* Gives the gateway its objects: opens every enabled channel, sets every device. A channel that cannot
 * be opened is logged and stays closed; start-up goes on. Once, before the shards start. */
void hub_connect_gateway(struct hub *hub, const struct hub_gateway *operations, void *gateway);
void hub_free(struct hub **hub);

#endif
