/* What the gateway says about bytes that it refused: counts under the error's name, and one log
 * line that lets a person see whose they are, what they were and, when a tracker talks to the wrong
 * port, which protocol they look like. */
#include "gateway/gateway_internal.h"

#include "base/log.h"

#define HEX_BYTES 32

void refusal_count(struct channel *ch, int err)
{
    figure_add(&ch->figures->frames_refused, 1);
    if (err < 0 && err > -(int)ERR_INDEX_COUNT_)
        atomic_fetch_add_explicit(&ch->figures->refused[-err], 1, memory_order_relaxed);
}

/* True when `bytes` begin with a frame that `protocol` understands. */
static bool understands(struct worker *w, const struct protocol *protocol, struct span bytes)
{
    void *state = protocol->state_size ? w->spare_state : NULL;
    if (state)
        memset(state, 0, protocol->state_size);
    struct protocol_link link;
    protocol_link_init(&link, protocol, (struct protocol_options){0}, PROTOCOL_TCP, state);
    int n = protocol->frame(&link, bytes);
    if (n <= 0 || (size_t)n > bytes.n)
        return false;
    /* What the worker's result held of the refused frame is done with. */
    protocol_result_clear(&w->result);
    return protocol->decode(&link, span_head(bytes, (size_t)n), &w->result) >= 0;
}

/* A registered protocol other than `own` that understands `bytes`, or NULL. */
static const struct protocol *looks_like(struct worker *w, const struct protocol *own,
                                         struct span bytes)
{
    size_t count;
    const struct protocol *const *list = protocol_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (list[i] != own && list[i]->frame && understands(w, list[i], bytes))
            return list[i];
    }
    return NULL;
}

static void write_hex(struct span bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.n; i++) {
        *out++ = digits[bytes.p[i] >> 4];
        *out++ = digits[bytes.p[i] & 15];
    }
    *out = '\0';
}

void refusal_log(const struct frame_source *source, int err, struct span bytes)
{
    const struct hub_channel *channel = source->channel->snapshot;
    struct span ident = protocol_ident(source->link);
    const struct protocol *other =
        ident.n ? NULL : looks_like(source->channel->worker, channel->protocol, bytes);
    char hex[2 * HEX_BYTES + 1];
    write_hex(span_head(bytes, HEX_BYTES), hex);
    log_warning("frame refused: channel %llu \"%s\" (%s): peer %.*s%s%.*s: %s: %s: bytes %s%s%s%s",
                (unsigned long long)channel->id, channel->name, channel->protocol->name,
                SPAN_FMT(source->peer), ident.n ? " ident " : "", SPAN_FMT(ident), err_name(err),
                err_text(err), hex, bytes.n > HEX_BYTES ? ".." : "", other ? ", looks like " : "",
                other ? other->name : "");
}
