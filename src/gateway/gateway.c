/* The control side of the gateway: the directory of open channels, and the operations that the hub
 * is given. Sockets are bound here, at once, so that the caller is told what is wrong; the rest is
 * ordered from the workers. */
#include "gateway/gateway_internal.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>

const struct gateway_config gateway_config_default = {
    .listen_host = "0.0.0.0",
    .port_low = 12000,
    .port_high = 12999,
    .connections_max = 20000,
    .login_timeout_s = 60,
};

/* An open channel. */
struct entry {
    struct table_node node;       /* in the directory, by id */
    struct hub_channel *snapshot; /* a reference */
    struct sockets *sockets;      /* a reference */
    struct figures *figures;      /* a reference */
};

static struct entry *find(const struct gateway *g, uint64_t id)
{
    struct table_node *node = table_first(&g->directory, hash_mix(0, id));
    while (node && ((struct entry *)node)->snapshot->id != id)
        node = table_next(node);
    return (struct entry *)node;
}

static struct worker *worker_of(struct gateway *g, uint64_t channel_id)
{
    return &g->workers[channel_id % g->worker_count];
}

static struct hub_channel *channel_ref(struct hub_channel *channel)
{
    ref_take(&channel->ref);
    return channel;
}

static struct sockets *sockets_ref(struct sockets *s)
{
    ref_take(&s->ref);
    return s;
}

static struct figures *figures_ref(struct figures *figures)
{
    ref_take(&figures->ref);
    return figures;
}

static void figures_free(struct ref *ref)
{
    mem_free(MEM_GATEWAY, (char *)ref - offsetof(struct figures, ref));
}

/* ---- the directory ---- */

static int directory_add(struct gateway *g, struct entry *e)
{
    pthread_mutex_lock(&g->lock);
    int err = table_add(&g->directory, &e->node, hash_mix(0, e->snapshot->id));
    pthread_mutex_unlock(&g->lock);
    return err;
}

static void entry_free(struct entry *e)
{
    ref_drop(&e->snapshot->ref);
    if (e->figures)
        ref_drop(&e->figures->ref);
    mem_free(MEM_GATEWAY, e);
}

static struct entry *entry_new(struct hub_channel *channel)
{
    struct entry *e = mem_zalloc(MEM_GATEWAY, sizeof(*e));
    if (!e)
        return NULL;
    e->snapshot = channel_ref(channel);
    e->figures = mem_zalloc(MEM_GATEWAY, sizeof(*e->figures));
    if (!e->figures) {
        entry_free(e);
        return NULL;
    }
    ref_init(&e->figures->ref, figures_free);
    return e;
}

static void remove_entry(struct gateway *g, struct entry *e)
{
    pthread_mutex_lock(&g->lock);
    table_remove(&g->directory, &e->node);
    pthread_mutex_unlock(&g->lock);
    sockets_give_back(&g->ports, e->sockets);
    entry_free(e);
}

/* ---- channels ---- */

/* One reference on the sockets is the directory's, made by sockets_bind; one the worker's. */
static int start(struct gateway *g, struct entry *e)
{
    int err = directory_add(g, e);
    if (err) {
        sockets_give_back(&g->ports, e->sockets);
        sockets_close(sockets_ref(e->sockets));
        entry_free(e);
        return err;
    }
    const struct order order = {
        .kind = ORDER_CHANNEL_START,
        .channel = channel_ref(e->snapshot),
        .sockets = sockets_ref(e->sockets),
        .figures = figures_ref(e->figures),
    };
    err = worker_send(worker_of(g, e->snapshot->id), &order);
    if (err)
        remove_entry(g, e);
    return err;
}

/* `port`: the one to bind, 0 for any of the range. */
static int open_on(struct gateway *g, struct hub_channel *channel, uint16_t port,
                   uint16_t *ret_port)
{
    if (g->is_stopping)
        return ERR_CHANNEL_STOPPING;
    if (find(g, channel->id))
        return ERR_CHANNEL_EXISTS;
    struct entry *e = entry_new(channel);
    if (!e)
        return ERR_NO_MEMORY;
    int err = sockets_bind(&g->ports, channel->protocol, port, &e->sockets);
    if (err) {
        entry_free(e);
        return err;
    }
    port = e->sockets->port;
    err = start(g, e);
    if (!err)
        *ret_port = port;
    return err;
}

