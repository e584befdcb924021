/* Sessions: table, slots, coming and going of clients, expiry. */
#include "broker/session.h"

#include "base/hash.h"
#include "base/log.h"
#include "broker/share.h"

#define BUCKETS_MIN 64u

uint64_t session_hash(const struct account *a, struct span client_id)
{
    return hash_mix(hash_bytes(client_id), a->id);
}

unsigned session_home(const struct broker *b, uint64_t hash)
{
    return (unsigned)((hash >> 32) % b->workers);
}

struct session *session_find(struct broker_shard *bs, const struct account *a,
                             struct span client_id)
{
    if (!bs->buckets)
        return NULL;
    uint64_t hash = session_hash(a, client_id);
    struct session *s = bs->buckets[hash & bs->bucket_mask];
    while (s &&
           (s->hash != hash || s->account != a || !span_equal(session_client_id(s), client_id)))
        s = s->next;
    return s;
}

static int table_grow(struct broker_shard *bs)
{
    uint32_t places = bs->buckets ? (bs->bucket_mask + 1) * 2 : BUCKETS_MIN;
    struct session **buckets = mem_zalloc(MEM_SESSION, places * sizeof(buckets[0]));
    if (!buckets)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; bs->buckets && i <= bs->bucket_mask; i++) {
        struct session *s = bs->buckets[i];
        while (s) {
            struct session *next = s->next;
            s->next = buckets[s->hash & (places - 1)];
            buckets[s->hash & (places - 1)] = s;
            s = next;
        }
    }
    mem_free(MEM_SESSION, bs->buckets);
    bs->buckets = buckets;
    bs->bucket_mask = places - 1;
    return 0;
}

/* One slot more at the end. */
static int slot_make(struct broker_shard *bs)
{
    uint32_t segment = bs->slot_count >> SLOT_SEGMENT_BITS;
    if (segment >= SLOT_SEGMENTS_MAX)
        return ERR_NO_MEMORY;
    if (!broker_slot(bs, bs->slot_count)) {
        struct slot *slots = mem_zalloc(MEM_SESSION, SLOT_SEGMENT * sizeof(slots[0]));
        if (!slots)
            return ERR_NO_MEMORY;
        atomic_store_explicit(&bs->segments[segment], slots, memory_order_release);
    }
    bs->slot_count++;
    return 0;
}

static int slot_take(struct broker_shard *bs, struct session *s)
{
    uint32_t at = bs->free_slot ? bs->free_slot - 1 : bs->slot_count;
    if (!bs->free_slot && slot_make(bs) < 0)
        return ERR_NO_MEMORY;
    struct slot *slot = broker_slot(bs, at);
    if (!slot)
        return ERR_NO_MEMORY;
    if (bs->free_slot)
        bs->free_slot = slot->next_free;
    uint32_t generation = atomic_load_explicit(&slot->generation, memory_order_relaxed) + 1;
    generation &= SUBSCRIBER_GENERATION_MASK;
    generation = generation ? generation : 1;
    atomic_store_explicit(&slot->generation, generation, memory_order_relaxed);
    slot->session = s;
    s->who = subscriber_make(bs->index, at, generation);
    return 0;
}

static void slot_give(struct broker_shard *bs, struct session *s)
{
    struct slot *slot = broker_slot(bs, subscriber_slot(s->who));
    slot->session = NULL;
    atomic_store_explicit(&slot->is_online, false, memory_order_relaxed);
    slot->next_free = bs->free_slot;
    bs->free_slot = subscriber_slot(s->who) + 1;
}

struct session *session_by_who(const struct broker_shard *bs, uint64_t who)
{
    const struct slot *slot = broker_slot(bs, subscriber_slot(who));
    struct session *s = slot ? slot->session : NULL;
    return s && s->who == who ? s : NULL;
}

static struct session *session_of_timer(struct timer *t)
{
    return (struct session *)((char *)t - offsetof(struct session, timer));
}

static void on_timer(struct timer *t);

int session_new(struct broker_shard *bs, struct account *a, struct span client_id,
                struct session **ret)
{
    if ((!bs->buckets || bs->session_count > bs->bucket_mask) && table_grow(bs) < 0 && !bs->buckets)
        return ERR_NO_MEMORY;
    struct session *s = mem_zalloc(MEM_SESSION, sizeof(*s) + client_id.n);
    if (!s)
        return ERR_NO_MEMORY;
    s->home = bs;
    s->account = a;
    s->hash = session_hash(a, client_id);
    s->timer.on_due = on_timer;
    s->client_id_n = (uint16_t)client_id.n;
    memcpy(s->client_id, client_id.p, client_id.n);
    outbox_init(&s->outbox);
    if (slot_take(bs, s) < 0) {
        mem_free(MEM_SESSION, s);
        return ERR_NO_MEMORY;
    }
    s->next = bs->buckets[s->hash & bs->bucket_mask];
    bs->buckets[s->hash & bs->bucket_mask] = s;
    bs->session_count++;
    broker_count(bs, COUNT_SESSIONS, 1);
    *ret = s;
    return 0;
}

