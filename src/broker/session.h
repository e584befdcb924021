/* A session: what the broker knows of a client by account and client id, connected or not. Lives on
 * its home shard; owner only. */
#ifndef TRACKWIRE_BROKER_SESSION_H
#define TRACKWIRE_BROKER_SESSION_H

#include "broker/outbox.h"
#include "broker/pid_set.h"
#include "broker/shard_state.h"
#include "broker/subscriptions.h"
#include "broker/will.h"

#define SESSION_NEVER_EXPIRES UINT32_MAX
#define CLIENT_ID_MAX 1024

struct session {
    struct broker_shard *home;
    struct account *account;
    struct client *client; /* NULL while the client is away */
    struct session *next;  /* in its bucket */
    uint64_t hash;
    uint64_t who; /* this session in the index */
    struct outbox outbox;
    struct pid_set received; /* QoS 2 from the client, not yet released */
    struct subscriptions subscriptions;
    /* Away: the will that waits for its delay, and when session or will is due (0: not). */
    struct will *will;
    int64_t will_due_ms, expiry_due_ms;
    struct timer timer;
    uint64_t gathered_number; /* publication that gathered this session last, and its place there */
    uint32_t gathered_at;
    uint32_t expiry_s; /* 0: ends with the connection */
    uint64_t dropped;  /* messages lost to limits */
    struct holding holding;
    uint16_t client_id_n;
    uint8_t client_id[];
};

static inline struct span session_client_id(const struct session *s)
{
    return (struct span){s->client_id, s->client_id_n};
}

/* Hash of (account, client id): the low part picks the home shard, the whole the bucket. */
uint64_t session_hash(const struct account *a, struct span client_id);
unsigned session_home(const struct broker *b, uint64_t hash);

/* The session on this shard, NULL when there is none. */
struct session *session_find(struct broker_shard *bs, const struct account *a,
                             struct span client_id);
/* A new one; ERR_NO_MEMORY. */
int session_new(struct broker_shard *bs, struct account *a, struct span client_id,
                struct session **ret) MUST_USE;
/* Ends it: subscriptions, queue and all; its pending will is published. The client was detached. */
void session_free(struct session **s);
/* The session of `who` on this shard, NULL when it ended meanwhile. */
struct session *session_by_who(const struct broker_shard *bs, uint64_t who);

/* The client is there (or gone: NULL). Gone: the session ends, or waits for expiry and will delay.
 */
void session_attach(struct session *s, struct client *c);
/* `will` (taken over; NULL: none) is due after its delay. May end the session. */
void session_detach(struct session *s, struct will *will);

/* Persistent: messages are kept while the client is away. */
static inline bool session_is_persistent(const struct session *s)
{
    return s->expiry_s > 0;
}

#endif
