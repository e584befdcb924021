/* Trackers that speak UDP. A datagram is a frame, and every protocol that we know over UDP names
 * the device in each: so each datagram gets a fresh link, and nothing is remembered between two. A
 * sender with a forged address can therefore make us allocate nothing. */
#include "gateway/gateway_internal.h"

/* Refused datagrams are counted all, and logged for one channel at most this often. */
#define LOG_PAUSE_MS 10000

struct datagram {
    struct frame_source source;
    const struct net_address *peer;
};

static void answer(struct frame_source *source, struct span reply)
{
    struct datagram *d = (struct datagram *)source;
    figure_add(&source->channel->figures->bytes_out, reply.n);
    udp_send(source->channel->udp, d->peer, reply);
}

static void refuse(struct frame_source *source, int err, struct span in)
{
    struct channel *ch = source->channel;
    refusal_count(ch, err);
    int64_t now_ms = shard_now_ms(ch->worker->shard);
    if (ch->datagram_logged_ms && now_ms - ch->datagram_logged_ms < LOG_PAUSE_MS)
        return;
    ch->datagram_logged_ms = now_ms;
    refusal_log(source, err, in);
}

void datagram_receive(void *channel, const struct net_address *peer, struct span in)
{
    struct channel *ch = channel;
    const struct hub_channel *snapshot = ch->snapshot;
    const struct protocol *protocol = snapshot->protocol;
    void *state = protocol->state_size ? ch->worker->spare_state : NULL;
    if (state)
        memset(state, 0, protocol->state_size);
    struct protocol_link link;
    protocol_link_init(&link, protocol, snapshot->options, PROTOCOL_UDP, state);
    char text[NET_ADDRESS_TEXT_MAX];
    struct span peer_text = span_of(text, net_address_text(peer, text));
    struct datagram d = {{ch, &link, peer_text, answer}, peer};
    figure_add(&ch->figures->bytes_in, in.n);
    bool must_close; /* there is nothing to close */
    int err = in.n > protocol->frame_max ? err_raise(ERR_PROTOCOL_FRAME_TOO_LONG)
                                         : frame_process(&d.source, in, &must_close);
    if (err < 0)
        refuse(&d.source, err, in);
}