static int channel_open(void *gateway, struct hub_channel *channel, uint16_t *ret_port)
{
    return open_on(gateway, channel, channel->port, ret_port);
}

static void shut(struct gateway *g, uint64_t id, int err)
{
    struct entry *e = find(g, id);
    if (!e)
        return;
    const struct order order = {.kind = ORDER_CHANNEL_SHUT, .id = id, .err = err};
    if (worker_send(worker_of(g, id), &order)) {
        log_error("channel not closed: %llu: %s", (unsigned long long)id, err_text(ERR_NO_MEMORY));
        return;
    }
    remove_entry(g, e);
}

static void channel_close(void *gateway, uint64_t channel_id)
{
    shut(gateway, channel_id, ERR_CHANNEL_DELETED);
}

static bool options_differ(const struct protocol_options *a, const struct protocol_options *b)
{
    return a->is_lenient != b->is_lenient || a->timezone_s != b->timezone_s;
}

/* Sends the new snapshot; `fresh` are new sockets (a reference for the directory), or NULL. */
static int update(struct gateway *g, struct entry *e, struct hub_channel *channel,
                  struct sockets *fresh)
{
    const struct hub_channel *old = e->snapshot;
    const struct order order = {
        .kind = ORDER_CHANNEL_UPDATE,
        .id = channel->id,
        .channel = channel_ref(channel),
        .sockets = fresh ? sockets_ref(fresh) : NULL,
        .must_drop = fresh || options_differ(&old->options, &channel->options),
    };
    int err = worker_send(worker_of(g, channel->id), &order);
    if (err) {
        if (fresh)
            sockets_give_back(&g->ports, fresh);
        return err;
    }
    if (fresh) {
        sockets_give_back(&g->ports, e->sockets);
        e->sockets = fresh;
    }
    struct hub_channel *previous = e->snapshot;
    pthread_mutex_lock(&g->lock);
    e->snapshot = channel_ref(channel);
    pthread_mutex_unlock(&g->lock);
    ref_drop(&previous->ref);
    return 0;
}

static int channel_change(void *gateway, struct hub_channel *channel, uint16_t *ret_port)
{
    struct gateway *g = gateway;
    struct entry *e = find(g, channel->id);
    if (!e)
        return channel->is_enabled ? channel_open(g, channel, ret_port) : ERR_CHANNEL_NOT_OPEN;
    uint16_t port = channel->port ? channel->port : e->sockets->port;
    *ret_port = e->sockets->port;
    if (!channel->is_enabled) {
        shut(g, channel->id, ERR_CHANNEL_DISABLED);
        return 0;
    }
    if (e->snapshot->protocol != channel->protocol) {
        /* Other transports perhaps, on the same port perhaps: it has to be given back first. */
        shut(g, channel->id, ERR_CHANNEL_CHANGED);
        return open_on(g, channel, port, ret_port);
    }
    struct sockets *fresh = NULL;
    int err =
        port != e->sockets->port ? sockets_bind(&g->ports, channel->protocol, port, &fresh) : 0;
    if (!err)
        err = update(g, e, channel, fresh);
    if (!err)
        *ret_port = e->sockets->port;
    return err;
}

/* ---- devices ---- */

static void tell_all(struct gateway *g, const struct order *order)
{
    for (unsigned i = 0; i < g->worker_count; i++) {
        if (order->device)
            ref_take(&order->device->ref);
        if (worker_send(&g->workers[i], order))
            log_error("device not told to worker %u: %llu: %s", i, (unsigned long long)order->id,
                      err_text(ERR_NO_MEMORY));
    }
}

static void device_set(void *gateway, struct hub_device *device)
{
    tell_all(gateway,
             &(struct order){.kind = ORDER_DEVICE_SET, .id = device->id, .device = device});
}

