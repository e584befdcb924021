/* Requests: what is accepted and what it says, what is refused and by which name, each case whole,
 * byte by byte and at random cuts. */
#include "http/request.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD_MAX 512
#define BODY_MAX 64

/* The framer's answer when exactly the offsets in `cuts` are where bytes arrive. */
static int frame_in_pieces(struct span in, const size_t *cuts, size_t cut_count)
{
    struct http_framer f;
    http_framer_init(&f, HEAD_MAX, BODY_MAX);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i <= cut_count; i++) {
        size_t n = i == cut_count ? in.n : cuts[i];
        uint8_t *copy = malloc(n + 1); /* moves, and ends where the piece ends */
        assert_non_null(copy);
        memcpy(copy, in.p, n);
        rc = http_framer_next(&f, span_of(copy, n));
        free(copy);
    }
    return rc;
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* The one answer that all ways to cut `in` must give. */
static int frame_every_way(struct span in)
{
    int whole = http_request_frame(in, HEAD_MAX, BODY_MAX);
    size_t cuts[2048];
    assert_true(in.n < 2048);
    for (size_t i = 0; i < in.n; i++)
        cuts[i] = i;
    assert_int_equal(frame_in_pieces(in, cuts, in.n), whole);
    srandom(7);
    for (int round = 0; round < 200 && in.n; round++) {
        size_t count = (size_t)random() % 6 + 1;
        for (size_t i = 0; i < count; i++)
            cuts[i] = (size_t)random() % in.n;
        qsort(cuts, count, sizeof(cuts[0]), compare_sizes);
        assert_int_equal(frame_in_pieces(in, cuts, count), whole);
    }
    return whole;
}

