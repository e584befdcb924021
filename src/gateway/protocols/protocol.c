/* What all tracker protocols share: the link of one connection, the result of one frame, the
 * registry. Between the gateway, which runs connections, and the decoders, which only see bytes. */
#include "gateway/protocols/protocol.h"

#define IDENT_FORBIDDEN "#+/"
#define REPLY_LIMIT (64 * 1024)

void protocol_link_init(struct protocol_link *link, const struct protocol *protocol,
                        struct protocol_options options, enum protocol_transport transport,
                        void *state)
{
    *link = (struct protocol_link){
        .protocol = protocol, .options = options, .transport = transport, .state = state};
}

static bool is_ident_byte(uint8_t byte)
{
    struct span forbidden = SPAN_LIT(IDENT_FORBIDDEN);
    return byte >= 0x20 && byte <= 0x7e && span_find(forbidden, byte) == forbidden.n;
}

int protocol_set_ident(struct protocol_link *link, struct span ident)
{
    if (ident.n == 0)
        return err_raise(ERR_IDENT_EMPTY);
    if (ident.n > sizeof(link->ident))
        return err_raise(ERR_IDENT_TOO_LONG);
    for (size_t i = 0; i < ident.n; i++) {
        if (!is_ident_byte(ident.p[i]))
            return err_raise(ERR_IDENT_CHARACTER);
    }
    memcpy(link->ident, ident.p, ident.n);
    link->ident_n = ident.n;
    return 0;
}

struct message *protocol_add_message(struct protocol_result *result)
{
    if (result->message_count >= PROTOCOL_MESSAGES_MAX)
        return NULL;
    struct message *m = message_new(result->arena);
    if (m)
        result->messages[result->message_count++] = m;
    return m;
}

int protocol_add_error(const struct protocol_result *result)
{
    bool is_full = result->message_count >= PROTOCOL_MESSAGES_MAX;
    return err_raise(is_full ? ERR_PROTOCOL_MESSAGES_LIMIT : ERR_NO_MEMORY);
}

void protocol_result_init(struct protocol_result *result, struct arena *arena)
{
    *result = (struct protocol_result){.arena = arena,
                                       .reply = buf_make(MEM_GATEWAY, REPLY_LIMIT),
                                       .reject = buf_make(MEM_GATEWAY, REPLY_LIMIT)};
}

void protocol_result_clear(struct protocol_result *result)
{
    arena_clear(result->arena);
    result->message_count = 0;
    buf_clear(&result->reply);
    buf_clear(&result->reject);
    result->must_close = false;
    result->is_login = false;
}

void protocol_result_fini(struct protocol_result *result)
{
    protocol_result_clear(result);
    buf_fini(&result->reply);
    buf_fini(&result->reject);
}

#define PROTOCOL(symbol) extern const struct protocol symbol;
#include "gateway/protocols/registry.def"
#undef PROTOCOL

static const struct protocol *const registry[] = {
#define PROTOCOL(symbol) &symbol,
#include "gateway/protocols/registry.def"
#undef PROTOCOL
    NULL, /* so that a registry without lines is an array, too */
};

const struct protocol *const *protocol_list(size_t *ret_count)
{
    *ret_count = sizeof(registry) / sizeof(registry[0]) - 1;
    return registry;
}

const struct protocol *protocol_by_name(struct span name)
{
    for (const struct protocol *const *p = registry; *p; p++) {
        if (span_equal(span_str((*p)->name), name))
            return *p;
    }
    return NULL;
}

const struct protocol *protocol_by_id(uint16_t id)
{
    for (const struct protocol *const *p = registry; *p; p++) {
        if ((*p)->id == id)
            return *p;
    }
    return NULL;
}
