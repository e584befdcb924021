/* Client connections: cutting packets from the stream, dispatch, giving up. */
#include "broker/client.h"

#include "base/log.h"

#include <stdio.h>

static struct client *client_of_timer(struct timer *t)
{
    return (struct client *)((char *)t - offsetof(struct client, timer));
}

static void link_client(struct client *c)
{
    struct broker_shard *bs = c->bs;
    c->prev = NULL;
    c->next = bs->clients;
    if (bs->clients)
        bs->clients->prev = c;
    bs->clients = c;
    bs->client_count++;
    broker_count(bs, COUNT_CONNECTIONS, 1);
}

static void unlink_client(struct client *c)
{
    struct broker_shard *bs = c->bs;
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        bs->clients = c->next;
    bs->client_count--;
    broker_count(bs, COUNT_CONNECTIONS, -1);
    bs->connect_budget += c->borrowed;
    c->borrowed = 0;
    if (timer_is_started(&c->timer))
        shard_timer_stop(bs->shard, &c->timer);
    if (bs->is_stopping && bs->client_count == 0 && bs->stopped) {
        struct mail *m = bs->stopped;
        bs->stopped = NULL;
        shard_timer_stop(bs->shard, &bs->stop_timer);
        shard_send(shard_control(bs->broker->shards), m);
    }
}

static void name_of(const struct client *c, char *out, size_t size)
{
    char peer[NET_ADDRESS_TEXT_MAX];
    net_address_text(conn_peer(c->conn), peer);
    if (c->session)
        snprintf(out, size, "client '%.*s' at %s", SPAN_FMT(session_client_id(c->session)), peer);
    else
        snprintf(out, size, "client at %s", peer);
}

/* How often its messages were dropped is what its operator has to know, and nobody else can tell.
 */
static void log_end(const struct client *c, int err)
{
    char name[1200], drops[48] = "";
    bool is_usual = err == ERR_BROKER_DISCONNECTED || err == ERR_BROKER_DISCONNECTED_WITH_WILL ||
                    err == ERR_BROKER_SHUTDOWN || err_class(err) == ERR_CLASS_NETWORK ||
                    err_class(err) == ERR_CLASS_NONE;
    name_of(c, name, sizeof(name));
    if (c->session && c->session->dropped)
        snprintf(drops, sizeof(drops), "; %llu messages dropped",
                 (unsigned long long)c->session->dropped);
    log_line(is_usual && !drops[0] ? LOG_DEBUG : LOG_INFO, "mqtt connection closed: %s: %s (%s)%s",
             name, err_text(err), err_name(err), drops);
}

static void count_transport(struct client *c, int64_t delta)
{
    atomic_uint_fast64_t *clients = &c->bs->transports[c->transport_at].clients;
    uint64_t now = atomic_load_explicit(clients, memory_order_relaxed);
    atomic_store_explicit(clients, now + (uint64_t)delta, memory_order_relaxed);
}

/* There are fewer transports than rows; if there were more, the last row would count the rest. */
void client_note_up(struct client *c)
{
    const struct transport *mine = conn_transport(c->conn), *row;
    struct transport_count *rows = c->bs->transports;
    uint8_t at = 0;
    while ((row = atomic_load_explicit(&rows[at].transport, memory_order_relaxed)) && row != mine &&
           at < BROKER_TRANSPORTS_MAX - 1)
        at++;
    if (!row)
        atomic_store_explicit(&rows[at].transport, mine, memory_order_relaxed);
    c->transport_at = at;
    count_transport(c, 1);
    broker_count(c->bs, COUNT_CONNECTS, 1);
}

/* Takes the session off a client whose connection ends for `err`. */
static void leave_session(struct client *c, int err)
{
    struct session *s = c->session;
    if (!s)
        return;
    c->session = NULL;
    count_transport(c, -1);
    if (err == ERR_BROKER_DISCONNECTED)
        will_free(&c->will);
    struct will *will = c->will;
    c->will = NULL;
    session_detach(s, will);
}

static void on_close(struct conn *conn, void *owner, int err)
{
    (void)conn;
    struct client *c = owner;
    if (!c->is_closing) {
        log_end(c, err);
        leave_session(c, err);
    }
    unlink_client(c);
    will_free(&c->will);
    aliases_in_free(&c->aliases_in);
    aliases_out_free(&c->aliases_out);
    mem_free(MEM_NET, c);
}

