/* One publication, kept once and shared by everyone who gets it. Immutable after msg_new; reference
 * counted, any thread. */
#ifndef TRACKWIRE_BROKER_MSG_H
#define TRACKWIRE_BROKER_MSG_H

#include "base/buf.h"
#include "base/ref.h"
#include "mqtt/codec.h"

struct msg {
    struct ref ref;
    int64_t expires_ms; /* monotonic; 0: never */
    int64_t born_us;    /* UTC: when it came */
    uint32_t expiry_s;  /* message expiry interval as published; 0: none */
    uint32_t topic_n, properties_n, payload_n;
    uint8_t qos; /* of the publication */
    /* topic, forwarded properties as encoded, payload */
    uint8_t bytes[];
};

static inline struct span msg_topic(const struct msg *m)
{
    return (struct span){m->bytes, m->topic_n};
}

/* Properties that go to v5 receivers, encoded: all but expiry, alias and subscription ids. */
static inline struct span msg_properties(const struct msg *m)
{
    return (struct span){m->bytes + m->topic_n, m->properties_n};
}

static inline struct span msg_payload(const struct msg *m)
{
    return (struct span){m->bytes + m->topic_n + m->properties_n, m->payload_n};
}

/* What a message weighs in a queue's limit. */
static inline uint64_t msg_bytes(const struct msg *m)
{
    return (uint64_t)m->topic_n + m->properties_n + m->payload_n;
}

static inline struct msg *msg_of_ref(struct ref *r)
{
    return (struct msg *)((char *)r - offsetof(struct msg, ref));
}

static inline void msg_drop(struct msg *m)
{
    ref_drop(&m->ref);
}

/* A publication on its way through the broker: borrowed spans, and the shared message once someone
 * needs to keep it. Lives on the stack of whoever publishes. */
struct publication {
    struct span topic, properties, payload;
    int64_t expires_ms, born_us;
    uint32_t expiry_s;
    uint8_t qos;
    bool is_retained; /* as the publisher sent it */
    uint64_t source;  /* the publishing session (struct subscriber), 0: none; for No Local */
    struct msg *msg;  /* NULL until publication_msg */
};

/* Ends the publication's life `expiry_s` after now. */
static inline void publication_expire(struct publication *p, uint32_t expiry_s, int64_t now_ms)
{
    p->expiry_s = expiry_s;
    p->expires_ms = now_ms + (int64_t)expiry_s * 1000;
}

/* The shared message of `p`, made at the first call; borrowed, NULL out of memory. */
struct msg *publication_msg(struct publication *p);
/* Over a message: topic and so on point into it. Takes a reference, which publication_fini drops.
 */
struct publication publication_of(struct msg *m);
/* Drops the reference on the message, if there is one. */
void publication_fini(struct publication *p);

/* Appends those properties of a PUBLISH or a will that receivers are to see, as encoded bytes:
 * payload format, content type, response topic, correlation data, user properties
 * (MQTT 5.0 3.3.2.3). */
void msg_put_forwarded(const struct mqtt_properties *p, struct buf *out);
/* Appends correlation data. */
void msg_put_correlation(struct buf *out, struct span data);
/* Appends one user property. */
void msg_put_user_property(struct buf *out, struct span name, struct span value);

#endif
