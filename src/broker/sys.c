/* `$SYS`: figures at the moment of subscribing and then by a timer of the control shard, which
 * stops when the index has nobody left under `$SYS`. The tables say which topic shows what;
 * averages are kept as mosquitto keeps them: per minute, weighted so that what is older counts
 * exponentially less. They move on when somebody looks, so after a time without subscribers the
 * first values are the mean of that time. */
#include "broker/sys.h"

#include "base/hash.h"
#include "broker/route.h"

#include <math.h>
#include <stdio.h>

#define SLACK_MS 100
/* Over less than this a rate says nothing. */
#define SAMPLE_MIN_MS 1000

enum load {
    LOAD_MESSAGES_RECEIVED,
    LOAD_MESSAGES_SENT,
    LOAD_PUBLISH_DROPPED,
    LOAD_PUBLISH_RECEIVED,
    LOAD_PUBLISH_SENT,
    LOAD_BYTES_RECEIVED,
    LOAD_BYTES_SENT,
    LOAD_SOCKETS,
    LOAD_CONNECTIONS,
    LOAD_COUNT_
};

enum period {
    PERIOD_1_MIN,
    PERIOD_5_MIN,
    PERIOD_15_MIN,
    PERIOD_COUNT_
};

static const double period_s[PERIOD_COUNT_] = {60, 300, 900};

/* What the loads are made of. */
static const size_t load_sources[LOAD_COUNT_] = {
    [LOAD_MESSAGES_RECEIVED] = offsetof(struct broker_stats, packets_received),
    [LOAD_MESSAGES_SENT] = offsetof(struct broker_stats, packets_sent),
    [LOAD_PUBLISH_DROPPED] = offsetof(struct broker_stats, publishes_dropped),
    [LOAD_PUBLISH_RECEIVED] = offsetof(struct broker_stats, publishes_received),
    [LOAD_PUBLISH_SENT] = offsetof(struct broker_stats, publishes_sent),
    [LOAD_BYTES_RECEIVED] = offsetof(struct broker_stats, bytes_received),
    [LOAD_BYTES_SENT] = offsetof(struct broker_stats, bytes_sent),
    [LOAD_SOCKETS] = offsetof(struct broker_stats, connections_accepted),
    [LOAD_CONNECTIONS] = offsetof(struct broker_stats, connects),
};

/* All that is shown, as whole numbers, so that a change is a change of what is read. */
struct figures {
    struct broker_stats now;
    uint64_t uptime_s;
    uint64_t heap_bytes_max;                    /* the largest that was seen when looking */
    uint64_t loads[LOAD_COUNT_][PERIOD_COUNT_]; /* hundredths a minute */
};

enum form {
    FORM_NUMBER,
    FORM_SECONDS,
    FORM_HUNDREDTHS,
    FORM_VERSION
};

struct row {
    const char *topic;
    enum form form;
    size_t offset; /* in struct figures */
};

#define NOW(topic, member)                                                                         \
    {                                                                                              \
        "$SYS/broker/" topic, FORM_NUMBER, offsetof(struct figures, now.member)                    \
    }
#define LOAD(topic, load, suffix, period)                                                          \
    {                                                                                              \
        "$SYS/broker/load/" topic "/" suffix, FORM_HUNDREDTHS,                                     \
            offsetof(struct figures, loads[load][period])                                          \
    }
#define LOADS(topic, load)                                                                         \
    LOAD(topic, load, "1min", PERIOD_1_MIN), LOAD(topic, load, "5min", PERIOD_5_MIN),              \
        LOAD(topic, load, "15min", PERIOD_15_MIN)

