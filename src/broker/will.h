/* Will messages (MQTT 5.0 3.1.2.5): kept from CONNECT until they are due or cancelled. */
#ifndef TRACKWIRE_BROKER_WILL_H
#define TRACKWIRE_BROKER_WILL_H

#include "broker/msg.h"
#include "broker/shard_state.h"

struct will {
    struct msg *msg;
    uint32_t delay_s;
    uint32_t expiry_s; /* message expiry interval, from when it is published; 0: none */
    bool is_retained;
};

/* A will made of CONNECT's; everything is copied. ERR_NO_MEMORY. */
int will_new(const struct mqtt_will *w, struct will **ret) MUST_USE;
/* Publishes and frees it; `who` is the session it came from. Any worker shard. */
void will_publish(struct broker_shard *bs, struct account *account, uint64_t who,
                  struct will **will);
void will_free(struct will **will);

#endif
