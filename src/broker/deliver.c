/* Delivery: the last steps of a publication's way. */
#include "broker/deliver.h"

#include "broker/branch.h"
#include "broker/client.h"

/* Payloads from here on are not copied into the output but shared. */
#define SHARE_FROM_BYTES 2048u
/* What an alias adds to a packet at most: its property, and longer lengths for it. */
#define ALIAS_BYTES 5u

static void drop(struct session *s, int err)
{
    (void)err_raise(err);
    s->dropped++;
    broker_count(s->home, COUNT_DROPPED, 1);
}

/* Properties for a v5 receiver: what is forwarded, the expiry that is left, an alias. */
static void put_properties(struct client *c, const struct publication *p, struct mqtt_publish *out)
{
    out->encoded = p->properties;
    if (p->expires_ms) {
        int64_t left_ms = p->expires_ms - shard_now_ms(c->bs->shard);
        uint32_t left_s = left_ms > 0 ? (uint32_t)((left_ms + 999) / 1000) : 0;
        /* The publisher's shard may be a turn ahead of this one's clock. */
        if (left_s > p->expiry_s)
            left_s = p->expiry_s;
        /* MQTT 5.0 3.3.2.3.3: what is left. In the platform's topics as flespi has it: the whole
         * interval, which counts from the user property `timestamp`. */
        bool is_platforms = span_starts(p->topic, SPAN_LIT("flespi/"));
        out->properties.present |= 1ull << MQTT_PROP_MESSAGE_EXPIRY;
        out->properties.message_expiry = is_platforms ? p->expiry_s : left_s;
        out->has_properties = true;
    }
}

static void put_alias(struct client *c, const struct publication *p, struct mqtt_publish *out)
{
    bool is_new;
    uint16_t alias = aliases_out_get(c->aliases_out, p->topic, &is_new);
    if (!alias)
        return;
    out->properties.present |= 1ull << MQTT_PROP_TOPIC_ALIAS;
    out->properties.topic_alias = alias;
    out->has_properties = true;
    if (!is_new)
        out->topic = (struct span){p->topic.p, 0};
}

/* `size` bytes of the packet, without its payload when `is_head`. False out of memory. */
static bool write_publish(struct client *c, const struct mqtt_publish *out,
                          const struct delivery *d, size_t size, bool is_head)
{
    size_t (*encode)(const struct mqtt_publish *, enum mqtt_version, const uint32_t *, size_t,
                     uint8_t *) = is_head ? mqtt_encode_publish_head : mqtt_encode_publish;
    if (size <= CONN_RESERVE_MAX) {
        uint8_t *to = client_reserve(c, size);
        if (to)
            client_sent(c, encode(out, c->version, d->ids, d->id_count, to));
        return to != NULL;
    }
    /* A long topic or very long properties: rare, so it may cost a copy. */
    struct buf whole = buf_make(MEM_NET, MQTT_PACKET_MAX);
    uint8_t *to = buf_reserve(&whole, size);
    if (to) {
        whole.n = encode(out, c->version, d->ids, d->id_count, to);
        client_write(c, buf_span(&whole));
    }
    buf_fini(&whole);
    return to != NULL;
}

/* May `size` bytes more of QoS 0 be written? When too much waits for everyone together, those go
 * without who are behind: what others get is out by the end of the turn. */
static int check_output(const struct client *c, size_t size)
{
    size_t waiting = conn_output_bytes(c->conn);
    if (waiting + size > c->bs->broker->config.output_bytes_max)
        return ERR_BROKER_OUTPUT_LIMIT;
    return waiting >= HOLDINGS_FROM ? holdings_check(c->session, size) : 0;
}

/* Writes the packet; false when the client may not get it: it is larger than it takes, or too much
 * output waits (QoS 0 only). */
