/* Fuzz target of the HTTP codec. Byte 0 draws where the stream is cut, byte 1 the limits; the rest
 * is the stream. However it is cut, the framer must give one answer; what it calls a request must
 * parse, end there and nowhere before, and keep its limits. */
#include "http/query.h"
#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        __builtin_trap();
}

/* The framer's answer when the stream arrives in pieces of 1 to 16 bytes, drawn from `seed`. */
static int frame_in_pieces(struct span in, uint32_t seed, size_t head_max, size_t body_max)
{
    struct http_framer f;
    http_framer_init(&f, head_max, body_max);
    int rc = 0;
    for (size_t n = 0; rc == 0 && n < in.n;) {
        n += seed == 0 ? 1 : 1 + seed % 16;
        seed = seed * 1664525 + 1013904223;
        rc = http_framer_next(&f, span_head(in, n));
    }
    return rc;
}

static void check_query(struct span text, struct arena *arena)
{
    struct http_query q = http_query_of(text);
    struct span name, value, found;
    size_t bytes = 0;
    while (http_query_next(&q, arena, &name, &value) > 0)
        bytes += name.n + value.n;
    check(bytes <= text.n);
    check(http_query_find(text, "id", arena, &found) <= 1);
}

static void check_request(struct span whole, size_t body_max)
{
    struct arena arena = arena_make(MEM_BASE, 1 << 20);
    struct http_request request;
    check(http_request_parse(whole, &arena, &request) == 0);
    check(request.body.n <= body_max && request.header_count <= HTTP_HEADERS_MAX);
    check(request.path.n > 0 && request.method_name.n > 0);
    for (size_t i = 0; i < request.header_count; i++) {
        check(request.headers[i].name.n > 0);
        check(span_find(request.headers[i].value, '\n') == request.headers[i].value.n);
    }
    check_query(request.query, &arena);
    check_query(request.body, &arena);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct span in = span_of(data + 2, size - 2);
    size_t head_max = data[1] & 1 ? 64 : 4096;
    size_t body_max = data[1] & 2 ? 16 : 4096;
    int n = http_request_frame(in, head_max, body_max);
    check(frame_in_pieces(in, data[0], head_max, body_max) == n);
    if (n > 0) {
        check(http_request_frame(span_head(in, (size_t)n - 1), head_max, body_max) == 0);
        check_request(span_head(in, (size_t)n), body_max);
    }
    return 0;
}