#define POST_CHUNKED "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
    int err;
    const char *text;
} refusals[] = {
    {ERR_HTTP_METHOD, "FETCH / HTTP/1.1\r\n\r\n"},
    {ERR_HTTP_METHOD, "\x16\x03\x01"},
    {ERR_HTTP_TARGET, "GET /\x01 HTTP/1.1\r\n\r\n"},
    {ERR_HTTP_REQUEST_LINE, "GET / HTTQ/1.1\r\n\r\n"},
    {ERR_HTTP_MALFORMED, "GET / XTTP/1.1\r\n\r\n"},
    {ERR_HTTP_VERSION_TEXT, "GET / HTTP/x\r\n\r\n"},
    {ERR_HTTP_VERSION, "GET / HTTP/2.0\r\n\r\n"},
    {ERR_HTTP_VERSION, "GET /\r\n\r\n"},
    {ERR_HTTP_LINE_END, "GET / HTTP/1.1\rA: b\r\n\r\n"},
    {ERR_HTTP_LINE_END, "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n"},
    {ERR_HTTP_HEAD_END, "GET / HTTP/1.1\r\nA: b\r\n\rX"},
    {ERR_HTTP_HEAD_TOO_LONG, "GET / HTTP/1.1\r\nA: " HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED},
    {ERR_HTTP_HEAD_TOO_LONG, "GET /" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED},
    {ERR_HTTP_HEADER_NAME, "GET / HTTP/1.1\r\nA b: c\r\n\r\n"},
    {ERR_HTTP_HEADER_NAME, "GET / HTTP/1.1\r\nHost : c\r\n\r\n"},
    {ERR_HTTP_HEADER_CHARACTER, "GET / HTTP/1.1\r\nA: b\x01\r\n\r\n"},
    {ERR_HTTP_HEADER_CHARACTER, "GET / HTTP/1.1\r\n: b\r\n\r\n"},
    {ERR_HTTP_HEADER_CHARACTER, "GET / HTTP/1.1\r\nA\r\n\r\n"},
    /* The byte that the parser refuses counts, not the line that we would refuse before it. */
    {ERR_HTTP_HEADER_CHARACTER, "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nn;\r\n\r\n"},
    {ERR_HTTP_HEADER_CHARACTER, "GET / HTTP/1.1\r\nA: b\r\n c\x01\r\n\r\n"},
    {ERR_HTTP_HEADER_FOLDED, "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"},
    {ERR_HTTP_HEADER_FOLDED, "GET / HTTP/1.1\r\nA:\r\n\tc\r\n\r\n"},
    {ERR_HTTP_LENGTH, "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello"},
    {ERR_HTTP_LENGTH, "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nhello"},
    {ERR_HTTP_LENGTH, "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n"},
    {ERR_HTTP_LENGTH, "POST / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\n"},
    {ERR_HTTP_LENGTH_TWICE,
     "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
    {ERR_HTTP_LENGTH_AND_CHUNKED,
     "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {ERR_HTTP_LENGTH_AND_CHUNKED,
     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
    {ERR_HTTP_TRANSFER_CODING, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
    {ERR_HTTP_TRANSFER_CODING, "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n"},
    {ERR_HTTP_TRANSFER_CODING,
     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {ERR_HTTP_BODY_TOO_LONG, "POST / HTTP/1.1\r\nContent-Length: 65\r\n\r\n"},
    {ERR_HTTP_CHUNKS_BODY_TOO_LONG, POST_CHUNKED "41\r\n"},
    {ERR_HTTP_CHUNKS_BODY_TOO_LONG, POST_CHUNKED "2\r\nab\r\n3f\r\n"},
    {ERR_HTTP_CHUNK_SIZE, POST_CHUNKED "x\r\n"},
    {ERR_HTTP_CHUNK_SIZE, POST_CHUNKED "1\na\n0\n\n"},
    {ERR_HTTP_CHUNK_SIZE_END, POST_CHUNKED "1\rXa\r\n0\r\n\r\n"},
    {ERR_HTTP_CHUNK_END, POST_CHUNKED "1\r\naXX0\r\n\r\n"},
    {ERR_HTTP_CHUNKS_END, POST_CHUNKED "1\r\na\r\n0\r\n\rX"},
    {ERR_HTTP_CHUNKS_TOO_LONG,
     POST_CHUNKED "1;" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "\r\na"},
};

static void test_refusals_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        uint64_t before = err_count(refusals[i].err);
        int rc = frame_every_way(span_str(refusals[i].text));
        if (rc != refusals[i].err)
            fail_msg("%s gave %s", refusals[i].text, err_name(rc));
        assert_true(err_count(rc) > before);
        struct arena arena = arena_make(MEM_BASE, 1 << 20);
        struct http_request request;
        assert_true(http_request_parse(span_str(refusals[i].text), &arena, &request) < 0);
        arena_fini(&arena);
    }
}

/* Any prefix of a good request needs more, and bytes behind it change nothing. */
static void assert_frame(const char *text, size_t n)
{
    struct span in = span_str(text);
    assert_int_equal(frame_every_way(in), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(http_request_frame(span_head(in, i), HEAD_MAX, BODY_MAX), 0);
}

static void test_frame_ends_where_the_request_ends(void **state)
{
    (void)state;
    assert_frame("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", 18);
    assert_frame("\r\n\r\nGET / HTTP/1.1\r\n\r\n", 22);
    assert_frame("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello more", 43);
    assert_frame("POST / HTTP/1.1\r\nContent-Length: 64\r\n\r\n" TEN TEN TEN TEN TEN TEN "abcd",
                 103);
    assert_frame(POST_CHUNKED "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: t\r\n\r\nX", 84);
    assert_frame(POST_CHUNKED "0\r\n\r\n", 52);
    assert_frame("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05", 59);
}

/* A head of exactly the limit passes, one byte more does not. */
static void test_head_limit_is_exact(void **state)
{
    (void)state;
    struct span in = SPAN_LIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(http_request_frame(in, in.n, 0), in.n);
    assert_int_equal(http_request_frame(in, in.n - 1, 0), ERR_HTTP_HEAD_TOO_LONG);
}

static void test_too_many_headers(void **state)
{
    (void)state;
    struct buf text = buf_make(MEM_BASE, 1 << 16);
    for (size_t count = HTTP_HEADERS_MAX; count <= HTTP_HEADERS_MAX + 1; count++) {
        buf_clear(&text);
        buf_add_str(&text, "GET / HTTP/1.1\r\n");
        for (size_t i = 0; i < count; i++)
            buf_add_str(&text, "a: b\r\n");
        buf_add_str(&text, "\r\n");
        int rc = http_request_frame(buf_span(&text), 4096, 0);
        assert_int_equal(rc, count > HTTP_HEADERS_MAX ? ERR_HTTP_HEADERS_MANY : (int)text.n);
    }
    buf_fini(&text);
}

/* The parser counts the bytes of a chunk's line by itself, whatever the caller's limits. */
static void test_endless_chunk_extension(void **state)
{
    (void)state;
    struct buf text = buf_make(MEM_BASE, 1 << 20);
    buf_add_str(&text, POST_CHUNKED "1;");
    while (text.n < 100000)
        buf_add_str(&text, "extension");
    assert_int_equal(http_request_frame(buf_span(&text), 4096, 1 << 20), ERR_HTTP_CHUNK_LINE_LONG);
    buf_fini(&text);
}

/* A large body in small pieces: the framer must not read what it has read before. */
static void test_body_bytes_are_not_read_again(void **state)
{
    (void)state;
    struct http_framer f;
    http_framer_init(&f, 4096, 1 << 20);
    struct span head = SPAN_LIT("POST / HTTP/1.1\r\nContent-Length: 1048576\r\n"
                                "Expect: 100-continue\r\n\r\n");
    assert_int_equal(http_framer_next(&f, head), 0);
    assert_int_equal(f.head_n, head.n);
    assert_true(f.expects_continue);
    /* Only the length of what arrived matters now: the bytes themselves are not there. */
    assert_int_equal(http_framer_next(&f, span_of(head.p, head.n + 1048575)), 0);
    assert_int_equal(http_framer_next(&f, span_of(head.p, head.n + 1048576)), head.n + 1048576);
}

static struct http_request parse(struct arena *arena, const char *text)
{
    struct http_request request;
    assert_int_equal(http_request_parse(span_str(text), arena, &request), 0);
    return request;
}

static void assert_text(struct span s, const char *text)
{
    if (!span_equal(s, span_str(text)))
        fail_msg("'%.*s' is not '%s'", SPAN_FMT(s), text);
}

static void test_parse_takes_a_request_apart(void **state)
{
    (void)state;
    struct arena arena = arena_make(MEM_BASE, 1 << 16);
    struct http_request r =
        parse(&arena, "\r\nPUT /gw/channels/1%2C2?a=b&c HTTP/1.1\r\nHost:  x \r\n"
                      "Empty:\r\nContent-Length: 2\r\nhost: second\r\n\r\n{}");
    assert_int_equal(r.method, HTTP_METHOD_PUT);
    assert_text(r.method_name, "PUT");
    assert_text(r.path, "/gw/channels/1%2C2");
    assert_text(r.query, "a=b&c");
    assert_int_equal(r.version_minor, 1);
    assert_int_equal(r.header_count, 4);
    assert_text(r.headers[0].name, "Host");
    assert_text(r.headers[3].value, "second");
    assert_text(http_request_header(&r, "HOST"), "x");
    assert_text(http_request_header(&r, "Empty"), "");
    assert_non_null(http_request_header(&r, "Empty").p);
    assert_null(http_request_header(&r, "Absent").p);
    assert_text(r.body, "{}");
    assert_false(r.wants_upgrade);
    assert_false(r.expects_continue);
    arena_fini(&arena);
}

static void test_parse_joins_chunks(void **state)
{
    (void)state;
    struct arena arena = arena_make(MEM_BASE, 1 << 16);
    struct http_request r =
        parse(&arena, "POST / HTTP/1.1\r\nExpect: 100-Continue\r\n"
                      "Transfer-Encoding: Chunked\r\n\r\n"
                      "5;q=\"x\"\r\nhello\r\n00a\r\n, chunked!\r\n0\r\nT: u\r\n\r\n");
    assert_text(r.body, "hello, chunked!");
    assert_true(r.expects_continue);
    assert_int_equal(r.header_count, 2);
    arena_fini(&arena);
}

static void test_targets(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path, *query;
    } rows[] = {
        {"GET /?x=http://u/?y HTTP/1.1\r\n\r\n", "/", "x=http://u/?y"},
        {"GET http://h:80/p/q?r=s HTTP/1.1\r\n\r\n", "/p/q", "r=s"},
        {"GET http://h?r HTTP/1.1\r\n\r\n", "/", "r"},
        {"GET http://h HTTP/1.1\r\n\r\n", "/", ""},
        {"GET /p?q#fragment HTTP/1.1\r\n\r\n", "/p", "q"},
        {"OPTIONS * HTTP/1.1\r\n\r\n", "*", ""},
        {"GET /p? HTTP/1.1\r\n\r\n", "/p", ""},
        {"GET /?data={\"a\":[1]} HTTP/1.1\r\n\r\n", "/", "data={\"a\":[1]}"},
    };
    struct arena arena = arena_make(MEM_BASE, 1 << 16);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_request r = parse(&arena, rows[i].text);
        assert_text(r.path, rows[i].path);
        assert_text(r.query, rows[i].query);
    }
    arena_fini(&arena);
}

static void test_connection_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep_alive, wants_upgrade;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n", true,
         true},
        {"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", true, false},
        {"CONNECT h:80 HTTP/1.1\r\n\r\n", true, false},
    };
    struct arena arena = arena_make(MEM_BASE, 1 << 16);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_request r = parse(&arena, rows[i].text);
        assert_int_equal(r.keep_alive, rows[i].keep_alive);
        assert_int_equal(r.wants_upgrade, rows[i].wants_upgrade);
    }
    arena_fini(&arena);
}