static void device_unset(void *gateway, uint64_t device_id)
{
    tell_all(gateway, &(struct order){.kind = ORDER_DEVICE_UNSET, .id = device_id});
}

const struct hub_gateway gateway_operations = {
    .channel_open = channel_open,
    .channel_change = channel_change,
    .channel_close = channel_close,
    .device_set = device_set,
    .device_unset = device_unset,
};

/* ---- figures ---- */

/* A reference on the channel's figures, or NULL. */
static struct figures *take_figures(struct gateway *g, uint64_t channel_id)
{
    pthread_mutex_lock(&g->lock);
    struct entry *e = find(g, channel_id);
    struct figures *figures = e ? figures_ref(e->figures) : NULL;
    pthread_mutex_unlock(&g->lock);
    return figures;
}

bool gateway_channel_stats(struct gateway *gateway, uint64_t channel_id,
                           struct gateway_channel_stats *ret)
{
    struct figures *f = take_figures(gateway, channel_id);
    if (!f)
        return false;
    *ret = (struct gateway_channel_stats){
        .connections = figure_read(&f->connections),
        .messages = figure_read(&f->messages),
        .frames_refused = figure_read(&f->frames_refused),
        .bytes_in = figure_read(&f->bytes_in),
        .bytes_out = figure_read(&f->bytes_out),
    };
    ref_drop(&f->ref);
    return true;
}

uint64_t gateway_channel_refusals(struct gateway *gateway, uint64_t channel_id, int err)
{
    struct figures *f =
        err < 0 && err > -(int)ERR_INDEX_COUNT_ ? take_figures(gateway, channel_id) : NULL;
    if (!f)
        return 0;
    uint64_t count = atomic_load_explicit(&f->refused[-err], memory_order_relaxed);
    ref_drop(&f->ref);
    return count;
}

/* ---- begin and end ---- */

int gateway_new(struct shard_set *shards, struct broker *broker,
                const struct gateway_config *config, struct gateway **ret)
{
    unsigned count = shard_set_workers(shards);
    struct gateway *g = mem_zalloc(MEM_GATEWAY, sizeof(*g) + count * sizeof(g->workers[0]));
    if (!g)
        return ERR_NO_MEMORY;
    g->broker = broker;
    g->config = *config;
    g->control = shard_control(shards);
    g->worker_count = count;
    g->ports.low = config->port_low;
    g->ports.high = config->port_high;
    pthread_mutex_init(&g->lock, NULL);
    int err = net_address_parse(SPAN_LIT("0"), config->listen_host, &g->ports.address);
    for (unsigned i = 0; !err && i < count; i++)
        err = worker_init(&g->workers[i], g, shard_at(shards, i));
    if (err) {
        gateway_free(&g);
        return err;
    }
    *ret = g;
    return 0;
}

static void free_node(void *context, struct table_node *node)
{
    struct gateway *g = context;
    struct entry *e = (struct entry *)node;
    table_remove(&g->directory, node);
    sockets_give_back(&g->ports, e->sockets);
    entry_free(e);
}

void gateway_free(struct gateway **gateway)
{
    struct gateway *g = *gateway;
    if (!g)
        return;
    *gateway = NULL;
    table_each(&g->directory, free_node, g);
    table_fini(&g->directory);
    ports_fini(&g->ports);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_fini(&g->workers[i]);
    pthread_mutex_destroy(&g->lock);
    mem_free(MEM_GATEWAY, g);
}

void gateway_worker_stopped(struct gateway *gateway)
{
    assert(gateway->running > 0);
    if (--gateway->running == 0)
        gateway->on_stopped(gateway->on_stopped_ctx);
}

void gateway_stop(struct gateway *gateway, void (*done)(void *ctx), void *ctx)
{
    assert(!gateway->is_stopping);
    gateway->is_stopping = true;
    gateway->on_stopped = done;
    gateway->on_stopped_ctx = ctx;
    gateway->running = gateway->worker_count;
    for (unsigned i = 0; i < gateway->worker_count; i++)
        worker_stop(&gateway->workers[i]);
}