uint8_t *client_reserve(struct client *c, size_t size)
{
    return conn_reserve(c->conn, size);
}

void client_sent(struct client *c, size_t size)
{
    conn_commit(c->conn, size);
    broker_count(c->bs, COUNT_PACKETS_SENT, 1);
    broker_count(c->bs, COUNT_BYTES_SENT, (int64_t)size);
}

void client_write(struct client *c, struct span packet)
{
    conn_write(c->conn, packet);
    broker_count(c->bs, COUNT_PACKETS_SENT, 1);
    broker_count(c->bs, COUNT_BYTES_SENT, (int64_t)packet.n);
}

void client_send_ack(struct client *c, enum mqtt_type type, uint16_t packet_id, uint8_t reason)
{
    struct mqtt_ack ack;
    ack.packet_id = packet_id;
    ack.reason = reason;
    ack.properties.present = 0;
    ack.properties.raw = (struct span){0};
    uint8_t *to = client_reserve(c, mqtt_size_ack(&ack, c->version));
    if (to)
        client_sent(c, mqtt_encode_ack(type, &ack, c->version, to));
}

uint32_t client_window(const struct client *c)
{
    uint16_t ours = c->bs->broker->config.inflight_max;
    return c->receive_max < ours ? c->receive_max : ours;
}

static void put_reason_string(const struct client *c, int err, struct mqtt_properties *p)
{
    memset(p, 0, sizeof(*p));
    if (!c->wants_problem_info)
        return;
    p->present = 1ull << MQTT_PROP_REASON_STRING;
    p->reason_string = span_str(err_text(err));
}

/* A refusal in CONNACK, when a CONNECT told us how to say it. */
static void send_refusal(struct client *c, int err)
{
    struct mqtt_connack ack = {.reason = err_mqtt_reason(err)};
    put_reason_string(c, err, &ack.properties);
    size_t size = mqtt_size_connack(&ack, c->version);
    if (size > c->packet_max) {
        memset(&ack.properties, 0, sizeof(ack.properties));
        size = mqtt_size_connack(&ack, c->version);
    }
    uint8_t *to = size <= c->packet_max ? client_reserve(c, size) : NULL;
    if (to)
        client_sent(c, mqtt_encode_connack(&ack, c->version, to));
}

static void send_disconnect(struct client *c, int err)
{
    struct mqtt_disconnect bye = {.reason = err_mqtt_reason(err)};
    put_reason_string(c, err, &bye.properties);
    size_t size = mqtt_size_disconnect(&bye, c->version);
    if (size > c->packet_max) {
        memset(&bye.properties, 0, sizeof(bye.properties));
        size = mqtt_size_disconnect(&bye, c->version);
    }
    uint8_t *to = size <= c->packet_max ? client_reserve(c, size) : NULL;
    if (to)
        client_sent(c, mqtt_encode_disconnect(MQTT_DISCONNECT, &bye, c->version, to));
}

void client_give_up(struct client *c, int err)
{
    if (c->is_closing)
        return;
    bool is_wish = err == ERR_BROKER_DISCONNECTED || err == ERR_BROKER_DISCONNECTED_WITH_WILL;
    if (c->is_up && c->version == MQTT_5_0 && !is_wish)
        send_disconnect(c, err);
    else if (!c->is_up && c->version)
        send_refusal(c, err);
    log_end(c, err);
    leave_session(c, err);
    c->is_closing = true;
    conn_close_flushed(c->conn, err);
}

static const struct packet_rule {
    int (*handle)(struct client *c, const struct mqtt_frame *f);
} rules[16] = {
    [MQTT_PUBLISH] = {handle_publish},
    [MQTT_PUBACK] = {handle_ack},
    [MQTT_PUBREC] = {handle_ack},
    [MQTT_PUBREL] = {handle_ack},
    [MQTT_PUBCOMP] = {handle_ack},
    [MQTT_SUBSCRIBE] = {handle_subscribe},
    [MQTT_UNSUBSCRIBE] = {handle_unsubscribe},
    [MQTT_DISCONNECT] = {handle_disconnect},
};

