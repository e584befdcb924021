/* http/websocket.h: frames. Every stream is read cut in two at every byte (long ones at 300), and
 * byte by byte, in place and to another place: all must tell the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_MAX (200 * 1024)

/* ---- writing what a client sends ---- */

struct stream {
    uint8_t p[STREAM_MAX];
    size_t n;
};

static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};

/* `form`: bytes of extended length. */
static void add_head(struct stream *s, uint8_t first, unsigned form, uint64_t length)
{
    s->p[s->n++] = first;
    s->p[s->n++] = (uint8_t)(0x80 | (form == 8 ? 127 : form == 2 ? 126 : length));
    for (unsigned i = form; i-- > 0;)
        s->p[s->n++] = (uint8_t)(length >> 8 * i);
    memcpy(s->p + s->n, mask, sizeof(mask));
    s->n += sizeof(mask);
}

static void add_frame(struct stream *s, uint8_t first, struct span payload)
{
    add_head(s, first, payload.n < 126 ? 0 : payload.n < 65536 ? 2 : 8, payload.n);
    for (size_t i = 0; i < payload.n; i++)
        s->p[s->n++] = payload.p[i] ^ mask[i % 4];
}

/* ---- reading it ---- */

/* What the reader told, as text: payload as it is, (p:...) for pings, (c1000:...) for closes. */
struct told {
    uint8_t p[STREAM_MAX];
    size_t n;
    int err;
    bool is_ended;
};

static void tell(struct told *t, const void *p, size_t n)
{
    assert_true(t->n + n <= sizeof(t->p));
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void tell_event(struct told *t, const struct websocket_step *step)
{
    char head[16];
    int n = step->event == WEBSOCKET_PING ? snprintf(head, sizeof(head), "(p:")
                                          : snprintf(head, sizeof(head), "(c%u:", step->close_code);
    tell(t, head, (size_t)n);
    tell(t, step->control.p, step->control.n);
    tell(t, ")", 1);
    t->is_ended = step->event == WEBSOCKET_CLOSE;
}

static void read_piece(struct websocket_reader *r, struct span in, bool in_place, struct told *t)
{
    static uint8_t copy[STREAM_MAX], other[STREAM_MAX];
    memcpy(copy, in.p, in.n);
    uint8_t *out = in_place ? copy : other;
    for (size_t used = 0; used < in.n && !t->err && !t->is_ended;) {
        struct websocket_step step;
        struct span rest = span_of(copy + used, in.n - used);
        t->err = websocket_read(r, rest, out, &step);
        assert_true(step.used <= rest.n && step.payload_n <= step.used);
        assert_true(t->err || step.used > 0);
        tell(t, out, step.payload_n);
        if (step.event)
            tell_event(t, &step);
        used += step.used;
    }
}

static void read_cut(const struct stream *s, size_t piece, size_t first, bool in_place,
                     struct told *t)
{
    struct websocket_reader r = {0};
    *t = (struct told){0};
    for (size_t at = 0; at < s->n && !t->err && !t->is_ended;) {
        size_t n = at == 0 && first ? first : piece;
        if (n > s->n - at)
            n = s->n - at;
        read_piece(&r, span_of(s->p + at, n), in_place, t);
        at += n;
    }
}

static void check_told(const struct told *t, const char *what, struct span expected, int err)
{
    if (t->err != err || !span_equal(span_of(t->p, t->n), expected))
        fail_msg("%s: %s, after %zu bytes", what, err_name(t->err), t->n);
}

static void check_stream(const struct stream *s, const char *what, struct span expected, int err)
{
    static struct told t;
    for (int in_place = 0; in_place < 2; in_place++) {
        for (size_t first = 0; first < s->n; first += 1 + s->n / 300) {
            read_cut(s, s->n, first, in_place, &t);
            check_told(&t, what, expected, err);
        }
        read_cut(s, 1, 0, in_place, &t);
        check_told(&t, what, expected, err);
    }
}

/* ---- the rules ---- */

struct frame {
    uint8_t first;
    const char *payload; /* NULL: no more frames */
};

static const struct {
    const char *what;
    struct frame frames[8];
    const char *told;
    int err;
} streams[] = {
    {"one frame", {{0x82, "hello"}}, "hello", 0},
    {"several in a row", {{0x82, "he"}, {0x82, ""}, {0x82, "llo"}}, "hello", 0},
    {"fragments", {{0x02, "he"}, {0x00, "l"}, {0x00, ""}, {0x80, "lo"}, {0x82, "!"}}, "hello!", 0},
    {"an empty first fragment", {{0x02, ""}, {0x80, "x"}}, "x", 0},
    {"ping", {{0x89, ""}, {0x89, "abc"}}, "(p:)(p:abc)", 0},
    {"ping between fragments", {{0x02, "he"}, {0x89, "?"}, {0x80, "llo"}}, "he(p:?)llo", 0},
    {"pong is ignored", {{0x82, "a"}, {0x8A, "abc"}, {0x82, "b"}}, "ab", 0},
    {"pong between fragments", {{0x02, "a"}, {0x8A, ""}, {0x80, "b"}}, "ab", 0},
    {"close without code", {{0x82, "a"}, {0x88, ""}, {0x82, "b"}}, "a(c0:)", 0},
    {"close with code", {{0x88, "\x03\xE8"}}, "(c1000:\x03\xE8)", 0},
    {"close with reason", {{0x88, "\x03\xE9 bye \xC3\xA9"}}, "(c1001:\x03\xE9 bye \xC3\xA9)", 0},
    {"close between fragments", {{0x02, "a"}, {0x88, "\x0B\xB8"}}, "a(c3000:\x0B\xB8)", 0},
    {"close with half a code", {{0x88, "\x03"}}, "", ERR_WEBSOCKET_CLOSE_LENGTH},
    {"close, not UTF-8", {{0x88, "\x03\xE8\xC3("}}, "", ERR_WEBSOCKET_CLOSE_TEXT},
    {"text", {{0x82, "a"}, {0x81, "b"}}, "a", ERR_WEBSOCKET_TEXT},
    {"text fragment", {{0x01, "b"}}, "", ERR_WEBSOCKET_TEXT},
    {"RSV1", {{0xC2, "a"}}, "", ERR_WEBSOCKET_RSV},
    {"RSV2", {{0xA2, "a"}}, "", ERR_WEBSOCKET_RSV},
    {"RSV3", {{0x92, "a"}}, "", ERR_WEBSOCKET_RSV},
    {"RSV1 in a ping", {{0xC9, "a"}}, "", ERR_WEBSOCKET_RSV},
    {"opcode 3", {{0x83, "a"}}, "", ERR_WEBSOCKET_OPCODE},
    {"opcode 7", {{0x87, "a"}}, "", ERR_WEBSOCKET_OPCODE},
    {"opcode 11", {{0x8B, "a"}}, "", ERR_WEBSOCKET_OPCODE},
    {"opcode 15", {{0x8F, "a"}}, "", ERR_WEBSOCKET_OPCODE},
    {"nothing to continue", {{0x80, "a"}}, "", ERR_WEBSOCKET_CONTINUATION},
    {"continued after the end",
     {{0x02, "a"}, {0x80, "b"}, {0x80, "c"}},
     "ab",
     ERR_WEBSOCKET_CONTINUATION},
    {"a message in a message", {{0x02, "a"}, {0x82, "b"}}, "a", ERR_WEBSOCKET_INTERRUPTED},
    {"fragmented ping", {{0x09, "a"}}, "", ERR_WEBSOCKET_CONTROL_FRAGMENT},
    {"fragmented close", {{0x08, ""}}, "", ERR_WEBSOCKET_CONTROL_FRAGMENT},
    {"fragmented pong", {{0x0A, ""}}, "", ERR_WEBSOCKET_CONTROL_FRAGMENT},
};

static void test_rules(void **state)
{
    (void)state;
    static struct stream s;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        s.n = 0;
        for (const struct frame *f = streams[i].frames; f->payload; f++)
            add_frame(&s, f->first, span_str(f->payload));
        check_stream(&s, streams[i].what, span_str(streams[i].told), streams[i].err);
    }
}

