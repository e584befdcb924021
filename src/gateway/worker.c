/* A worker shard's part of the gateway: carries out what the control shard orders, and ends. */
#include "gateway/gateway_internal.h"

#include "base/log.h"
#include "base/mem.h"

/* Last acknowledgements may take this long to go out when the hub stops. */
#define STOP_FLUSH_MS 1000

/* ---- orders ---- */

static void start_channel(struct worker *w, struct order *o)
{
    channel_start(w, o->channel, o->sockets, o->figures);
}

static void update_channel(struct worker *w, struct order *o)
{
    struct channel *ch = channel_find(w, o->id);
    if (ch)
        channel_update(ch, o->channel, o->sockets, o->must_drop);
    else if (o->sockets)
        sockets_close(o->sockets);
}

static void shut_channel(struct worker *w, struct order *o)
{
    struct channel *ch = channel_find(w, o->id);
    if (!ch)
        return;
    channel_shut(ch, o->err, false);
    channel_free(ch);
}

/* Closes the connection of the order's device on one channel. */
static void drop_disabled(void *context, struct table_node *node)
{
    const struct hub_device *device = ((struct order *)context)->device;
    struct channel *ch = (struct channel *)((char *)node - offsetof(struct channel, by_id));
    const struct hub_channel *snapshot = ch->snapshot;
    if (snapshot->account != device->account)
        return;
    if (device->protocol_id && device->protocol_id != snapshot->protocol->id)
        return;
    struct connection *con = connection_by_ident(ch, span_str(device->ident));
    if (con)
        connection_close(con, ERR_CHANNEL_DEVICE_DISABLED);
}

static void set_device(struct worker *w, struct order *o)
{
    int err = devices_set(&w->devices, o->device);
    if (err)
        log_error("device not known to the gateway: %llu: %s", (unsigned long long)o->id,
                  err_text(err));
    if (!o->device->is_enabled)
        table_each(&w->channels, drop_disabled, o);
}

static void unset_device(struct worker *w, struct order *o)
{
    devices_unset(&w->devices, o->id);
}

static void (*const runs[])(struct worker *w, struct order *o) = {
    [ORDER_CHANNEL_START] = start_channel, [ORDER_CHANNEL_UPDATE] = update_channel,
    [ORDER_CHANNEL_SHUT] = shut_channel,   [ORDER_DEVICE_SET] = set_device,
    [ORDER_DEVICE_UNSET] = unset_device,
};

static void drop_references(const struct order *o)
{
    if (o->channel)
        ref_drop(&o->channel->ref);
    if (o->figures)
        ref_drop(&o->figures->ref);
    if (o->device)
        ref_drop(&o->device->ref);
}

static void deliver(struct mail *m)
{
    struct order *o = (struct order *)m;
    if (!o->worker->is_stopping)
        runs[o->kind](o->worker, o);
    else if (o->sockets)
        sockets_close(o->sockets);
    drop_references(o);
    mem_free(MEM_GATEWAY, o);
}

int worker_send(struct worker *w, const struct order *order)
{
    struct order *o = mem_alloc(MEM_GATEWAY, sizeof(*o));
    if (!o) {
        drop_references(order);
        if (order->sockets)
            sockets_close(order->sockets);
        return ERR_NO_MEMORY;
    }
    *o = *order;
    o->worker = w;
    o->mail.deliver = deliver;
    shard_send(w->shard, &o->mail);
    return 0;
}

/* ---- the end ---- */

static void free_node(void *context, struct table_node *node)
{
    (void)context;
    channel_free((struct channel *)((char *)node - offsetof(struct channel, by_id)));
}

static void tell_stopped(struct mail *m)
{
    struct worker *w = (struct worker *)((char *)m - offsetof(struct worker, stopped_mail));
    gateway_worker_stopped(w->gateway);
}

static void finish(struct task *t)
{
    struct worker *w = (struct worker *)((char *)t - offsetof(struct worker, stop_task));
    shard_timer_stop(w->shard, &w->stop_timer);
    table_each(&w->channels, free_node, NULL);
    w->stopped_mail.deliver = tell_stopped;
    shard_send(w->gateway->control, &w->stopped_mail);
}

void worker_check_stopped(struct worker *w)
{
    /* Deferred: the caller may be walking over the channels that finish() frees. */
    if (w->is_stopping && w->connection_count == 0)
        shard_defer(w->shard, &w->stop_task);
}

static void shut_node(void *context, struct table_node *node)
{
    bool is_flushed = *(bool *)context;
    struct channel *ch = (struct channel *)((char *)node - offsetof(struct channel, by_id));
    channel_shut(ch, ERR_CHANNEL_STOPPING, is_flushed);
}

static void shut_all(struct worker *w, bool is_flushed)
{
    table_each(&w->channels, shut_node, &is_flushed);
}

static void on_stop_due(struct timer *t)
{
    shut_all((struct worker *)((char *)t - offsetof(struct worker, stop_timer)), false);
}

static void run_stop(struct mail *m)
{
    struct worker *w = (struct worker *)((char *)m - offsetof(struct worker, stop_mail));
    shut_all(w, true);
    w->is_stopping = true;
    shard_timer_start(w->shard, &w->stop_timer, shard_now_ms(w->shard) + STOP_FLUSH_MS, 0);
    worker_check_stopped(w);
}

void worker_stop(struct worker *w)
{
    w->stop_mail.deliver = run_stop;
    shard_send(w->shard, &w->stop_mail);
}

/* ---- begin ---- */

int worker_init(struct worker *w, struct gateway *gateway, struct shard *shard)
{
    size_t count, state_max = 1;
    const struct protocol *const *list = protocol_list(&count);
    for (size_t i = 0; i < count; i++)
        state_max = list[i]->state_size > state_max ? list[i]->state_size : state_max;
    w->gateway = gateway;
    w->shard = shard;
    w->stop_timer.on_due = on_stop_due;
    w->stop_task.run = finish;
    w->arena = arena_make(MEM_GATEWAY, FRAME_ARENA_BYTES);
    w->scratch = buf_make(MEM_GATEWAY, PUBLISH_BYTES);
    protocol_result_init(&w->result, &w->arena);
    w->spare_state = mem_zalloc(MEM_GATEWAY, state_max);
    return w->spare_state ? 0 : ERR_NO_MEMORY;
}

void worker_fini(struct worker *w)
{
    if (!w->gateway)
        return;
    devices_fini(&w->devices);
    table_fini(&w->channels);
    protocol_result_fini(&w->result);
    arena_fini(&w->arena);
    buf_fini(&w->scratch);
    mem_free(MEM_GATEWAY, w->spare_state);
}
