/* Will messages. */
#include "broker/will.h"

#include "broker/route.h"

#define PROPERTIES_MAX (128 * 1024)

int will_new(const struct mqtt_will *w, struct will **ret)
{
    struct will *will = mem_zalloc(MEM_SESSION, sizeof(*will));
    if (!will)
        return ERR_NO_MEMORY;
    struct buf properties = buf_make(MEM_SESSION, PROPERTIES_MAX);
    msg_put_forwarded(&w->properties, &properties);
    struct publication p = {
        .topic = w->topic,
        .properties = buf_span(&properties),
        .payload = w->payload,
        .qos = w->qos,
    };
    will->msg = properties.is_failed ? NULL : publication_msg(&p);
    buf_fini(&properties);
    if (!will->msg) {
        will_free(&will);
        return ERR_NO_MEMORY;
    }
    will->is_retained = w->is_retained;
    if (mqtt_has(&w->properties, MQTT_PROP_WILL_DELAY))
        will->delay_s = w->properties.will_delay;
    if (mqtt_has(&w->properties, MQTT_PROP_MESSAGE_EXPIRY))
        will->expiry_s = w->properties.message_expiry;
    *ret = will;
    return 0;
}

void will_free(struct will **will)
{
    if (!*will)
        return;
    if ((*will)->msg)
        msg_drop((*will)->msg);
    mem_free(MEM_SESSION, *will);
    *will = NULL;
}

void will_publish(struct broker_shard *bs, struct account *account, uint64_t who,
                  struct will **will)
{
    struct will *w = *will;
    /* A fresh publication: its expiry starts now, so the kept message cannot be shared as it is. */
    struct publication p = {
        .topic = msg_topic(w->msg),
        .properties = msg_properties(w->msg),
        .payload = msg_payload(w->msg),
        .qos = w->msg->qos,
        .is_retained = w->is_retained,
        .source = who,
        .born_us = shard_wall_us(bs->shard),
    };
    if (w->expiry_s)
        publication_expire(&p, w->expiry_s, shard_now_ms(bs->shard));
    (void)route_publication(bs, space_of(account), &p);
    publication_fini(&p);
    will_free(will);
}
