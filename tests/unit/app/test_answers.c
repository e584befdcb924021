/* What a server's answers mean to a simulated tracker. */
#include "app/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct protocol *by_name(const char *name)
{
    static struct protocol p;
    p = (struct protocol){.name = name};
    return &p;
}

/* Reads `in` as an answer; expects `n` bytes taken, and what they mean. */
static void expect(const char *protocol, enum protocol_transport transport, bool is_login,
                   struct span in, size_t n, enum answer meaning)
{
    enum answer answer = ANSWER_NONE;
    assert_int_equal(answer_read(by_name(protocol), transport, is_login, in, &answer), n);
    if (n)
        assert_int_equal(answer, meaning);
}

static void teltonika(void **state)
{
    (void)state;
    expect("teltonika", PROTOCOL_TCP, true, SPAN_LIT("\x01"), 1, ANSWER_ACCEPTED);
    expect("teltonika", PROTOCOL_TCP, true, SPAN_LIT("\x00"), 1, ANSWER_REFUSED);
    expect("teltonika", PROTOCOL_TCP, false, SPAN_LIT("\0\0\0"), 0, ANSWER_NONE);
    expect("teltonika", PROTOCOL_TCP, false, SPAN_LIT("\0\0\0\x01\0"), 4, ANSWER_ACCEPTED);
    expect("teltonika", PROTOCOL_TCP, false, SPAN_LIT("\0\0\0\0"), 4, ANSWER_REFUSED);
    expect("teltonika", PROTOCOL_UDP, false, SPAN_LIT("\0\x05\xca\xfe\x01\x05\x01"), 7,
           ANSWER_ACCEPTED);
    expect("teltonika", PROTOCOL_UDP, false, SPAN_LIT("\0\x05\xca\xfe\x01\x05\0"), 7,
           ANSWER_REFUSED);
}

static void wialon_ips(void **state)
{
    (void)state;
    expect("wialon-ips", PROTOCOL_TCP, true, SPAN_LIT("#AL#1\r\n"), 7, ANSWER_ACCEPTED);
    expect("wialon-ips", PROTOCOL_TCP, true, SPAN_LIT("#AL#01\r\n"), 8, ANSWER_REFUSED);
    expect("wialon-ips", PROTOCOL_TCP, false, SPAN_LIT("#ASD#1\r\n#A"), 8, ANSWER_ACCEPTED);
    expect("wialon-ips", PROTOCOL_TCP, false, SPAN_LIT("#AD#-1\r\n"), 8, ANSWER_REFUSED);
    expect("wialon-ips", PROTOCOL_TCP, false, SPAN_LIT("#AP#\r\n"), 6, ANSWER_NONE);
    expect("wialon-ips", PROTOCOL_TCP, false, SPAN_LIT("#AD#1\r"), 0, ANSWER_NONE);
}

static void over_http(void **state)
{
    (void)state;
    expect("osmand", PROTOCOL_TCP, false,
           SPAN_LIT("HTTP/1.1 200 OK\r\ncontent-Length: 3\r\n\r\nabcHTTP"), 41, ANSWER_ACCEPTED);
    expect("http", PROTOCOL_TCP, false, SPAN_LIT("HTTP/1.1 400 Bad Request\r\n\r\n"), 28,
           ANSWER_REFUSED);
    expect("http", PROTOCOL_TCP, false, SPAN_LIT("HTTP/1.1 200 OK\r\n"), 0, ANSWER_NONE);
    expect("http", PROTOCOL_TCP, false, SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"),
           0, ANSWER_NONE);
}

static void an_unknown_protocol_answers_with_anything(void **state)
{
    (void)state;
    expect("new", PROTOCOL_TCP, true, SPAN_LIT("ok"), 2, ANSWER_ACCEPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(teltonika),
        cmocka_unit_test(wialon_ips),
        cmocka_unit_test(over_http),
        cmocka_unit_test(an_unknown_protocol_answers_with_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
