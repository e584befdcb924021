/* The gateway's loop around a decoder, reduced to what a test needs. */
#include "replay.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_LIMIT (16 * 1024 * 1024)
#define BUFFER_LIMIT (8 * 1024 * 1024)
#define NOW_US INT64_C(1767225600000000) /* 2026-01-01, when nothing else tells the time */

struct replay {
    struct protocol_link link;
    struct protocol_result result;
    struct arena arena;
    struct buf in;
    bool is_closed;
    json_t *frames, *messages, *replies, *errors;
    json_t *report; /* the last one asked for */
};

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "out of memory\n");
        abort();
    }
    return p;
}

static void start_lists(struct replay *r)
{
    r->frames = must(json_array());
    r->messages = must(json_array());
    r->replies = must(json_array());
    r->errors = must(json_array());
}

static void drop_lists(struct replay *r)
{
    json_decref(r->frames);
    json_decref(r->messages);
    json_decref(r->replies);
    json_decref(r->errors);
}

struct replay *replay_new(struct replay_setup setup)
{
    struct replay *r = must(mem_zalloc(MEM_GATEWAY, sizeof(*r)));
    const struct protocol *protocol = setup.protocol;
    void *state = protocol->state_size ? must(mem_zalloc(MEM_GATEWAY, protocol->state_size)) : NULL;
    struct protocol_options options = {.is_lenient = setup.is_lenient};
    r->arena = arena_make(MEM_MESSAGE, ARENA_LIMIT);
    r->in = buf_make(MEM_GATEWAY, BUFFER_LIMIT);
    protocol_link_init(&r->link, protocol, options, setup.transport, state);
    protocol_result_init(&r->result, &r->arena);
    r->link.now_us = NOW_US;
    if (setup.ident && protocol_set_ident(&r->link, span_str(setup.ident)) < 0)
        abort();
    start_lists(r);
    return r;
}

void replay_free(struct replay **replay)
{
    struct replay *r = *replay;
    *replay = NULL;
    if (!r)
        return;
    drop_lists(r);
    json_decref(r->report);
    protocol_result_fini(&r->result);
    arena_fini(&r->arena);
    buf_fini(&r->in);
    mem_free(MEM_GATEWAY, r->link.state);
    mem_free(MEM_GATEWAY, r);
}

static void append(json_t *list, json_t *value)
{
    if (json_array_append_new(list, must(value)) != 0)
        must(NULL);
}

static json_t *hex_of(struct span bytes)
{
    struct buf text = buf_make(MEM_GATEWAY, BUFFER_LIMIT);
    for (size_t i = 0; i < bytes.n; i++)
        buf_addf(&text, "%02x", bytes.p[i]);
    json_t *value = must(json_stringn((const char *)text.p, text.n));
    buf_fini(&text);
    return value;
}

static void keep_message(struct replay *r, struct message *m)
{
    struct buf text = buf_make(MEM_MESSAGE, BUFFER_LIMIT);
    json_error_t why;
    if (message_write_json(m, &text) < 0)
        must(NULL);
    json_t *value = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    if (!value) {
        fprintf(stderr, "a message is no JSON: %s: %.*s\n", why.text, SPAN_FMT(buf_span(&text)));
        abort();
    }
    append(r->messages, value);
    buf_fini(&text);
}

void replay_decode(struct replay *r, struct span frame)
{
    protocol_result_clear(&r->result);
    append(r->frames, json_integer((json_int_t)frame.n));
    int err = r->link.protocol->decode(&r->link, frame, &r->result);
    if (err < 0)
        append(r->errors, json_string(err_name(err)));
    for (size_t i = 0; i < r->result.message_count; i++)
        keep_message(r, r->result.messages[i]);
    if (r->result.reply.n > 0)
        append(r->replies, hex_of(buf_span(&r->result.reply)));
    r->is_closed = r->is_closed || r->result.must_close;
}

void replay_feed(struct replay *r, struct span bytes)
{
    buf_add_span(&r->in, bytes);
    while (!r->is_closed && r->in.n > 0) {
        int n = r->link.protocol->frame(&r->link, buf_span(&r->in));
        if (n == 0)
            return;
        if (n < 0) {
            append(r->errors, json_string(err_name(n)));
            r->is_closed = true;
            return;
        }
        /* A frame of its own allocation: reading past its end is seen by AddressSanitizer. */
        assert((size_t)n <= r->in.n);
        uint8_t *copy = must(mem_alloc(MEM_GATEWAY, (size_t)n));
        memcpy(copy, r->in.p, (size_t)n);
        buf_consume(&r->in, (size_t)n);
        replay_decode(r, span_of(copy, (size_t)n));
        mem_free(MEM_GATEWAY, copy);
    }
}

json_t *replay_report(struct replay *r)
{
    struct span ident = protocol_ident(&r->link);
    json_decref(r->report);
    r->report = must(json_pack("{s:s%, s:O, s:O, s:O, s:O, s:b}", "ident", (const char *)ident.p,
                               (int)ident.n, "frames", r->frames, "messages", r->messages,
                               "replies", r->replies, "errors", r->errors, "closed", r->is_closed));
    return r->report;
}

void replay_forget(struct replay *r)
{
    drop_lists(r);
    start_lists(r);
}

/* xorshift64: the same cuts for the same seed everywhere. */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static json_t *finish(struct replay *r)
{
    json_t *report = json_incref(replay_report(r));
    replay_free(&r);
    return report;
}

json_t *replay_stream(struct replay_setup setup, struct span stream)
{
    struct replay *r = replay_new(setup);
    replay_feed(r, stream);
    return finish(r);
}

json_t *replay_stream_cut(struct replay_setup setup, struct span stream, uint64_t seed)
{
    struct replay *r = replay_new(setup);
    /* Half the seeds cut finely, half into a few pieces, where other mistakes hide. */
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    size_t longest = seed % 2 ? 16 : stream.n;
    for (size_t at = 0; at < stream.n;) {
        size_t n = seed == 0 ? 1 : 1 + (size_t)(draw(&state) % (longest ? longest : 1));
        struct span piece = span_head(span_from(stream, at), n);
        replay_feed(r, piece);
        at += piece.n;
    }
    return finish(r);
}

bool replay_is_cut_proof(struct replay_setup setup, struct span stream, unsigned cuts)
{
    json_t *whole = replay_stream(setup, stream);
    bool is_same = true;
    for (unsigned seed = 0; is_same && seed <= cuts; seed++) {
        json_t *cut = replay_stream_cut(setup, stream, seed);
        is_same = json_equal(whole, cut);
        json_decref(cut);
    }
    json_decref(whole);
    return is_same;
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool replay_unhex(struct span text, struct buf *out)
{
    int high = -1;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        int digit = digit_of(c);
        if (digit < 0)
            return false;
        if (high >= 0)
            buf_add_u8(out, (uint8_t)(high << 4 | digit));
        high = high < 0 ? digit : -1;
    }
    return high < 0 && !out->is_failed;
}
