/* Responses, byte for byte. */
#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_written(struct http_response response, const char *text)
{
    struct buf out = buf_make(MEM_BASE, 4096);
    assert_int_equal(http_response_write(&response, &out), 0);
    if (!span_equal(buf_span(&out), span_str(text)))
        fail_msg("wrote '%.*s'", SPAN_FMT(buf_span(&out)));
    buf_fini(&out);
}

static void test_writes(void **state)
{
    (void)state;
    const struct http_header headers[] = {
        {SPAN_LIT("Allow"), SPAN_LIT("POST")},
        {SPAN_LIT("X-Empty"), SPAN_LIT("")},
    };
    assert_written((struct http_response){.status = 200, .keep_alive = true},
                   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_written((struct http_response){.status = 404,
                                          .date = SPAN_LIT("Thu, 01 Jan 1970 00:00:00 GMT"),
                                          .content_type = SPAN_LIT("application/json"),
                                          .headers = headers,
                                          .header_count = 2,
                                          .body = SPAN_LIT("{}")},
                   "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                   "Content-Type: application/json\r\nAllow: POST\r\nX-Empty: \r\n"
                   "Content-Length: 2\r\nConnection: close\r\n\r\n{}");
}

static void test_responses_without_a_body(void **state)
{
    (void)state;
    assert_written((struct http_response){.status = 204, .keep_alive = true, .body = SPAN_LIT("x")},
                   "HTTP/1.1 204 No Content\r\n\r\n");
    assert_written((struct http_response){.status = 100, .keep_alive = true},
                   "HTTP/1.1 100 Continue\r\n\r\n");
    assert_written((struct http_response){.status = 304, .keep_alive = true},
                   "HTTP/1.1 304 Not Modified\r\n\r\n");
    assert_written(
        (struct http_response){
            .status = 200, .keep_alive = true, .is_head = true, .body = SPAN_LIT("body")},
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
}

static void test_head_for_a_body_sent_elsewhere(void **state)
{
    (void)state;
    struct buf out = buf_make(MEM_BASE, 4096);
    struct http_response response = {.status = 200, .keep_alive = true};
    assert_int_equal(http_response_write_head(&response, 123456789, &out), 0);
    assert_true(span_equal(buf_span(&out),
                           SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 123456789\r\n\r\n")));
    buf_fini(&out);
}

static void test_headers_stay_on_their_line(void **state)
{
    (void)state;
    static const struct http_header bad[] = {
        {SPAN_LIT("A"), SPAN_LIT("b\r\nSet-Cookie: c")},
        {SPAN_LIT("A"), SPAN_LIT("b\nc")},
        {SPAN_LIT("A\r"), SPAN_LIT("b")},
        {SPAN_LIT("A"), SPAN_LIT("b\0c")},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf out = buf_make(MEM_BASE, 4096);
        struct http_response response = {.status = 200, .headers = &bad[i], .header_count = 1};
        assert_int_equal(http_response_write(&response, &out), ERR_HTTP_RESPONSE_HEADER);
        buf_fini(&out);
    }
}

static void test_full_buffer(void **state)
{
    (void)state;
    struct http_response response = {.status = 200, .keep_alive = true, .body = SPAN_LIT("body")};
    struct buf out = buf_make(MEM_BASE, 4096);
    assert_int_equal(http_response_write(&response, &out), 0);
    size_t whole = out.n;
    buf_fini(&out);
    for (size_t limit = 0; limit < whole; limit++) {
        struct buf small = buf_make(MEM_BASE, limit);
        assert_int_equal(http_response_write(&response, &small), ERR_BUF_LIMIT);
        buf_fini(&small);
    }
}

static void test_reasons(void **state)
{
    (void)state;
    assert_string_equal(http_status_reason(429), "Too Many Requests");
    assert_string_equal(http_status_reason(507), "Insufficient Storage");
    assert_string_equal(http_status_reason(799), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_responses_without_a_body),
        cmocka_unit_test(test_head_for_a_body_sent_elsewhere),
        cmocka_unit_test(test_headers_stay_on_their_line),
        cmocka_unit_test(test_full_buffer),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests_name("http/response", tests, NULL, NULL);
}