static void test_methods(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum http_request_method method;
    } rows[] = {
        {"GET", HTTP_METHOD_GET},         {"HEAD", HTTP_METHOD_HEAD},
        {"POST", HTTP_METHOD_POST},       {"PUT", HTTP_METHOD_PUT},
        {"PATCH", HTTP_METHOD_PATCH},     {"DELETE", HTTP_METHOD_DELETE},
        {"OPTIONS", HTTP_METHOD_OPTIONS}, {"PROPFIND", HTTP_METHOD_OTHER},
    };
    struct arena arena = arena_make(MEM_BASE, 1 << 16);
    struct buf text = buf_make(MEM_BASE, 256);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&text);
        buf_addf(&text, "%s / HTTP/1.1\r\n\r\n", rows[i].name);
        struct http_request r;
        assert_int_equal(http_request_parse(buf_span(&text), &arena, &r), 0);
        assert_int_equal(r.method, rows[i].method);
        assert_text(r.method_name, rows[i].name);
    }
    buf_fini(&text);
    arena_fini(&arena);
}

static void test_parse_wants_exactly_one_request(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n\r\nX",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell",
        POST_CHUNKED,
        POST_CHUNKED "5\r\nhel",
        POST_CHUNKED "0\r\n\r\nX",
    };
    struct arena arena = arena_make(MEM_BASE, 1 << 16);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_request request = {.header_count = 77};
        assert_int_equal(http_request_parse(span_str(rows[i]), &arena, &request),
                         ERR_HTTP_INCOMPLETE);
        assert_int_equal(request.header_count, 77);
    }
    arena_fini(&arena);
}

