/* PUBACK, PUBREC, PUBREL, PUBCOMP (MQTT 5.0 3.4 to 3.7): the hand-shakes of QoS 1 and 2. */
#include "broker/client.h"
#include "broker/deliver.h"

static void on_puback(struct client *c, const struct mqtt_ack *a)
{
    struct outbox_item *item = outbox_find(&c->session->outbox, a->packet_id);
    if (!item || item->qos != 1) {
        (void)err_raise(ERR_BROKER_PID_NOT_FOUND);
        return;
    }
    outbox_acknowledge(&c->session->outbox, item, true);
    deliver_queued(c->session);
}

static void on_pubrec(struct client *c, const struct mqtt_ack *a)
{
    struct outbox_item *item = outbox_find(&c->session->outbox, a->packet_id);
    if (!item || item->qos != 2) {
        (void)err_raise(ERR_BROKER_PID_NOT_FOUND);
        client_send_ack(c, MQTT_PUBREL, a->packet_id, MQTT_PACKET_ID_NOT_FOUND);
        return;
    }
    if (a->reason >= MQTT_UNSPECIFIED_ERROR) {
        outbox_acknowledge(&c->session->outbox, item, true);
        deliver_queued(c->session);
        return;
    }
    if (item->state != ITEM_RELEASED)
        outbox_acknowledge(&c->session->outbox, item, false);
    client_send_ack(c, MQTT_PUBREL, a->packet_id, MQTT_SUCCESS);
}

static void on_pubrel(struct client *c, const struct mqtt_ack *a)
{
    bool was_open = pid_set_remove(&c->session->received, a->packet_id);
    client_send_ack(c, MQTT_PUBCOMP, a->packet_id,
                    was_open ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND);
}

static void on_pubcomp(struct client *c, const struct mqtt_ack *a)
{
    struct outbox_item *item = outbox_find(&c->session->outbox, a->packet_id);
    if (!item || item->state != ITEM_RELEASED) {
        (void)err_raise(ERR_BROKER_PID_NOT_FOUND);
        return;
    }
    outbox_acknowledge(&c->session->outbox, item, true);
    deliver_queued(c->session);
}

int handle_ack(struct client *c, const struct mqtt_frame *f)
{
    static void (*const handlers[])(struct client *, const struct mqtt_ack *) = {
        [MQTT_PUBACK] = on_puback,
        [MQTT_PUBREC] = on_pubrec,
        [MQTT_PUBREL] = on_pubrel,
        [MQTT_PUBCOMP] = on_pubcomp,
    };
    struct mqtt_ack a;
    int err = mqtt_decode_ack(f, c->version, &a);
    if (err < 0)
        return err;
    handlers[f->type](c, &a);
    return 0;
}
