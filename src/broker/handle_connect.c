/* CONNECT (MQTT 5.0 3.1): who is it, which session, and CONNACK. In steps, each of which may
 * refuse. */
#include "broker/client.h"
#include "broker/deliver.h"
#include "broker/greeting.h"
#include "broker/rights.h"
#include "broker/share.h"

#include <sys/random.h>

#define ASSIGNED_ID_BYTES 26

/* What the steps hand to each other. */
struct connecting {
    struct client *client;
    struct mqtt_connect packet;
    struct span client_id; /* given or assigned */
    char assigned[ASSIGNED_ID_BYTES];
    bool is_assigned;
    uint32_t asked_expiry_s, expiry_s;
    uint16_t keep_alive_s;
    bool session_present;
};

static int check_auth_method(struct connecting *x)
{
    if (x->packet.version == MQTT_5_0 && mqtt_has(&x->packet.properties, MQTT_PROP_AUTH_METHOD))
        return err_raise(ERR_BROKER_AUTH_METHOD);
    return 0;
}

static int sign_in(struct connecting *x)
{
    struct client *c = x->client;
    struct span none = {0};
    return account_login_mqtt(c->bs->broker->accounts,
                              x->packet.has_user_name ? x->packet.user_name : none,
                              x->packet.has_password ? x->packet.password : none,
                              shard_wall_us(shard_self()) / 1000000, &c->login);
}

static bool is_at_home(const struct connecting *x)
{
    const struct client *c = x->client;
    uint64_t hash = session_hash(c->login.account, x->client_id);
    return session_home(c->bs->broker, hash) == c->bs->index;
}

/* One whose session belongs to the shard that the connection is on: it need not move, and is found
 * here when the client comes again with the id that it was given. */
static int assign_id(struct connecting *x)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    memcpy(x->assigned, "tw-", 3);
    x->client_id = span_of(x->assigned, ASSIGNED_ID_BYTES);
    x->is_assigned = true;
    do {
        uint8_t random[ASSIGNED_ID_BYTES] = {0};
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            return err_raise(ERR_NO_MEMORY);
        for (size_t i = 3; i < ASSIGNED_ID_BYTES; i++)
            x->assigned[i] = letters[random[i] % 36];
    } while (!is_at_home(x));
    return 0;
}

static int choose_id(struct connecting *x)
{
    x->client_id = x->packet.client_id;
    if (x->client_id.n > CLIENT_ID_MAX)
        return err_raise(ERR_BROKER_CLIENT_ID_TOO_LONG);
    if (x->client_id.n)
        return 0;
    /* MQTT 3.1.1 3.1.3.1: only with a clean session; MQTT 3.1 knows no empty client id; in 5.0 the
     * server assigns one either way. */
    if (x->packet.version == MQTT_3_1 || (x->packet.version == MQTT_3_1_1 && !x->packet.is_clean))
        return err_raise(ERR_BROKER_CLIENT_ID_EMPTY);
    return assign_id(x);
}

static int check_will(struct connecting *x)
{
    if (!x->packet.has_will)
        return 0;
    struct client *c = x->client;
    int err = rights_publish(c->bs->broker, x->packet.will.topic);
    if (err < 0)
        return err;
    return will_new(&x->packet.will, &c->will);
}

static void settle_times(struct connecting *x)
{
    const struct broker_config *config = &x->client->bs->broker->config;
    const struct mqtt_properties *p = &x->packet.properties;
    if (x->packet.version != MQTT_5_0)
        x->asked_expiry_s = x->packet.is_clean ? 0 : SESSION_NEVER_EXPIRES;
    else if (mqtt_has(p, MQTT_PROP_SESSION_EXPIRY))
        x->asked_expiry_s = p->session_expiry;
    x->expiry_s = x->asked_expiry_s < config->session_expiry_max_s ? x->asked_expiry_s
                                                                   : config->session_expiry_max_s;
    x->keep_alive_s = x->packet.keep_alive_s;
    /* Only 5.0 can be told another keep alive (MQTT 5.0 3.2.2.3.14). */
    if (config->keep_alive_max_s && x->packet.version == MQTT_5_0 &&
        (!x->keep_alive_s || x->keep_alive_s > config->keep_alive_max_s))
        x->keep_alive_s = (uint16_t)config->keep_alive_max_s;
}

static void take_client_limits(struct connecting *x)
{
    struct client *c = x->client;
    const struct mqtt_properties *p = &x->packet.properties;
    if (x->packet.version != MQTT_5_0)
        return;
    if (mqtt_has(p, MQTT_PROP_RECEIVE_MAXIMUM))
        c->receive_max = p->receive_maximum;
    if (mqtt_has(p, MQTT_PROP_MAXIMUM_PACKET_SIZE))
        c->packet_max = p->maximum_packet_size;
    if (mqtt_has(p, MQTT_PROP_REQUEST_PROBLEM_INFO))
        c->wants_problem_info = p->request_problem_info;
    if (mqtt_has(p, MQTT_PROP_TOPIC_ALIAS_MAXIMUM) && p->topic_alias_maximum)
        c->aliases_out = aliases_out_new(p->topic_alias_maximum);
}

/* Finds, clears or makes the session; a client that has it now is told and closed. */
static int take_session(struct connecting *x)
{
    struct client *c = x->client;
    struct session *s = session_find(c->bs, c->login.account, x->client_id);
    if (s && s->client) {
        (void)err_raise(ERR_BROKER_TAKEN_OVER);
        if (x->packet.is_clean)
            s->expiry_s = 0;
        client_give_up(s->client, ERR_BROKER_TAKEN_OVER);
        s = session_find(c->bs, c->login.account, x->client_id); /* it may have ended by that */
    }
    if (s && x->packet.is_clean)
        session_free(&s);
    x->session_present = s != NULL;
    if (!s) {
        int err = session_new(c->bs, c->login.account, x->client_id, &s);
        if (err < 0)
            return err;
    }
    s->expiry_s = x->expiry_s;
    c->session = s;
    session_attach(s, c);
    return 0;
}

