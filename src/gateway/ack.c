/* The promise behind a tracker's acknowledgement: the device may forget what we answer for, so the
 * answer leaves only after every message of its frame was published. Messages are as durable then
 * as the hub's store makes them. */
#include "gateway/gateway_internal.h"

static int publish_one(const struct frame_source *source, struct message *m,
                       const struct admission *admitted)
{
    struct worker *w = source->channel->worker;
    const struct hub_origin origin = {
        .broker = w->gateway->broker,
        .channel = source->channel->snapshot,
        .device = admitted->device,
        .ident = admitted->ident,
        .peer = source->peer,
        .server_us = source->link->now_us,
    };
    buf_clear(&w->scratch);
    return hub_publish_message(&origin, m, &w->scratch);
}

int ack_after_publish(struct frame_source *source, struct span reply)
{
    struct worker *w = source->channel->worker;
    for (size_t i = 0; i < w->result.message_count; i++) {
        if (w->admitted[i].is_dropped)
            continue;
        int err = publish_one(source, w->result.messages[i], &w->admitted[i]);
        if (err < 0)
            return err;
        figure_add(&source->channel->figures->messages, 1);
    }
    if (reply.n)
        source->answer(source, reply);
    return 0;
}
