/* A running channel on its owner shard: its sockets, its connections, its idents. The control shard
 * starts, updates and shuts it by mail (gateway.c). Knows nothing of frames. */
#include "gateway/gateway_internal.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

static struct channel *of_node(struct table_node *node)
{
    return (struct channel *)((char *)node - offsetof(struct channel, by_id));
}

struct channel *channel_find(struct worker *w, uint64_t id)
{
    struct table_node *node = table_first(&w->channels, hash_mix(0, id));
    while (node && of_node(node)->snapshot->id != id)
        node = table_next(node);
    return node ? of_node(node) : NULL;
}

static void log_failure(const struct hub_channel *snapshot, int err)
{
    log_error("channel not started: %llu \"%s\": %s", (unsigned long long)snapshot->id,
              snapshot->name, err_text(err));
}

/* Opens the sockets to the world; they are the channel's from here. */
static void listen_on(struct channel *ch, struct sockets *sockets)
{
    ch->sockets = sockets;
    const struct listener_options tcp = {
        .transport = &transport_tcp,
        .on_accept = connection_accept,
        .owner = ch,
    };
    int err = 0;
    if (sockets->tcp_fd >= 0)
        err = listener_new(sockets->tcp_fd, &tcp, &ch->listener);
    if (!err && sockets->udp_fd >= 0)
        err = udp_new(sockets->udp_fd, datagram_receive, ch, &ch->udp);
    if (err)
        log_failure(ch->snapshot, err);
}

static void stop_listening(struct channel *ch)
{
    listener_free(&ch->listener);
    udp_free(&ch->udp);
    if (ch->sockets)
        sockets_close(ch->sockets);
    ch->sockets = NULL;
}

void channel_start(struct worker *w, struct hub_channel *snapshot, struct sockets *sockets,
                   struct figures *figures)
{
    struct channel *ch = mem_zalloc(MEM_GATEWAY, sizeof(*ch));
    int err = ch ? table_add(&w->channels, &ch->by_id, hash_mix(0, snapshot->id)) : ERR_NO_MEMORY;
    if (err) {
        log_failure(snapshot, err);
        sockets_close(sockets);
        mem_free(MEM_GATEWAY, ch);
        return;
    }
    ch->worker = w;
    ch->snapshot = snapshot;
    ref_take(&snapshot->ref);
    ch->figures = figures;
    ref_take(&figures->ref);
    listen_on(ch, sockets);
}

static void close_connections(struct channel *ch, int err, bool is_flushed)
{
    struct connection *next;
    for (struct connection *con = ch->connections; con; con = next) {
        next = connection_next(con);
        if (is_flushed)
            connection_close_flushed(con, err);
        else
            connection_close(con, err);
    }
}

void channel_update(struct channel *ch, struct hub_channel *snapshot, struct sockets *sockets,
                    bool must_drop)
{
    if (must_drop)
        close_connections(ch, ERR_CHANNEL_CHANGED, false);
    ref_take(&snapshot->ref);
    ref_drop(&ch->snapshot->ref);
    ch->snapshot = snapshot;
    if (!sockets)
        return;
    stop_listening(ch);
    listen_on(ch, sockets);
}

void channel_shut(struct channel *ch, int err, bool is_flushed)
{
    stop_listening(ch);
    close_connections(ch, err, is_flushed);
}

void channel_free(struct channel *ch)
{
    table_remove(&ch->worker->channels, &ch->by_id);
    table_fini(&ch->idents);
    ref_drop(&ch->snapshot->ref);
    ref_drop(&ch->figures->ref);
    mem_free(MEM_GATEWAY, ch);
}
