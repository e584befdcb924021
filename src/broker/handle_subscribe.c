/* SUBSCRIBE (MQTT 5.0 3.8) and UNSUBSCRIBE (3.10). */
#include "broker/client.h"
#include "broker/deliver.h"
#include "broker/retained.h"

/* A retained message on its way to a new subscription. */
struct retained_target {
    struct client *client;
    uint64_t options;
};

static void on_retained(struct msg *m, void *context)
{
    struct retained_target *t = context;
    uint32_t id = subscription_id(t->options);
    uint8_t qos = (uint8_t)(t->options & SUBSCRIPTION_QOS_MASK);
    struct publication p = publication_of(m);
    struct delivery d = {
        .publication = &p,
        .qos = m->qos < qos ? m->qos : qos,
        .is_retained = true,
        .ids = &id,
        .id_count = id ? 1 : 0,
    };
    deliver(t->client->session, &d);
    publication_fini(&p);
}

/* The reason code for one filter, as SUBACK tells it. */
static uint8_t subscribe(struct client *c, const struct mqtt_subscription *s, uint32_t id,
                         bool *ret_is_new, struct topic_filter *ret_filter)
{
    int err = topic_filter_parse(s->filter, ret_filter);
    struct session *session = c->session;
    struct subscriptions *mine = &session->subscriptions;
    struct index *index = &space_of(session->account)->index;
    if (err == 0 && mine->count >= c->bs->broker->config.subscriptions_max &&
        !subscriptions_has(mine, index, ret_filter))
        err = err_raise(ERR_BROKER_SUBSCRIPTIONS_MAX);
    if (err == 0)
        err = subscriptions_set(
            mine, index, ret_filter, session->who,
            subscription_options(s->qos, s->no_local, s->retain_as_published, id));
    if (err < 0)
        return c->version == MQTT_5_0 ? err_mqtt_reason(err) : MQTT_UNSPECIFIED_ERROR;
    *ret_is_new = err == 1;
    return s->qos;
}

static void send_suback(struct client *c, enum mqtt_type type, uint16_t packet_id,
                        struct span reasons)
{
    struct mqtt_suback ack = {.packet_id = packet_id, .reasons = reasons};
    size_t size = mqtt_size_suback(type, &ack, c->version);
    struct buf out = buf_make(MEM_NET, MQTT_PACKET_MAX);
    uint8_t *to = buf_reserve(&out, size);
    if (to) {
        out.n = mqtt_encode_suback(type, &ack, c->version, to);
        conn_write(c->conn, buf_span(&out));
    }
    buf_fini(&out);
}

/* Retained messages follow SUBACK, unless the subscription does not want them: retain handling
 * (MQTT 5.0 3.8.3.1), shared ones never (4.8.2). */
static void send_retained(struct client *c, const struct mqtt_subscribe *p,
                          const struct buf *reasons, const struct buf *fresh, uint32_t id)
{
    struct span rest = p->filters;
    struct mqtt_subscription s;
    for (size_t i = 0; mqtt_subscribe_next(&rest, c->version, &s); i++) {
        bool is_wanted = s.retain_handling == 0 || (s.retain_handling == 1 && fresh->p[i]);
        struct topic_filter filter;
        if (reasons->p[i] >= MQTT_UNSPECIFIED_ERROR || !is_wanted ||
            topic_filter_parse(s.filter, &filter) < 0 || filter.group.n)
            continue;
        struct retained_target t = {
            .client = c,
            .options = subscription_options(s.qos, s.no_local, s.retain_as_published, id),
        };
        retained_match(&space_of(c->login.account)->retained, filter.filter,
                       shard_now_ms(c->bs->shard), on_retained, &t);
    }
}

int handle_subscribe(struct client *c, const struct mqtt_frame *f)
{
    struct mqtt_subscribe p;
    int err = mqtt_decode_subscribe(f, c->version, &p);
    if (err < 0)
        return err;
    uint32_t id = c->version == MQTT_5_0 && mqtt_has(&p.properties, MQTT_PROP_SUBSCRIPTION_ID)
                      ? p.properties.subscription_id
                      : 0;
    struct buf reasons = buf_make(MEM_SESSION, MQTT_PACKET_MAX);
    struct buf fresh = buf_make(MEM_SESSION, MQTT_PACKET_MAX);
    struct span rest = p.filters;
    struct mqtt_subscription s;
    while (mqtt_subscribe_next(&rest, c->version, &s)) {
        bool is_new = false;
        struct topic_filter filter;
        buf_add_u8(&reasons, subscribe(c, &s, id, &is_new, &filter));
        buf_add_u8(&fresh, is_new);
    }
    if (reasons.is_failed || fresh.is_failed) {
        err = ERR_NO_MEMORY;
    } else {
        send_suback(c, MQTT_SUBACK, p.packet_id, buf_span(&reasons));
        send_retained(c, &p, &reasons, &fresh, id);
    }
    buf_fini(&reasons);
    buf_fini(&fresh);
    return err;
}

int handle_unsubscribe(struct client *c, const struct mqtt_frame *f)
{
    struct mqtt_unsubscribe p;
    int err = mqtt_decode_unsubscribe(f, c->version, &p);
    if (err < 0)
        return err;
    struct session *session = c->session;
    struct index *index = &space_of(session->account)->index;
    struct buf reasons = buf_make(MEM_SESSION, MQTT_PACKET_MAX);
    struct span rest = p.filters, text;
    while (mqtt_unsubscribe_next(&rest, &text)) {
        struct topic_filter filter;
        err = topic_filter_parse(text, &filter);
        uint8_t reason = err < 0 ? err_mqtt_reason(err) : MQTT_SUCCESS;
        if (err == 0 &&
            !subscriptions_remove(&session->subscriptions, index, &filter, session->who))
            reason = MQTT_NO_SUBSCRIPTION_EXISTED;
        buf_add_u8(&reasons, reason);
    }
    bool is_failed = reasons.is_failed;
    if (!is_failed)
        send_suback(c, MQTT_UNSUBACK, p.packet_id, buf_span(&reasons));
    buf_fini(&reasons);
    return is_failed ? ERR_NO_MEMORY : 0;
}