static bool send_publish(struct client *c, const struct delivery *d, uint16_t packet_id,
                         bool is_dup)
{
    struct publication *p = d->publication;
    struct mqtt_publish out;
    out.qos = d->qos;
    out.is_dup = is_dup;
    out.is_retained = d->is_retained;
    out.packet_id = packet_id;
    out.topic = p->topic;
    out.payload = p->payload;
    out.has_properties = false;
    out.properties.present = 0;
    out.encoded = (struct span){0};
    if (c->version == MQTT_5_0)
        put_properties(c, p, &out);
    size_t size = mqtt_size_publish(&out, c->version, d->ids, d->id_count);
    if (!size || size > c->packet_max) {
        drop(c->session, ERR_BROKER_PACKET_TOO_LARGE);
        return false;
    }
    int err = d->qos == 0 ? check_output(c, size) : 0;
    if (err < 0) {
        drop(c->session, err);
        return false;
    }
    /* From here on the packet goes out: an alias that the client was not told would be a trap. */
    if (c->aliases_out && size + ALIAS_BYTES <= c->packet_max) {
        put_alias(c, p, &out);
        size = mqtt_size_publish(&out, c->version, d->ids, d->id_count);
    }
    struct msg *shared = p->payload.n >= SHARE_FROM_BYTES ? publication_msg(p) : NULL;
    if (!write_publish(c, &out, d, shared ? size - p->payload.n : size, shared != NULL)) {
        aliases_out_free(&c->aliases_out);
        return false;
    }
    if (shared) {
        conn_write_shared(c->conn, &shared->ref, msg_payload(shared));
        broker_count(c->bs, COUNT_BYTES_SENT, (int64_t)p->payload.n);
    }
    broker_count(c->bs, COUNT_SENT, 1);
    broker_count(c->bs, COUNT_PAYLOAD_SENT, (int64_t)p->payload.n);
    if (conn_output_bytes(c->conn) >= HOLDINGS_FROM ||
        c->session->outbox.window_bytes >= HOLDINGS_FROM)
        holdings_settle(c->session);
    return true;
}

static struct id_list *ids_new(const struct delivery *d)
{
    if (!d->id_count && !d->group)
        return NULL;
    struct id_list *list =
        mem_alloc(MEM_SESSION, sizeof(*list) + d->id_count * sizeof(list->ids[0]));
    if (!list)
        return NULL;
    list->group = d->group;
    if (d->group)
        ref_take(&d->group->ref);
    list->count = d->id_count;
    if (d->id_count)
        memcpy(list->ids, d->ids, d->id_count * sizeof(list->ids[0]));
    return list;
}

/* Returns how many bytes that freed. */
static uint64_t drop_oldest(struct session *s, int err)
{
    struct outbox_item oldest;
    uint64_t before = s->outbox.queue_bytes;
    (void)outbox_dequeue(&s->outbox, s->home->broker->store, &oldest);
    item_drop(&oldest, s->home->broker->store);
    drop(s, err);
    return before - s->outbox.queue_bytes;
}

/* At the session's own limits the oldest messages go: what is newest is worth most to a consumer of
 * positions. At the limits of all that waits the session may not grow: as much as comes has to go
 * first. False: the new one is to be dropped. */
static bool make_room(struct session *s, uint64_t bytes)
{
    const struct broker_config *config = &s->home->broker->config;
    const struct outbox *o = &s->outbox;
    while (o->queue.count && (o->queue.count >= config->session_queue_count_max ||
                              o->queue_bytes + bytes > config->session_queue_bytes_max))
        (void)drop_oldest(s, ERR_BROKER_QUEUE_LIMIT);
    int err = holdings_check(s, bytes);
    uint64_t freed = 0;
    while (err < 0 && freed < bytes && o->queue.count)
        freed += drop_oldest(s, err);
    if (err == 0 || freed >= bytes)
        return true;
    drop(s, err);
    return false;
}

static void enqueue(struct session *s, const struct delivery *d, struct msg *m)
{
    struct store *store = s->home->broker->store;
    if (!make_room(s, msg_bytes(m)))
        return;
    struct outbox_item item = {
        .ids = ids_new(d),
        .qos = d->qos,
        .is_retained = d->is_retained,
    };
    if (session_is_persistent(s)) {
        uint64_t lsn;
        if (store_append(store, &m->ref, 1, &lsn) < 0) {
            item_drop(&item, store);
            drop(s, ERR_NO_MEMORY);
            return;
        }
        item.lsn = lsn;
        item.is_stored = true;
    } else {
        ref_take(&m->ref);
        item.msg = m;
    }
    if (outbox_enqueue(&s->outbox, item, msg_bytes(m)) < 0) {
        item_drop(&item, store);
        drop(s, ERR_NO_MEMORY);
    }
}

/* How many messages may be in flight now. The window counts messages; with as many bytes in it, or
 * in the output, as the connection may have waiting, no more are put into it, and the queue's
 * limits hold for the rest. One is always allowed, since the next acknowledgement is what makes it
 * go on. */
