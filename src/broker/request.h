/* REST over MQTT (flespi: `flespi/rest/{method}/{uri}`): recognising requests among publications.
 */
#ifndef TRACKWIRE_BROKER_REQUEST_H
#define TRACKWIRE_BROKER_REQUEST_H

#include "broker/client.h"

/* Whether the topic is a request's. */
bool request_is_one(const struct broker *b, struct span topic);
/* Hands the request on. ERR_BROKER_REQUEST_TOPIC, or why the client may not publish to its response
 * topic. Owner shard. */
int request_serve(struct client *c, const struct mqtt_publish *p) MUST_USE;

#endif
