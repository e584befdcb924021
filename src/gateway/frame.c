/* One frame of a tracker: decode it, find out whose messages these are, let ack.c publish and
 * answer. The same for TCP and UDP; knows no socket. */
#include "gateway/gateway_internal.h"

/* True when the device that is bound to the link's ident is disabled. */
static bool is_device_disabled(const struct frame_source *source)
{
    const struct hub_channel *channel = source->channel->snapshot;
    struct span ident = protocol_ident(source->link);
    if (!ident.n)
        return false;
    const struct hub_device *device = devices_find(&source->channel->worker->devices,
                                                   channel->account, ident, channel->protocol->id);
    return device && !device->is_enabled;
}

/* The ident of one message: its own (a frame may carry several devices' messages), else the link's.
 */
static int find_ident(const struct frame_source *source, const struct message *m, struct span *ret)
{
    const struct message_value *own = message_find(m, SPAN_LIT("ident"));
    if (own && own->type == MESSAGE_TEXT) {
        /* The rules of idents are protocol_set_ident's; this link only lends itself to the check.
         */
        struct protocol_link check;
        protocol_link_init(&check, source->channel->snapshot->protocol,
                           (struct protocol_options){0}, PROTOCOL_TCP, NULL);
        int err = protocol_set_ident(&check, own->text);
        if (!err)
            *ret = own->text;
        return err;
    }
    *ret = protocol_ident(source->link);
    return ret->n ? 0 : err_raise(ERR_CHANNEL_MESSAGE_NO_IDENT);
}

/* All or nothing: when one message cannot be published, none of the frame is, because the frame has
 * one answer. */
static int admit(const struct frame_source *source)
{
    struct worker *w = source->channel->worker;
    const struct hub_channel *channel = source->channel->snapshot;
    for (size_t i = 0; i < w->result.message_count; i++) {
        struct admission *a = &w->admitted[i];
        int err = find_ident(source, w->result.messages[i], &a->ident);
        if (err)
            return err;
        a->device = devices_find(&w->devices, channel->account, a->ident, channel->protocol->id);
        a->is_dropped = a->device && !a->device->is_enabled;
        if (a->is_dropped)
            refusal_count(source->channel, err_raise(ERR_CHANNEL_DEVICE_DISABLED));
        if (message_is_truncated(w->result.messages[i]))
            refusal_count(source->channel, err_raise(ERR_MESSAGE_LIMIT));
    }
    return 0;
}

static void answer(struct frame_source *source, const struct buf *reply)
{
    if (reply->n && !reply->is_failed)
        source->answer(source, buf_span(reply));
}

int frame_process(struct frame_source *source, struct span frame, bool *ret_must_close)
{
    struct worker *w = source->channel->worker;
    struct protocol_result *result = &w->result;
    struct protocol_link *link = source->link;
    protocol_result_clear(result);
    link->now_us = shard_wall_us(w->shard);
    int err = link->protocol->decode(link, frame, result);
    if (err < 0) {
        /* What a refused frame held is not published; its answer, if any, says so. */
        answer(source, &result->reply);
        *ret_must_close = result->must_close;
        return err;
    }
    *ret_must_close = true;
    if (is_device_disabled(source)) {
        answer(source, &result->reject);
        return err_raise(ERR_CHANNEL_DEVICE_DISABLED);
    }
    if (result->reply.is_failed)
        return err_raise(ERR_NO_MEMORY);
    err = admit(source);
    if (!err)
        err = ack_after_publish(source, buf_span(&result->reply));
    if (!err)
        *ret_must_close = result->must_close;
    return err;
}