static void put_number(struct mqtt_properties *p, enum mqtt_property id)
{
    p->present |= 1ull << id;
}

static void fill_properties(const struct connecting *x, struct mqtt_properties *p)
{
    const struct broker_config *config = &x->client->bs->broker->config;
    if (x->expiry_s != x->asked_expiry_s) {
        put_number(p, MQTT_PROP_SESSION_EXPIRY);
        p->session_expiry = x->expiry_s;
    }
    if (x->is_assigned) {
        put_number(p, MQTT_PROP_ASSIGNED_CLIENT_ID);
        p->assigned_client_id = x->client_id;
    }
    if (x->keep_alive_s != x->packet.keep_alive_s) {
        put_number(p, MQTT_PROP_SERVER_KEEP_ALIVE);
        p->server_keep_alive = x->keep_alive_s;
    }
    put_number(p, MQTT_PROP_RECEIVE_MAXIMUM);
    p->receive_maximum = config->receive_maximum;
    put_number(p, MQTT_PROP_MAXIMUM_PACKET_SIZE);
    p->maximum_packet_size = config->packet_bytes_max;
    put_number(p, MQTT_PROP_TOPIC_ALIAS_MAXIMUM);
    p->topic_alias_maximum = config->topic_alias_maximum;
}

/* A client whose maximum packet size leaves no room for CONNACK cannot be let in (MQTT 5.0
 * 3.1.2.11.4). */
static int check_connack_fits(const struct connecting *x)
{
    struct client *c = x->client;
    struct mqtt_connack ack = {.session_present = false};
    if (c->version == MQTT_5_0)
        fill_properties(x, &ack.properties);
    if (mqtt_size_connack(&ack, c->version) > c->packet_max)
        return err_raise(ERR_BROKER_CONNACK_TOO_LARGE);
    return 0;
}

/* With as much of the greeting as the client takes: all of it, the token alone, or nothing. */
static void greet(const struct connecting *x, struct mqtt_connack *ack, struct buf *greeting)
{
    struct client *c = x->client;
    greeting_put_token(c, greeting);
    size_t token = greeting->n;
    if (x->session_present)
        greeting_put_subscriptions(c->session, greeting);
    ack->properties.present |= 1ull << MQTT_PROP_USER;
    ack->properties.raw = buf_span(greeting);
    if (mqtt_size_connack(ack, c->version) > c->packet_max)
        ack->properties.raw = span_head(buf_span(greeting), token);
    if (mqtt_size_connack(ack, c->version) > c->packet_max || greeting->is_failed)
        ack->properties.present &= ~(1ull << MQTT_PROP_USER);
}

static void send_connack(const struct connecting *x)
{
    struct client *c = x->client;
    struct mqtt_connack ack = {.session_present = x->session_present};
    struct buf greeting = buf_make(MEM_SESSION, 4 * UINT16_MAX);
    struct buf packet = buf_make(MEM_NET, MQTT_PACKET_MAX);
    if (c->version == MQTT_5_0) {
        fill_properties(x, &ack.properties);
        greet(x, &ack, &greeting);
    }
    uint8_t *to = buf_reserve(&packet, mqtt_size_connack(&ack, c->version));
    if (to) {
        packet.n = mqtt_encode_connack(&ack, c->version, to);
        client_write(c, buf_span(&packet));
    }
    buf_fini(&packet);
    buf_fini(&greeting);
}

static void go_up(const struct connecting *x)
{
    struct client *c = x->client;
    c->is_up = true;
    client_note_up(c);
    c->bs->connect_budget += c->borrowed;
    c->borrowed = 0;
    conn_set_input_limit(c->conn, (size_t)c->bs->broker->config.packet_bytes_max + 5);
    c->keep_alive_s = x->keep_alive_s;
    shard_timer_stop(c->bs->shard, &c->timer);
    if (c->keep_alive_s)
        shard_timer_start(c->bs->shard, &c->timer, c->heard_ms + (int64_t)c->keep_alive_s * 1500,
                          1000);
    send_connack(x);
    deliver_again(c->session);
    deliver_queued(c->session);
    share_join(c->session);
}

int handle_connect(struct client *c, const struct mqtt_frame *f, struct span unconsumed)
{
    static int (*const steps[])(struct connecting *) = {check_auth_method, sign_in, choose_id};
    struct connecting x = {.client = c};
    int err = mqtt_decode_connect(f, &x.packet);
    if (err < 0) {
        /* MQTT 3.1.1 3.1.2-2: an unknown level is answered, in the form that all clients know; 5.0
         * clients may be told what was wrong. */
        c->version = err == ERR_MQTT_PROTOCOL_LEVEL ? MQTT_3_1_1
                     : x.packet.version == MQTT_5_0 ? MQTT_5_0
                                                    : 0;
        take_client_limits(&x);
        return err;
    }
    c->version = x.packet.version;
    take_client_limits(&x);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        err = steps[i](&x);
        if (err < 0)
            return err;
    }
    if (!is_at_home(&x)) {
        c->version = 0;
        aliases_out_free(&c->aliases_out);
        uint64_t hash = session_hash(c->login.account, x.client_id);
        client_move(c, session_home(c->bs->broker, hash), unconsumed);
        return 0;
    }
    err = check_will(&x);
    if (err < 0)
        return err;
    settle_times(&x);
    err = check_connack_fits(&x);
    if (err < 0)
        return err;
    err = take_session(&x);
    if (err < 0)
        return err;
    go_up(&x);
    return 0;
}