static int handle_pingreq(struct client *c, const struct mqtt_frame *f)
{
    int err = mqtt_decode_ping(f);
    if (err < 0)
        return err;
    uint8_t *to = client_reserve(c, 2);
    if (to)
        client_sent(c, mqtt_encode_ping(MQTT_PINGRESP, to));
    return 0;
}

static int handle_auth(struct client *c, const struct mqtt_frame *f)
{
    struct mqtt_disconnect auth;
    int err = mqtt_decode_auth(f, c->version, &auth);
    return err < 0 ? err : err_raise(ERR_BROKER_AUTH_PACKET);
}

static int dispatch(struct client *c, const struct mqtt_frame *f)
{
    if (f->type == MQTT_CONNECT)
        return err_raise(ERR_BROKER_SECOND_CONNECT);
    if (f->type == MQTT_PINGREQ)
        return handle_pingreq(c, f);
    if (f->type == MQTT_AUTH)
        return handle_auth(c, f);
    if (!rules[f->type].handle)
        return err_raise(ERR_BROKER_SERVER_PACKET);
    return rules[f->type].handle(c, f);
}

/* What the fixed header alone tells before CONNECT is whole: not CONNECT, or too long. Larger ones
 * than any connection may make us keep borrow from the shard's budget. */
static int judge_early(struct client *c, const struct mqtt_frame *f)
{
    if (!f->total)
        return 0;
    if (f->type != MQTT_CONNECT)
        return err_raise(ERR_BROKER_NOT_CONNECT);
    if (f->total <= CONNECT_KEPT_BYTES || c->borrowed)
        return 0;
    if (f->total > c->bs->connect_budget)
        return err_raise(ERR_BROKER_CONNECT_TOO_LONG);
    c->borrowed = (uint32_t)f->total;
    c->bs->connect_budget -= c->borrowed;
    conn_set_input_limit(c->conn, f->total);
    return 0;
}

/* One packet from the front of `in`: its length, 0 when it is not whole, or an error. */
static ssize_t take_packet(struct client *c, struct span in)
{
    struct mqtt_frame f;
    size_t max = c->is_up ? c->bs->broker->config.packet_bytes_max : CONNECT_BYTES_MAX;
    int n = mqtt_frame(in, max, &f);
    if (n < 0)
        return n;
    int err;
    if (!c->is_up) {
        err = judge_early(c, &f);
        if (err == 0 && n > 0)
            err = handle_connect(c, &f, in);
    } else if (n > 0) {
        err = dispatch(c, &f);
    } else {
        if (f.total)
            conn_expect(c->conn, f.total);
        return 0;
    }
    return err < 0 ? err : n;
}

bool client_admits(struct broker_shard *bs, const struct net_address *peer)
{
    bool must_log = false;
    if (admission_take(bs->broker->admission, peer, shard_now_ms(bs->shard), &must_log))
        return true;
    (void)err_raise(ERR_BROKER_CONNECT_RATE);
    if (must_log) {
        char host[NET_ADDRESS_TEXT_MAX];
        (void)net_address_host_text(peer, host);
        log_notice("mqtt connections refused, told once a minute: %s: %s", host,
                   err_text(ERR_BROKER_CONNECT_RATE));
    }
    return false;
}

/* All packets that are whole. Returns how much of `in` is done with: all of it when the connection
 * ends, none when it moved to another shard, with its input. */
static size_t take_packets(struct client *c, struct span in)
{
    struct broker_shard *here = c->bs;
    size_t used = 0;
    ssize_t n = 1;
    while (used < in.n && n > 0) {
        n = take_packet(c, span_from(in, used));
        if (n < 0)
            client_give_up(c, (int)n);
        if (c->bs != here)
            return 0;
        broker_count(here, COUNT_PACKETS_RECEIVED, n > 0);
        if (c->is_closing)
            return in.n;
        used += (size_t)n;
    }
    broker_count(here, COUNT_BYTES_RECEIVED, (int64_t)used);
    return used;
}

/* A client that makes us answer and does not read the answers: nothing more is read from it until
 * they went out. QoS 0 fills the output to its limit; acknowledgements alone get here. */