static void test_unmasked_frames_are_refused(void **state)
{
    (void)state;
    static struct stream s;
    s.n = 0;
    add_frame(&s, 0x82, SPAN_LIT("ab"));
    memcpy(s.p + s.n, "\x82\x01x", 3);
    s.n += 3;
    check_stream(&s, "unmasked", SPAN_LIT("ab"), ERR_WEBSOCKET_UNMASKED);
}

/* ---- lengths ---- */

static void test_lengths_of_all_forms(void **state)
{
    (void)state;
    static const size_t lengths[] = {0,   1,   7,   8,    9,     124,   125,
                                     126, 127, 128, 1000, 65535, 65536, 70001};
    static uint8_t payload[70001];
    static struct stream s;
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 2654435761u >> 11);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        s.n = 0;
        add_frame(&s, 0x82, span_of(payload, lengths[i]));
        check_stream(&s, "a length", span_of(payload, lengths[i]), 0);
    }
}

static const struct {
    unsigned form;
    uint64_t length;
    int err;
} forms[] = {
    {2, 0, ERR_WEBSOCKET_LENGTH_FORM},
    {2, 125, ERR_WEBSOCKET_LENGTH_FORM},
    {2, 126, 0},
    {2, 65535, 0},
    {8, 0, ERR_WEBSOCKET_LENGTH_FORM},
    {8, 125, ERR_WEBSOCKET_LENGTH_FORM},
    {8, 65535, ERR_WEBSOCKET_LENGTH_FORM},
    {8, 65536, 0},
    {8, INT64_MAX, 0},
    {8, 1ull << 63, ERR_WEBSOCKET_LENGTH_SIGN},
    {8, UINT64_MAX, ERR_WEBSOCKET_LENGTH_SIGN},
};