static uint32_t window_now(const struct session *s)
{
    uint32_t window = client_window(s->client);
    uint64_t max = s->home->broker->config.output_bytes_max;
    bool is_full = conn_output_bytes(s->client->conn) >= max || s->outbox.window_bytes >= max;
    return is_full && window > 1 ? 1 : window;
}

/* Too much waits for everyone together, and this client is among those that are behind. */
static bool is_over(const struct session *s, uint64_t bytes)
{
    return s->holding.waiting_bytes && holdings_check(s, bytes) < 0;
}

/* Puts a message in flight and sends it; takes the reference on `m`. */
static void put_in_flight(struct session *s, const struct delivery *d, struct msg *m,
                          struct id_list *ids)
{
    struct outbox_item item = {
        .msg = m,
        .ids = ids,
        .qos = d->qos,
        .is_retained = d->is_retained,
    };
    struct outbox_item *placed = outbox_push(&s->outbox, item);
    if (!placed) {
        item_drop(&item, s->home->broker->store);
        drop(s, ERR_NO_MEMORY);
        return;
    }
    /* A message that this client cannot take counts as delivered (MQTT 5.0 3.1.2.11.4). */
    if (!send_publish(s->client, d, placed->pid, false))
        outbox_acknowledge(&s->outbox, placed, true);
}

void deliver(struct session *s, const struct delivery *d)
{
    if (d->qos == 0) {
        if (s->client)
            (void)send_publish(s->client, d, 0, false);
        else
            drop(s, ERR_BROKER_DROPPED_OFFLINE);
        return;
    }
    struct msg *m = publication_msg(d->publication);
    if (!m) {
        drop(s, ERR_NO_MEMORY);
        return;
    }
    if (s->client && !s->outbox.queue.count && outbox_has_room(&s->outbox, window_now(s)) &&
        !is_over(s, msg_bytes(m))) {
        ref_take(&m->ref);
        put_in_flight(s, d, m, ids_new(d));
    } else {
        enqueue(s, d, m);
        holdings_settle(s);
    }
}

/* Within what the client takes at once: the standard makes no exception for what is sent again
 * (MQTT 5.0 3.3.4). */
static void send_again(struct session *s)
{
    struct outbox_item *item;
    while ((item = outbox_send_again(&s->outbox, window_now(s)))) {
        struct publication p = publication_of(item->msg);
        struct delivery d = {
            .publication = &p,
            .qos = item->qos,
            .is_retained = item->is_retained,
            .ids = item->ids ? item->ids->ids : NULL,
            .id_count = item->ids ? item->ids->count : 0,
        };
        if (!send_publish(s->client, &d, item->pid, true))
            outbox_acknowledge(&s->outbox, item, true);
        publication_fini(&p);
    }
}

void deliver_queued(struct session *s)
{
    struct store *store = s->home->broker->store;
    struct outbox_item item;
    if (s->client)
        send_again(s);
    while (s->client && s->outbox.queue.count && outbox_has_room(&s->outbox, window_now(s)) &&
           outbox_dequeue(&s->outbox, store, &item)) {
        int64_t now = shard_now_ms(s->home->shard);
        if (!item.msg || (item.msg->expires_ms && item.msg->expires_ms <= now)) {
            item_drop(&item, store);
            drop(s, ERR_BROKER_MESSAGE_EXPIRED);
            continue;
        }
        struct publication p = publication_of(item.msg);
        struct delivery d = {
            .publication = &p,
            .qos = item.qos,
            .is_retained = item.is_retained,
            .ids = item.ids ? item.ids->ids : NULL,
            .id_count = item.ids ? item.ids->count : 0,
        };
        put_in_flight(s, &d, item.msg, item.ids);
        publication_fini(&p);
    }
    /* Nearly always nothing waits, and nothing did. */
    if (s->holding.queue_count || s->holding.waiting_bytes || s->outbox.queue.count)
        holdings_settle(s);
}

void deliver_again(struct session *s)
{
    outbox_rewind(&s->outbox);
    for (uint32_t i = 0; i < s->outbox.window.count; i++) {
        struct outbox_item *item = ring_at(&s->outbox.window, i);
        if (item->state == ITEM_RELEASED)
            client_send_ack(s->client, MQTT_PUBREL, item->pid, MQTT_SUCCESS);
    }
    send_again(s);
}