void session_free(struct session **session)
{
    struct session *s = *session;
    if (!s)
        return;
    struct broker_shard *bs = s->home;
    *session = NULL;
    struct will *will = s->will;
    s->will = NULL;
    if (timer_is_started(&s->timer))
        shard_timer_stop(bs->shard, &s->timer);
    subscriptions_clear(&s->subscriptions, &space_of(s->account)->index, s->who);
    outbox_fini(&s->outbox, bs->broker->store);
    holdings_settle(s);
    pid_set_clear(&s->received);
    struct session **link = &bs->buckets[s->hash & bs->bucket_mask];
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    bs->session_count--;
    slot_give(bs, s);
    broker_count(bs, COUNT_SESSIONS, -1);
    struct account *account = s->account;
    uint64_t who = s->who;
    mem_free(MEM_SESSION, s);
    /* MQTT 5.0 3.1.2.5: the will goes when its delay is over or the session ends, whichever first.
     */
    if (will)
        will_publish(bs, account, who, &will);
}

static void start_timer(struct session *s)
{
    int64_t due = s->will_due_ms && (!s->expiry_due_ms || s->will_due_ms < s->expiry_due_ms)
                      ? s->will_due_ms
                      : s->expiry_due_ms;
    if (due)
        shard_timer_start(s->home->shard, &s->timer, due, 50);
}

/* What the client of a session that expires will never know. */
static void log_drops(const struct session *s)
{
    if (s->dropped || s->outbox.queue.count)
        log_info("mqtt session expired: client '%.*s': %llu messages dropped, %u never fetched",
                 SPAN_FMT(session_client_id(s)), (unsigned long long)s->dropped,
                 s->outbox.queue.count);
}

static void on_timer(struct timer *t)
{
    struct session *s = session_of_timer(t);
    int64_t now = shard_now_ms(s->home->shard);
    if (s->expiry_due_ms && s->expiry_due_ms <= now) {
        broker_count(s->home, COUNT_EXPIRED, 1);
        log_drops(s);
        session_free(&s);
        return;
    }
    if (s->will_due_ms && s->will_due_ms <= now) {
        struct will *will = s->will;
        s->will = NULL;
        s->will_due_ms = 0;
        will_publish(s->home, s->account, s->who, &will);
    }
    start_timer(s);
}

static void count_online(struct broker *b, int64_t delta)
{
    int64_t now = atomic_fetch_add_explicit(&b->online, delta, memory_order_relaxed) + delta;
    int64_t max = atomic_load_explicit(&b->online_max, memory_order_relaxed);
    while (now > max && !atomic_compare_exchange_weak_explicit(
                            &b->online_max, &max, now, memory_order_relaxed, memory_order_relaxed))
        continue;
}

void session_attach(struct session *s, struct client *c)
{
    s->client = c;
    count_online(s->home->broker, 1);
    /* A client that is back in time has no will published (MQTT 5.0 3.1.3.2.2). */
    will_free(&s->will);
    s->will_due_ms = s->expiry_due_ms = 0;
    if (timer_is_started(&s->timer))
        shard_timer_stop(s->home->shard, &s->timer);
    /* Sequentially consistent: share_join looks into the groups' queues after this (share.c). */
    atomic_store(&broker_slot(s->home, subscriber_slot(s->who))->is_online, true);
}

void session_detach(struct session *s, struct will *will)
{
    int64_t now = shard_now_ms(s->home->shard);
    s->client = NULL;
    count_online(s->home->broker, -1);
    atomic_store_explicit(&broker_slot(s->home, subscriber_slot(s->who))->is_online, false,
                          memory_order_relaxed);
    s->will = will;
    share_leave(s);
    holdings_settle(s);
    if (!session_is_persistent(s)) {
        session_free(&s);
        return;
    }
    if (s->expiry_s != SESSION_NEVER_EXPIRES)
        s->expiry_due_ms = now + (int64_t)s->expiry_s * 1000;
    if (will && will->delay_s == 0) {
        struct will *due = s->will;
        s->will = NULL;
        will_publish(s->home, s->account, s->who, &due);
    } else if (will) {
        s->will_due_ms = now + (int64_t)will->delay_s * 1000;
    }
    start_timer(s);
}