static const struct row rows[] = {
    {"$SYS/broker/version", FORM_VERSION, 0},
    {"$SYS/broker/uptime", FORM_SECONDS, offsetof(struct figures, uptime_s)},
    NOW("clients/total", sessions),
    NOW("clients/connected", sessions_online),
    NOW("clients/active", sessions_online),
    NOW("clients/disconnected", sessions_offline),
    NOW("clients/inactive", sessions_offline),
    NOW("clients/maximum", sessions_online_max),
    NOW("clients/expired", sessions_expired),
    NOW("messages/received", packets_received),
    NOW("messages/sent", packets_sent),
    NOW("messages/stored", stored),
    NOW("publish/messages/received", publishes_received),
    NOW("publish/messages/sent", publishes_sent),
    NOW("publish/messages/dropped", publishes_dropped),
    NOW("publish/bytes/received", payload_bytes_received),
    NOW("publish/bytes/sent", payload_bytes_sent),
    NOW("bytes/received", bytes_received),
    NOW("bytes/sent", bytes_sent),
    NOW("subscriptions/count", subscriptions),
    NOW("shared_subscriptions/count", subscriptions_shared),
    NOW("retained messages/count", retained),
    NOW("store/messages/count", stored),
    NOW("store/messages/bytes", stored_bytes),
    NOW("heap/current", heap_bytes),
    {"$SYS/broker/heap/maximum", FORM_NUMBER, offsetof(struct figures, heap_bytes_max)},
    LOADS("messages/received", LOAD_MESSAGES_RECEIVED),
    LOADS("messages/sent", LOAD_MESSAGES_SENT),
    LOADS("publish/dropped", LOAD_PUBLISH_DROPPED),
    LOADS("publish/received", LOAD_PUBLISH_RECEIVED),
    LOADS("publish/sent", LOAD_PUBLISH_SENT),
    LOADS("bytes/received", LOAD_BYTES_RECEIVED),
    LOADS("bytes/sent", LOAD_BYTES_SENT),
    LOADS("sockets", LOAD_SOCKETS),
    LOADS("connections", LOAD_CONNECTIONS),
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* The control shard's, but for what sys_new set. */
struct sys {
    struct broker *broker;
    struct shard *control;
    struct timer timer;
    int64_t started_ms, sampled_ms;
    uint64_t counted[LOAD_COUNT_]; /* at the last sample */
    double loads[LOAD_COUNT_][PERIOD_COUNT_];
    struct figures figures;
    uint64_t shown[ROW_COUNT]; /* when the timer told last */
};

/* ---- looking ---- */

/* The load after `dt` seconds in which `n` happened: the old one fades, the new rate takes its
 * place. Any dt will do. */
static double average(double load, double period, double n, double dt)
{
    double fade = exp(-dt / period);
    return load * fade + n * 60 / dt * (1 - fade);
}

static void sample_loads(struct sys *sys, int64_t now_ms)
{
    double dt = (double)(now_ms - sys->sampled_ms) / 1000;
    sys->sampled_ms = now_ms;
    for (size_t i = 0; i < LOAD_COUNT_; i++) {
        uint64_t count =
            *(const uint64_t *)(const void *)((const char *)&sys->figures.now + load_sources[i]);
        for (size_t k = 0; k < PERIOD_COUNT_; k++) {
            sys->loads[i][k] =
                average(sys->loads[i][k], period_s[k], (double)(count - sys->counted[i]), dt);
            sys->figures.loads[i][k] = (uint64_t)llround(sys->loads[i][k] * 100);
        }
        sys->counted[i] = count;
    }
}

static void look(struct sys *sys)
{
    struct figures *f = &sys->figures;
    int64_t now_ms = shard_now_ms(sys->control);
    f->now = broker_stats(sys->broker);
    f->uptime_s = (uint64_t)(now_ms - sys->started_ms) / 1000;
    if (f->now.heap_bytes > f->heap_bytes_max)
        f->heap_bytes_max = f->now.heap_bytes;
    if (now_ms - sys->sampled_ms >= SAMPLE_MIN_MS)
        sample_loads(sys, now_ms);
}

static uint64_t value_of(const struct sys *sys, const struct row *row)
{
    if (row->form == FORM_VERSION)
        return 0;
    return *(const uint64_t *)(const void *)((const char *)&sys->figures + row->offset);
}

/* ---- telling ---- */

#define TEXT_MAX 80

static struct publication publication_for(const struct sys *sys, const struct row *row,
                                          char text[TEXT_MAX])
{
    unsigned long long value = value_of(sys, row);
    int n = 0;
    switch (row->form) {
    case FORM_NUMBER:
        n = snprintf(text, TEXT_MAX, "%llu", value);
        break;
    case FORM_SECONDS:
        n = snprintf(text, TEXT_MAX, "%llu seconds", value);
        break;
    case FORM_HUNDREDTHS:
        n = snprintf(text, TEXT_MAX, "%llu.%02llu", value / 100, value % 100);
        break;
    case FORM_VERSION:
        n = snprintf(text, TEXT_MAX, "%s", sys->broker->config.version);
        break;
    }
    return (struct publication){
        .topic = span_str(row->topic),
        .payload = span_of(text, (size_t)(n < TEXT_MAX ? n : TEXT_MAX - 1)),
        .born_us = shard_wall_us(sys->control),
    };
}

static void tell_changes(struct sys *sys)
{
    struct broker_shard *bs = broker_here(sys->broker);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        uint64_t value = value_of(sys, &rows[i]);
        if (value == sys->shown[i])
            continue;
        char text[TEXT_MAX];
        struct publication p = publication_for(sys, &rows[i], text);
        sys->shown[i] = value;
        (void)route_publication(bs, sys->broker->root, &p);
        publication_fini(&p);
    }
}

