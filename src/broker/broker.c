/* The broker over all shards: set-up, publications of the hub, shutting down, figures. */
#include "broker/broker.h"

#include "base/hash.h"
#include "base/log.h"
#include "broker/client.h"
#include "broker/route.h"
#include "broker/sys.h"

#include <stdio.h>
#include <sys/random.h>

#define CONNECT_BUDGET (1024u * 1024u)
#define PROPERTIES_MAX (1024u * 1024u)
#define STOP_WAIT_MS 2000

struct broker_shard *broker_here(struct broker *b)
{
    return b->state[shard_index(shard_self())];
}

static int space_new(struct broker *b, struct account *account, struct space **ret)
{
    struct space *s = mem_zalloc(MEM_INDEX, sizeof(*s));
    if (!s)
        return ERR_NO_MEMORY;
    s->account = account;
    int n = snprintf(s->cid_digits, sizeof(s->cid_digits), "%llu", (unsigned long long)account->id);
    s->cid_text = span_of(s->cid_digits, (size_t)n);
    holdings_init(&s->holdings, b->config.account_bytes_max, ERR_BROKER_ACCOUNT_BYTES,
                  &b->holdings);
    int err = index_init(&s->index);
    if (err == 0)
        err = retained_init(&s->retained, b->config.retained_max);
    *ret = s;
    return err;
}

static int state_new(struct broker *b, unsigned index)
{
    struct broker_shard *bs = mem_zalloc(MEM_SESSION, sizeof(*bs));
    if (!bs)
        return ERR_NO_MEMORY;
    b->state[index] = bs;
    bs->broker = b;
    bs->shard = shard_at(b->shards, index);
    bs->index = index;
    bs->connect_budget = CONNECT_BUDGET;
    bs->properties = buf_make(MEM_SESSION, PROPERTIES_MAX);
    bs->remote = mem_zalloc(MEM_SESSION, b->workers * sizeof(bs->remote[0]));
    if (getrandom(&bs->random, sizeof(bs->random), 0) < 0)
        bs->random = 0;
    bs->random |= 1; /* xorshift must not start at 0 */
    return bs->remote ? 0 : ERR_NO_MEMORY;
}

int broker_new(struct shard_set *shards, struct accounts *accounts, struct store *store,
               const struct broker_config *config, struct broker **ret)
{
    unsigned workers = shard_set_workers(shards);
    struct broker *b = mem_zalloc(MEM_SESSION, sizeof(*b) + (workers + 1) * sizeof(b->state[0]));
    if (!b)
        return ERR_NO_MEMORY;
    b->shards = shards;
    b->accounts = accounts;
    b->store = store;
    b->config = *config;
    b->workers = workers;
    holdings_init(&b->holdings, config->total_bytes_max, ERR_BROKER_TOTAL_BYTES, NULL);
    b->packet_rate = rate_make(config->packet_rate, config->packet_rate);
    int err = admission_new(config->connect_rate, config->connect_burst, &b->admission);
    if (err == 0)
        err = space_new(b, accounts_root(accounts), &b->root);
    accounts_root(accounts)->broker_space = b->root;
    for (unsigned i = 0; err == 0 && i <= workers; i++)
        err = state_new(b, i);
    if (err == 0)
        err = sys_new(b, &b->sys);
    if (err < 0)
        broker_free(&b);
    *ret = b;
    return err;
}

static void state_free(struct broker_shard *bs)
{
    if (!bs)
        return;
    for (uint32_t i = 0; i < bs->slot_count; i++) {
        struct session *s = broker_slot(bs, i)->session;
        if (!s)
            continue;
        /* The hub is going down: nobody is left to hear a will. */
        will_free(&s->will);
        session_free(&s);
    }
    for (uint32_t i = 0; i < SLOT_SEGMENTS_MAX && bs->segments[i]; i++)
        mem_free(MEM_SESSION, bs->segments[i]);
    for (unsigned i = 0; bs->remote && i < bs->broker->workers; i++)
        mem_free(MEM_SESSION, bs->remote[i].entries);
    mem_free(MEM_SESSION, bs->remote);
    mem_free(MEM_SESSION, bs->buckets);
    mem_free(MEM_SESSION, bs->gathered);
    index_match_fini(&bs->match);
    buf_fini(&bs->properties);
    mem_free(MEM_SESSION, bs->stopped);
    mem_free(MEM_SESSION, bs);
}

void broker_free(struct broker **broker)
{
    struct broker *b = *broker;
    if (!b)
        return;
    *broker = NULL;
    rcu_join(); /* sessions that are left leave the index */
    for (unsigned i = 0; i <= b->workers; i++)
        state_free(b->state[i]);
    rcu_leave();
    rcu_drain();
    if (b->root) {
        index_fini(&b->root->index);
        retained_fini(&b->root->retained);
        b->root->account->broker_space = NULL;
        mem_free(MEM_INDEX, b->root);
    }
    admission_free(&b->admission);
    sys_free(&b->sys);
    mem_free(MEM_SESSION, b);
}