static void test_parse_within_the_arena(void **state)
{
    (void)state;
    struct http_request request;
    struct arena small = arena_make(MEM_BASE, 64);
    assert_int_equal(http_request_parse(SPAN_LIT("GET / HTTP/1.1\r\n\r\n"), &small, &request),
                     ERR_NO_MEMORY);
    arena_fini(&small);
    struct arena tight = arena_make(MEM_BASE, HTTP_HEADERS_MAX * sizeof(struct http_header));
    assert_int_equal(
        http_request_parse(SPAN_LIT(POST_CHUNKED "1\r\na\r\n0\r\n\r\n"), &tight, &request),
        ERR_NO_MEMORY);
    arena_fini(&tight);
}

static void test_media_types(void **state)
{
    (void)state;
    assert_true(http_media_type_is(SPAN_LIT("application/json"), "application/json"));
    assert_true(
        http_media_type_is(SPAN_LIT("Application/JSON ; charset=utf-8"), "application/json"));
    assert_false(http_media_type_is(SPAN_LIT("application/jsonp"), "application/json"));
    assert_false(http_media_type_is((struct span){0}, "application/json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_have_names),
        cmocka_unit_test(test_frame_ends_where_the_request_ends),
        cmocka_unit_test(test_head_limit_is_exact),
        cmocka_unit_test(test_too_many_headers),
        cmocka_unit_test(test_endless_chunk_extension),
        cmocka_unit_test(test_body_bytes_are_not_read_again),
        cmocka_unit_test(test_parse_takes_a_request_apart),
        cmocka_unit_test(test_parse_joins_chunks),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_connection_rules),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_parse_wants_exactly_one_request),
        cmocka_unit_test(test_parse_within_the_arena),
        cmocka_unit_test(test_media_types),
    };
    return cmocka_run_group_tests_name("http/request", tests, NULL, NULL);
}
