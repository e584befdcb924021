/* The shared message of a publication. */
#include "broker/msg.h"

static void msg_free(struct ref *r)
{
    mem_free(MEM_MESSAGE, msg_of_ref(r));
}

static struct msg *msg_new(const struct publication *p)
{
    struct msg *m =
        mem_alloc(MEM_MESSAGE, sizeof(*m) + p->topic.n + p->properties.n + p->payload.n);
    if (!m)
        return NULL;
    ref_init(&m->ref, msg_free);
    m->expires_ms = p->expires_ms;
    m->born_us = p->born_us;
    m->expiry_s = p->expiry_s;
    m->qos = p->qos;
    m->topic_n = (uint32_t)p->topic.n;
    m->properties_n = (uint32_t)p->properties.n;
    m->payload_n = (uint32_t)p->payload.n;
    memcpy(m->bytes, p->topic.p, p->topic.n);
    if (p->properties.n)
        memcpy(m->bytes + p->topic.n, p->properties.p, p->properties.n);
    if (p->payload.n)
        memcpy(m->bytes + p->topic.n + p->properties.n, p->payload.p, p->payload.n);
    return m;
}

struct msg *publication_msg(struct publication *p)
{
    if (!p->msg)
        p->msg = msg_new(p);
    return p->msg;
}

struct publication publication_of(struct msg *m)
{
    ref_take(&m->ref);
    return (struct publication){
        .topic = msg_topic(m),
        .properties = msg_properties(m),
        .payload = msg_payload(m),
        .expires_ms = m->expires_ms,
        .born_us = m->born_us,
        .expiry_s = m->expiry_s,
        .qos = m->qos,
        .msg = m,
    };
}

void publication_fini(struct publication *p)
{
    if (p->msg)
        msg_drop(p->msg);
    p->msg = NULL;
}

static void put_text(struct buf *out, struct span text)
{
    buf_add_u16be(out, (uint16_t)text.n);
    buf_add_span(out, text);
}

static void put_text_property(struct buf *out, const struct mqtt_properties *p,
                              enum mqtt_property id, struct span text)
{
    if (!mqtt_has(p, id))
        return;
    buf_add_u8(out, (uint8_t)id);
    put_text(out, text);
}

void msg_put_correlation(struct buf *out, struct span data)
{
    buf_add_u8(out, MQTT_PROP_CORRELATION_DATA);
    put_text(out, data);
}

void msg_put_user_property(struct buf *out, struct span name, struct span value)
{
    buf_add_u8(out, MQTT_PROP_USER);
    put_text(out, name);
    put_text(out, value);
}

void msg_put_forwarded(const struct mqtt_properties *p, struct buf *out)
{
    if (mqtt_has(p, MQTT_PROP_PAYLOAD_FORMAT)) {
        buf_add_u8(out, MQTT_PROP_PAYLOAD_FORMAT);
        buf_add_u8(out, p->payload_format);
    }
    put_text_property(out, p, MQTT_PROP_CONTENT_TYPE, p->content_type);
    put_text_property(out, p, MQTT_PROP_RESPONSE_TOPIC, p->response_topic);
    put_text_property(out, p, MQTT_PROP_CORRELATION_DATA, p->correlation_data);
    if (!mqtt_has(p, MQTT_PROP_USER))
        return;
    struct span rest = p->raw;
    struct mqtt_user_property user;
    while (mqtt_user_property_next(&rest, &user))
        msg_put_user_property(out, user.name, user.value);
}