static void tell_one(struct sys *sys, struct span filter, uint64_t who, uint64_t options)
{
    struct broker_shard *bs = broker_here(sys->broker);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!topic_matches(filter, span_str(rows[i].topic)))
            continue;
        char text[TEXT_MAX];
        struct publication p = publication_for(sys, &rows[i], text);
        p.is_retained = true;
        route_to_session(bs, &p, who, options | SUBSCRIPTION_RETAIN_AS_PUBLISHED);
        publication_fini(&p);
    }
}

/* ---- when ---- */

static void start_timer(struct sys *sys)
{
    int64_t interval_ms = (int64_t)sys->broker->config.sys_interval_s * 1000;
    if (!timer_is_started(&sys->timer))
        shard_timer_start(sys->control, &sys->timer, shard_now_ms(sys->control) + interval_ms,
                          SLACK_MS);
}

/* The node is there as long as somebody is subscribed to it or below. */
static bool is_anyone_subscribed(const struct sys *sys)
{
    struct span name = SPAN_LIT("$SYS");
    return tree_child(sys->broker->root->index.tree.root, name, hash_bytes(name)) != NULL;
}

static void on_due(struct timer *t)
{
    struct sys *sys = (struct sys *)(void *)((char *)t - offsetof(struct sys, timer));
    if (!is_anyone_subscribed(sys))
        return;
    look(sys);
    tell_changes(sys);
    start_timer(sys);
}

/* A subscription, on its way to the control shard. */
struct sys_mail {
    struct mail mail;
    struct sys *sys;
    uint64_t who, options; /* who 0: nothing is sent at once */
    size_t filter_n;
    uint8_t filter[];
};

static void on_mail(struct mail *mail)
{
    struct sys_mail *m = (struct sys_mail *)mail;
    if (m->who) {
        look(m->sys);
        tell_one(m->sys, span_of(m->filter, m->filter_n), m->who, m->options);
    }
    start_timer(m->sys);
    mem_free(MEM_SESSION, m);
}

static void send_mail(struct sys *sys, uint64_t who, struct span filter, uint64_t options)
{
    struct sys_mail *m = mem_alloc(MEM_SESSION, sizeof(*m) + filter.n);
    if (!m)
        return;
    m->mail.deliver = on_mail;
    m->sys = sys;
    m->who = who;
    m->options = options;
    m->filter_n = filter.n;
    if (filter.n)
        memcpy(m->filter, filter.p, filter.n);
    shard_send(sys->control, &m->mail);
}

bool sys_covers(const struct session *s, struct span filter)
{
    const struct broker *b = s->home->broker;
    return b->sys && s->account == b->root->account && span_starts(filter, SPAN_LIT("$SYS/"));
}

void sys_send(const struct session *s, struct span filter, uint64_t options)
{
    send_mail(s->home->broker->sys, s->who, filter, options);
}

void sys_watch(struct broker *b)
{
    send_mail(b->sys, 0, (struct span){0}, 0);
}

int sys_new(struct broker *b, struct sys **ret)
{
    *ret = NULL;
    if (!b->config.sys_interval_s)
        return 0;
    struct sys *sys = mem_zalloc(MEM_SESSION, sizeof(*sys));
    if (!sys)
        return ERR_NO_MEMORY;
    sys->broker = b;
    sys->control = shard_control(b->shards);
    sys->timer.on_due = on_due;
    sys->started_ms = sys->sampled_ms = shard_now_ms(sys->control);
    *ret = sys;
    return 0;
}

void sys_free(struct sys **sys)
{
    if (*sys)
        shard_timer_stop((*sys)->control, &(*sys)->timer);
    mem_free(MEM_SESSION, *sys);
    *sys = NULL;
}