static void hold_back(struct client *c)
{
    uint64_t max = c->bs->broker->config.output_bytes_max;
    if (conn_output_bytes(c->conn) <= max + max / 4)
        return;
    (void)err_raise(ERR_BROKER_NOT_READING);
    conn_pause(c->conn);
}

static ssize_t on_data(struct conn *conn, void *owner, struct span in)
{
    struct client *c = owner;
    struct broker_shard *here = c->bs;
    if (c->is_closing)
        return (ssize_t)in.n;
    if (!c->is_admitted && !client_admits(here, conn_peer(conn))) {
        conn_close(conn, ERR_BROKER_CONNECT_RATE);
        return 0;
    }
    c->is_admitted = true;
    c->heard_ms = shard_now_ms(c->bs->shard);
    size_t used = take_packets(c, in);
    if (c->bs == here && !c->is_closing)
        hold_back(c);
    return (ssize_t)used;
}

static void on_drain(struct conn *conn, void *owner)
{
    struct client *c = owner;
    conn_resume(conn);
    if (c->session)
        holdings_settle(c->session);
}

static const struct conn_handler handler = {
    .on_data = on_data,
    .on_close = on_close,
    .on_drain = on_drain,
};

static void on_timer(struct timer *t)
{
    struct client *c = client_of_timer(t);
    if (!c->is_up) {
        (void)err_raise(ERR_BROKER_CONNECT_TIMEOUT);
        client_give_up(c, ERR_BROKER_CONNECT_TIMEOUT);
        return;
    }
    /* MQTT 5.0 3.1.2.10: one and a half times the keep alive. Restarted lazily: a packet only notes
     * when it came. */
    int64_t due = c->heard_ms + (int64_t)c->keep_alive_s * 1500;
    if (due <= shard_now_ms(c->bs->shard)) {
        (void)err_raise(ERR_BROKER_KEEP_ALIVE);
        client_give_up(c, ERR_BROKER_KEEP_ALIVE);
        return;
    }
    shard_timer_start(c->bs->shard, t, due, 1000);
}

bool client_open(struct broker_shard *bs, struct conn *conn, bool is_admitted)
{
    struct client *c = mem_zalloc(MEM_NET, sizeof(*c));
    if (!c || bs->is_stopping) {
        mem_free(MEM_NET, c);
        conn_close(conn, ERR_NO_MEMORY);
        return false;
    }
    c->bs = bs;
    c->conn = conn;
    c->timer.on_due = on_timer;
    c->is_admitted = is_admitted;
    c->packet_max = MQTT_PACKET_MAX;
    c->receive_max = UINT16_MAX;
    c->wants_problem_info = true;
    link_client(c);
    broker_count(bs, COUNT_ACCEPTED, 1);
    conn_set_handler(conn, &handler, c);
    conn_set_input_limit(conn, CONNECT_KEPT_BYTES);
    conn_set_output_marks(conn, HOLDINGS_FROM, HOLDINGS_LOW);
    shard_timer_start(bs->shard, &c->timer,
                      shard_now_ms(bs->shard) + bs->broker->config.connect_timeout_s * 1000, 500);
    return true;
}

struct move_mail {
    struct mail mail;
    struct client *client;
};

static void on_move(struct mail *mail)
{
    struct move_mail *m = (struct move_mail *)mail;
    struct client *c = m->client;
    mem_free(MEM_NET, m);
    link_client(c);
    shard_timer_start(c->bs->shard, &c->timer,
                      shard_now_ms(c->bs->shard) + c->bs->broker->config.connect_timeout_s * 1000,
                      500);
    if (conn_attach(c->conn) < 0)
        conn_close(c->conn, ERR_NO_MEMORY);
    else if (c->bs->is_stopping)
        client_give_up(c, ERR_BROKER_SHUTDOWN);
}

void client_move(struct client *c, unsigned shard, struct span unconsumed)
{
    struct move_mail *m = mem_alloc(MEM_NET, sizeof(*m));
    if (!m) {
        client_give_up(c, ERR_NO_MEMORY);
        return;
    }
    m->mail.deliver = on_move;
    m->client = c;
    unlink_client(c);
    conn_detach(c->conn, unconsumed);
    c->bs = c->bs->broker->state[shard];
    shard_send(shard_at(c->bs->broker->shards, shard), &m->mail);
}
