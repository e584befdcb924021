/* SUBSCRIBE (MQTT 5.0 3.8) and UNSUBSCRIBE (3.10). */
#include "broker/client.h"
#include "broker/deliver.h"
#include "broker/retained.h"
#include "broker/share.h"
#include "broker/sys.h"

/* A retained message on its way to a new subscription. */
struct retained_target {
    struct client *client;
    uint64_t options;
    const struct filter_spec *spec; /* NULL: none */
};

static bool meets_spec(const struct retained_target *t, const struct publication *p)
{
    if (!t->spec)
        return true;
    struct filter_subject subject;
    filter_subject_init(&subject, p, t->client->login.account->id);
    bool is_met = filter_spec_matches(t->spec, &subject);
    filter_subject_fini(&subject);
    return is_met;
}

static void on_retained(struct msg *m, void *context)
{
    struct retained_target *t = context;
    uint32_t id = subscription_id(t->options);
    uint8_t qos = (uint8_t)(t->options & SUBSCRIPTION_QOS_MASK);
    struct publication p = publication_of(m);
    if (!meets_spec(t, &p)) {
        publication_fini(&p);
        return;
    }
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

/* Subscribes to one path of a filter; 1 when it is new, 0 when it was there. */
static int subscribe_path(struct session *s, const struct filter *f, uint64_t options)
{
    struct subscriptions *mine = &s->subscriptions;
    struct index *index = &space_of(s->account)->index;
    if (mine->count >= s->home->broker->config.subscriptions_max &&
        !subscriptions_has(mine, index, f))
        return err_raise(ERR_BROKER_SUBSCRIPTIONS_MAX);
    return subscriptions_set(mine, index, f, s->who, options);
}

/* Calls `act` for each path that the filter stands for, until an error. Tells the last positive
 * result, else 0, or the error. */
static int for_each_path(const struct filter *f,
                         int (*act)(struct session *, const struct filter *, uint64_t),
                         struct session *s, uint64_t options)
{
    if (!f->has_lists)
        return act(s, f, options);
    struct buf path = buf_make(MEM_SESSION, UINT16_MAX);
    int result = 0, err = 0;
    for (uint32_t i = 0; err >= 0 && filter_path(f, i, &path); i++) {
        struct filter one = *f;
        one.topic = buf_span(&path);
        err = act(s, &one, options);
        result = err > 0 ? err : result;
    }
    buf_fini(&path);
    return err < 0 ? err : result;
}

/* The reason code for one filter, as SUBACK tells it. */
static uint8_t subscribe(struct client *c, const struct mqtt_subscription *s, uint32_t id,
                         bool *ret_is_new)
{
    struct filter f;
    uint64_t options = subscription_options(s->qos, s->no_local, s->retain_as_published, id);
    int err = filter_parse(s->filter, &f);
    if (err == 0)
        err = for_each_path(&f, subscribe_path, c->session, options);
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
        client_write(c, buf_span(&out));
    }
    buf_fini(&out);
}

static int send_retained_path(struct session *s, const struct filter *f, uint64_t options)
{
    if (sys_covers(s, f->topic)) {
        if (f->spec.n == 0)
            sys_send(s, f->topic, options);
        return 0;
    }
    struct index_place place;
    bool is_there = index_find(&space_of(s->account)->index, f, &place);
    struct retained_target t = {
        .client = s->client,
        .options = options,
        .spec = is_there && place.branch ? place.branch->spec : NULL,
    };
    retained_match(&space_of(s->account)->retained, f->topic, shard_now_ms(s->home->shard),
                   on_retained, &t);
    return 0;
}

/* Retained messages follow SUBACK, unless the subscription does not want them: retain handling
 * (MQTT 5.0 3.8.3.1), shared ones never (4.8.2). Messages that waited for a member of a shared
 * group follow it too. */
static void send_waiting(struct client *c, const struct mqtt_subscribe *p,
                         const struct buf *reasons, const struct buf *fresh, uint32_t id)
{
    struct span rest = p->filters;
    struct mqtt_subscription s;
    for (size_t i = 0; mqtt_subscribe_next(&rest, c->version, &s); i++) {
        bool is_wanted = s.retain_handling == 0 || (s.retain_handling == 1 && fresh->p[i]);
        struct filter f;
        if (reasons->p[i] >= MQTT_UNSPECIFIED_ERROR || filter_parse(s.filter, &f) < 0)
            continue;
        uint64_t options = subscription_options(s.qos, s.no_local, s.retain_as_published, id);
        if (!f.is_shared && is_wanted)
            (void)for_each_path(&f, send_retained_path, c->session, options);
        if (sys_covers(c->session, f.topic))
            sys_watch(c->bs->broker);
    }
    share_join(c->session);
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
        buf_add_u8(&reasons, subscribe(c, &s, id, &is_new));
        buf_add_u8(&fresh, is_new);
    }
    if (reasons.is_failed || fresh.is_failed) {
        err = ERR_NO_MEMORY;
    } else {
        send_suback(c, MQTT_SUBACK, p.packet_id, buf_span(&reasons));
        send_waiting(c, &p, &reasons, &fresh, id);
    }
    buf_fini(&reasons);
    buf_fini(&fresh);
    return err;
}

static int unsubscribe_path(struct session *s, const struct filter *f, uint64_t options)
{
    (void)options;
    return subscriptions_remove(&s->subscriptions, &space_of(s->account)->index, f, s->who);
}

int handle_unsubscribe(struct client *c, const struct mqtt_frame *f)
{
    struct mqtt_unsubscribe p;
    int err = mqtt_decode_unsubscribe(f, c->version, &p);
    if (err < 0)
        return err;
    struct buf reasons = buf_make(MEM_SESSION, MQTT_PACKET_MAX);
    struct span rest = p.filters, text;
    while (mqtt_unsubscribe_next(&rest, &text)) {
        struct filter filter;
        err = filter_parse(text, &filter);
        if (err == 0)
            err = for_each_path(&filter, unsubscribe_path, c->session, 0);
        buf_add_u8(&reasons, err < 0   ? err_mqtt_reason(err)
                             : err > 0 ? MQTT_SUCCESS
                                       : MQTT_NO_SUBSCRIPTION_EXISTED);
    }
    bool is_failed = reasons.is_failed;
    if (!is_failed)
        send_suback(c, MQTT_UNSUBACK, p.packet_id, buf_span(&reasons));
    buf_fini(&reasons);
    return is_failed ? ERR_NO_MEMORY : 0;
}
