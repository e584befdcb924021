/* The broker's part of one shard: its session slots, its table of sessions, scratch space and
 * counters. Everything but the marked members belongs to the shard's thread. */
#ifndef TRACKWIRE_BROKER_SHARD_STATE_H
#define TRACKWIRE_BROKER_SHARD_STATE_H

#include "base/rate.h"
#include "broker/admission.h"
#include "broker/broker.h"
#include "broker/holdings.h"
#include "broker/index.h"
#include "broker/retained.h"

struct session;
struct client;
struct sys;

/* What the broker keeps for an account. */
struct space {
    struct account *account;
    struct index index;
    struct retained retained;
    struct holdings holdings;
    struct span cid_text; /* the account's id in digits, for the user property `cid` */
    char cid_digits[24];
};

/* A session's seat. Segments of slots never move and live as long as the broker, so that other
 * shards may look whether a member of a shared group is connected. */
#define SLOT_SEGMENT_BITS 10
#define SLOT_SEGMENT (1u << SLOT_SEGMENT_BITS)
#define SLOT_SEGMENTS_MAX 16384u

struct slot {
    struct session *session; /* owner only */
    atomic_uint generation;  /* written by the owner, read by anyone */
    atomic_bool is_online;   /* the same; relaxed: a hint for choosing a member */
    uint32_t next_free;      /* owner only */
};

enum broker_counter {
    COUNT_SESSIONS,
    COUNT_EXPIRED,
    COUNT_CONNECTIONS,
    COUNT_ACCEPTED,
    COUNT_CONNECTS,
    COUNT_RECEIVED, /* publications */
    COUNT_SENT,
    COUNT_DROPPED,
    COUNT_PAYLOAD_RECEIVED, /* bytes */
    COUNT_PAYLOAD_SENT,
    COUNT_PACKETS_RECEIVED,
    COUNT_PACKETS_SENT,
    COUNT_BYTES_RECEIVED,
    COUNT_BYTES_SENT,
    COUNT_QUEUED,
    COUNT_QUEUED_BYTES,
    COUNT_WAITING_BYTES,
    COUNT_BROKER_COUNTER_
};

/* Clients of one transport; rows are taken in order and stay. */
struct transport_count {
    _Atomic(const struct transport *) transport; /* NULL: the row is free */
    atomic_uint_fast64_t clients;
};

/* A delivery gathered over several subscriptions of one session. */
struct gathered {
    struct session *session;
    uint64_t options; /* strongest QoS, retain as published when any asks for it */
    uint32_t id_count;
    uint32_t ids[MQTT_SUBSCRIPTION_IDS_MAX];
};

/* Whom to deliver to on another shard, collected while a publication is routed. */
struct remote_list {
    struct remote_entry {
        uint64_t who, options;
        struct branch *group; /* NULL: not by a shared group */
    } * entries;
    uint32_t count, cap;
};

struct broker_shard {
    struct broker *broker;
    struct shard *shard;
    unsigned index;
    _Atomic(struct slot *) segments[SLOT_SEGMENTS_MAX]; /* written by the owner, read by anyone */
    uint32_t slot_count, free_slot; /* slots ever made; head of the free list + 1 */
    struct session **buckets;       /* sessions by hash of account and client id */
    uint32_t bucket_mask, session_count;
    struct client *clients; /* all connections, for shutting down */
    uint32_t client_count;
    struct index_match match; /* scratch */
    struct gathered *gathered;
    uint32_t gathered_count, gathered_cap;
    struct remote_list *remote; /* one for each worker */
    struct buf properties;      /* scratch: forwarded properties of the PUBLISH in hand */
    uint64_t publication_number;
    uint64_t random;
    uint64_t connect_budget; /* bytes that CONNECT packets over 1 KiB may still take */
    bool is_stopping;
    struct mail *stopped;    /* sent when the last client is gone after broker_stop */
    struct timer stop_timer; /* cuts off those that do not go */
    struct holdings_batch batch;
    /* Written by the owner, read by anyone; relaxed, statistics. */
    atomic_uint_fast64_t counters[COUNT_BROKER_COUNTER_];
    struct transport_count transports[BROKER_TRANSPORTS_MAX];
};

struct broker {
    struct shard_set *shards;
    struct accounts *accounts;
    struct store *store;
    struct broker_config config;
    void (*serve)(void *context, const struct broker_request *request); /* NULL: nobody */
    void *serve_context;
    struct space *root;          /* the only account for now */
    struct holdings holdings;    /* of all accounts */
    struct admission *admission; /* NULL: no limit */
    struct sys *sys;             /* NULL: no figures under $SYS */
    struct rate packet_rate;
    /* Any shard; relaxed, statistics. */
    atomic_int_fast64_t online, online_max;
    unsigned workers;
    struct broker_shard *state[]; /* workers, and one for the control shard */
};

/* The calling shard's part. */
struct broker_shard *broker_here(struct broker *b);

static inline struct space *space_of(const struct account *a)
{
    return a->broker_space;
}

static inline void broker_count(struct broker_shard *bs, enum broker_counter which, int64_t delta)
{
    /* Only the owner writes: no read-modify-write instruction is needed. */
    atomic_store_explicit(&bs->counters[which],
                          atomic_load_explicit(&bs->counters[which], memory_order_relaxed) +
                              (uint64_t)delta,
                          memory_order_relaxed);
}

static inline struct slot *broker_slot(const struct broker_shard *bs, uint32_t slot)
{
    struct slot *segment = atomic_load_explicit(
        (_Atomic(struct slot *) *)&bs->segments[slot >> SLOT_SEGMENT_BITS], memory_order_acquire);
    return segment ? &segment[slot & (SLOT_SEGMENT - 1)] : NULL;
}

#endif