/* A head with its mask, and nothing behind it. */
static void test_forms_of_lengths(void **state)
{
    (void)state;
    static struct stream s;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        s.n = 0;
        add_head(&s, 0x82, forms[i].form, forms[i].length);
        check_stream(&s, "a form", SPAN_LIT(""), forms[i].err);
    }
}

static void test_control_frames_have_125_bytes_at_most(void **state)
{
    (void)state;
    static struct stream s;
    char payload[126], told[140];
    memset(payload, 'x', sizeof(payload));
    s.n = 0;
    add_frame(&s, 0x89, span_of(payload, 125));
    int n = snprintf(told, sizeof(told), "(p:%.125s)", payload);
    check_stream(&s, "a long ping", span_of(told, (size_t)n), 0);
    for (uint8_t opcode = 8; opcode <= 10; opcode++) {
        s.n = 0;
        add_frame(&s, (uint8_t)(0x80 | opcode), span_of(payload, 126));
        check_stream(&s, "too long", SPAN_LIT(""), ERR_WEBSOCKET_CONTROL_LENGTH);
    }
}

/* RFC 6455 7.4. */
static void test_close_codes(void **state)
{
    (void)state;
    static const struct {
        uint16_t first, last;
    } good[] = {{1000, 1003}, {1007, 1014}, {3000, 4999}};
    static struct stream s;
    for (unsigned code = 0; code <= UINT16_MAX; code += code < 5100 ? 1 : 611) {
        uint8_t payload[] = {(uint8_t)(code >> 8), (uint8_t)code};
        struct websocket_reader r = {0};
        struct websocket_step step;
        uint8_t out[8];
        bool is_good = false;
        for (size_t i = 0; i < 3; i++)
            is_good |= code >= good[i].first && code <= good[i].last;
        s.n = 0;
        add_frame(&s, 0x88, span_of(payload, 2));
        int err = websocket_read(&r, span_of(s.p, s.n), out, &step);
        assert_int_equal(err, is_good ? 0 : ERR_WEBSOCKET_CLOSE_CODE);
        if (is_good)
            assert_int_equal(step.close_code, code);
    }
}

/* ---- what a server sends ---- */

static void test_heads(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        const char *head;
        size_t head_n;
    } heads[] = {
        {0, "\x82\x00", 2},
        {125, "\x82\x7D", 2},
        {126, "\x82\x7E\x00\x7E", 4},
        {65535, "\x82\x7E\xFF\xFF", 4},
        {65536, "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00", 10},
        {1ull << 40, "\x82\x7F\x00\x00\x01\x00\x00\x00\x00\x00", 10},
    };
    uint8_t out[WEBSOCKET_HEAD_MAX];
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        assert_int_equal(websocket_write_head(WEBSOCKET_BINARY, heads[i].n, out), heads[i].head_n);
        assert_memory_equal(out, heads[i].head, heads[i].head_n);
    }
    assert_int_equal(websocket_write_head(WEBSOCKET_PONG, 3, out), 2);
    assert_memory_equal(out, "\x8A\x03", 2);
}

static void test_close_frames(void **state)
{
    (void)state;
    uint8_t out[WEBSOCKET_CLOSE_FRAME_MAX];
    assert_int_equal(websocket_write_close(1002, out), 4);
    assert_memory_equal(out, "\x88\x02\x03\xEA", 4);
    assert_int_equal(websocket_write_close(0, out), 2);
    assert_memory_equal(out, "\x88\x00", 2);
}

static void test_codes_of_errors(void **state)
{
    (void)state;
    static const struct {
        int err;
        uint16_t code;
    } codes[] = {
        {0, 1000},
        {ERR_CONN_EOF, 1000},
        {ERR_BROKER_DISCONNECTED, 1000},
        {ERR_BROKER_SHUTDOWN, 1001},
        {ERR_WEBSOCKET_UNMASKED, 1002},
        {ERR_WEBSOCKET_TEXT, 1003},
        {ERR_WEBSOCKET_CLOSE_TEXT, 1007},
        {ERR_BROKER_TAKEN_OVER, 1008},
        {ERR_WEBSOCKET_PINGS, 1008},
        {ERR_NO_MEMORY, 1011},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        assert_int_equal(websocket_close_code(codes[i].err), codes[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_unmasked_frames_are_refused),
        cmocka_unit_test(test_lengths_of_all_forms),
        cmocka_unit_test(test_forms_of_lengths),
        cmocka_unit_test(test_control_frames_have_125_bytes_at_most),
        cmocka_unit_test(test_close_codes),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_close_frames),
        cmocka_unit_test(test_codes_of_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