bool broker_admits(void *broker, const struct net_address *peer)
{
    return client_admits(broker_here(broker), peer);
}

void broker_accept(void *broker, struct conn *c)
{
    /* Behind a proxy the address comes with its header, and is judged with the first data. */
    bool is_admitted = conn_transport(c) != &transport_proxy;
    if (client_open(broker_here(broker), c, is_admitted) && conn_start(c) < 0)
        conn_close(c, ERR_NO_MEMORY);
}

void broker_adopt(void *broker, struct conn *c)
{
    (void)client_open(broker_here(broker), c, false);
}

void broker_serve_requests(struct broker *broker,
                           void (*serve)(void *context, const struct broker_request *request),
                           void *context)
{
    broker->serve = serve;
    broker->serve_context = context;
}

int broker_publish(struct broker *broker, struct account *account,
                   const struct broker_publication *publication)
{
    struct broker_shard *bs = broker_here(broker);
    struct space *space = space_of(account);
    char stamp[40];
    int n = snprintf(stamp, sizeof(stamp), "%lld.%06lld",
                     (long long)(publication->timestamp_us / 1000000),
                     (long long)(publication->timestamp_us % 1000000));
    buf_clear(&bs->properties);
    if (publication->correlation.n)
        msg_put_correlation(&bs->properties, publication->correlation);
    msg_put_user_property(&bs->properties, SPAN_LIT("timestamp"), span_of(stamp, (size_t)n));
    msg_put_user_property(&bs->properties, SPAN_LIT("cid"), space->cid_text);
    if (bs->properties.is_failed)
        return ERR_NO_MEMORY;
    struct publication p = {
        .topic = publication->topic,
        .properties = buf_span(&bs->properties),
        .payload = publication->payload,
        .qos = publication->qos,
        .is_retained = publication->is_retained,
        .born_us = publication->timestamp_us,
    };
    (void)route_publication(bs, space, &p);
    publication_fini(&p);
    return 0;
}

/* ---- shutting down ---- */

struct stop {
    struct mail mail; /* to a shard, and back to the control shard */
    struct stop_all *all;
    struct broker_shard *bs;
};

struct stop_all {
    unsigned waiting;
    void (*done)(void *ctx);
    void *ctx;
};

static void on_stopped(struct mail *mail)
{
    struct stop *s = (struct stop *)mail;
    struct stop_all *all = s->all;
    mem_free(MEM_SESSION, s);
    if (--all->waiting)
        return;
    all->done(all->ctx);
    mem_free(MEM_SESSION, all);
}

/* Clients that do not go are cut off. */
static void on_stop_timeout(struct timer *t)
{
    struct broker_shard *bs =
        (struct broker_shard *)((char *)t - offsetof(struct broker_shard, stop_timer));
    while (bs->clients)
        conn_close(bs->clients->conn, ERR_BROKER_SHUTDOWN);
}

static void on_stop(struct mail *mail)
{
    struct stop *s = (struct stop *)mail;
    struct broker_shard *bs = s->bs;
    bs->is_stopping = true;
    s->mail.deliver = on_stopped;
    if (!bs->clients) {
        shard_send(shard_control(bs->broker->shards), &s->mail);
        return;
    }
    bs->stopped = &s->mail;
    bs->stop_timer.on_due = on_stop_timeout;
    shard_timer_start(bs->shard, &bs->stop_timer, shard_now_ms(bs->shard) + STOP_WAIT_MS, 0);
    for (struct client *c = bs->clients, *next; c; c = next) {
        next = c->next;
        client_give_up(c, ERR_BROKER_SHUTDOWN);
    }
}

void broker_stop(struct broker *broker, void (*done)(void *ctx), void *ctx)
{
    struct stop_all *all = mem_zalloc(MEM_SESSION, sizeof(*all));
    if (!all) {
        done(ctx);
        return;
    }
    all->done = done;
    all->ctx = ctx;
    all->waiting = 1;
    for (unsigned i = 0; i < broker->workers; i++) {
        struct stop *s = mem_zalloc(MEM_SESSION, sizeof(*s));
        if (!s)
            continue;
        s->mail.deliver = on_stop;
        s->all = all;
        s->bs = broker->state[i];
        all->waiting++;
        shard_send(shard_at(broker->shards, i), &s->mail);
    }
    if (--all->waiting == 0) {
        done(ctx);
        mem_free(MEM_SESSION, all);
    }
}
