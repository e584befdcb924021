/* PUBLISH (MQTT 5.0 3.3): from a client into the broker. */
#include "broker/client.h"
#include "broker/request.h"
#include "broker/rights.h"
#include "broker/route.h"

/* The topic itself, or what its alias stands for (MQTT 5.0 3.3.2.3.4). */
static int resolve_alias(struct client *c, struct mqtt_publish *p)
{
    if (!p->has_properties || !mqtt_has(&p->properties, MQTT_PROP_TOPIC_ALIAS))
        return 0;
    uint16_t max = c->bs->broker->config.topic_alias_maximum;
    if (p->topic.n)
        return aliases_in_set(&c->aliases_in, max, p->properties.topic_alias, p->topic);
    return aliases_in_get(c->aliases_in, max, p->properties.topic_alias, &p->topic);
}

/* A refused publication: 5.0 is told so, 3.x has no way but to acknowledge; either way it is
 * dropped and counted. */
static void refuse(struct client *c, const struct mqtt_publish *p, int err)
{
    broker_count(c->bs, COUNT_DROPPED, 1);
    uint8_t reason = c->version == MQTT_5_0 ? err_mqtt_reason(err) : MQTT_SUCCESS;
    if (p->qos == 1)
        client_send_ack(c, MQTT_PUBACK, p->packet_id, reason);
    else if (p->qos == 2)
        client_send_ack(c, MQTT_PUBREC, p->packet_id, reason);
}

static uint32_t route(struct client *c, const struct mqtt_publish *packet)
{
    struct broker_shard *bs = c->bs;
    struct publication p = {
        .topic = packet->topic,
        .payload = packet->payload,
        .qos = packet->qos,
        .is_retained = packet->is_retained,
        .source = c->session->who,
        .born_us = shard_wall_us(bs->shard),
    };
    if (packet->has_properties) {
        buf_clear(&bs->properties);
        msg_put_forwarded(&packet->properties, &bs->properties);
        p.properties = buf_span(&bs->properties);
        if (mqtt_has(&packet->properties, MQTT_PROP_MESSAGE_EXPIRY))
            publication_expire(&p, packet->properties.message_expiry, shard_now_ms(bs->shard));
    }
    uint32_t matched = route_publication(bs, space_of(c->login.account), &p);
    publication_fini(&p);
    return matched;
}

/* What the publication is for: a request, or everyone who subscribed. An error refuses it. */
static int take(struct client *c, const struct mqtt_publish *p, uint32_t *ret_matched)
{
    if (request_is_one(c->bs->broker, p->topic)) {
        *ret_matched = 1;
        return request_serve(c, p);
    }
    int err = rights_publish(c->bs->broker, p->topic);
    if (err == 0)
        *ret_matched = route(c, p);
    return err;
}

static int receive_qos2(struct client *c, const struct mqtt_publish *p)
{
    struct pid_set *open = &c->session->received;
    /* MQTT 5.0 4.3.3: until PUBREL the same identifier is the same message. */
    if (!pid_set_has(open, p->packet_id)) {
        if (c->version == MQTT_5_0 && open->count >= c->bs->broker->config.receive_maximum)
            return err_raise(ERR_BROKER_RECEIVE_MAXIMUM);
        int err = pid_set_add(open, p->packet_id);
        if (err < 0)
            return err;
        uint32_t matched;
        err = take(c, p, &matched);
        if (err < 0) {
            /* In 3.x a refused message is acknowledged to its end as any other. */
            if (c->version == MQTT_5_0)
                (void)pid_set_remove(open, p->packet_id);
            refuse(c, p, err);
            return 0;
        }
    }
    client_send_ack(c, MQTT_PUBREC, p->packet_id, MQTT_SUCCESS);
    return 0;
}

static void receive_qos0_1(struct client *c, const struct mqtt_publish *p)
{
    uint32_t matched = 0;
    int err = take(c, p, &matched);
    bool is_unheard = !matched && c->version == MQTT_5_0;
    if (err < 0)
        refuse(c, p, err);
    else if (p->qos == 1)
        client_send_ack(c, MQTT_PUBACK, p->packet_id,
                        is_unheard ? MQTT_NO_MATCHING_SUBSCRIBERS : MQTT_SUCCESS);
}

int handle_publish(struct client *c, const struct mqtt_frame *f)
{
    struct mqtt_publish p;
    const struct rate *rate = &c->bs->broker->packet_rate;
    if (rate->gap_ns && !rate_take(rate, &c->rate_full_ns, shard_now_ms(c->bs->shard)))
        return err_raise(ERR_BROKER_PACKET_RATE);
    int err = mqtt_decode_publish(f, c->version, true, &p);
    if (err < 0)
        return err;
    broker_count(c->bs, COUNT_RECEIVED, 1);
    broker_count(c->bs, COUNT_PAYLOAD_RECEIVED, (int64_t)p.payload.n);
    err = resolve_alias(c, &p);
    if (err < 0)
        return err;
    if (p.qos == 2)
        return receive_qos2(c, &p);
    receive_qos0_1(c, &p);
    return 0;
}
