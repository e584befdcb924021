/* http/websocket.h: the handshake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/websocket.h"

#include <stdio.h>
#include <string.h>

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"

static const char *const known[] = {"mqtt", "mqttv3.1", NULL};

static struct arena arena;

static struct http_request parse(const char *line, const char *headers)
{
    static char text[2048];
    struct http_request request;
    int n = snprintf(text, sizeof(text), "%s\r\nHost: h\r\n%s\r\n", line, headers);
    assert_true(n > 0 && (size_t)n < sizeof(text));
    assert_int_equal(http_request_parse(span_of(text, (size_t)n), &arena, &request), 0);
    return request;
}

static int set_up(void **state)
{
    (void)state;
    arena = arena_make(MEM_BASE, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static const struct {
    const char *line, *headers;
    bool is_wanted;
} wishes[] = {
    {"GET / HTTP/1.1", UPGRADE, true},
    {"GET /mqtt?x=1 HTTP/1.1", UPGRADE, true},
    {"GET / HTTP/1.1", "connection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n", true},
    {"GET / HTTP/1.1", "Connection: keep-alive\r\nConnection: ,upgrade ,\r\nUpgrade: websocket\r\n",
     true},
    {"GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c, websocket\r\n", true},
    {"GET / HTTP/1.0", UPGRADE, true}, /* and then refused */
    {"POST / HTTP/1.1", UPGRADE, false},
    {"GET / HTTP/1.1", "Upgrade: websocket\r\n", false},
    {"GET / HTTP/1.1", "Connection: Upgrade\r\n", false},
    {"GET / HTTP/1.1", "Connection: keep-alive\r\nUpgrade: websocket\r\n", false},
    {"GET / HTTP/1.1", "Connection: upgrades\r\nUpgrade: websocket\r\n", false},
    {"GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n", false},
    {"GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket2\r\n", false},
    {"GET / HTTP/1.1", KEY VERSION, false},
};

static void test_who_wants_a_websocket(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        struct http_request request = parse(wishes[i].line, wishes[i].headers);
        if (websocket_is_wanted(&request) != wishes[i].is_wanted)
            fail_msg("%s %s", wishes[i].line, wishes[i].headers);
    }
}

static const struct {
    const char *headers;
    int err;
    const char *subprotocol;
} handshakes[] = {
    {KEY VERSION, 0, NULL},
    {KEY VERSION "Sec-WebSocket-Protocol: mqtt\r\n", 0, "mqtt"},
    {KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1\r\n", 0, "mqttv3.1"},
    {KEY VERSION "Sec-WebSocket-Protocol: amqp, mqttv3.1 ,mqtt\r\n", 0, "mqttv3.1"},
    {KEY VERSION "Sec-WebSocket-Protocol: chat\r\nsec-websocket-protocol: mqtt\r\n", 0, "mqtt"},
    {KEY VERSION "Sec-WebSocket-Protocol: \r\n", 0, NULL},
    {KEY VERSION "Sec-WebSocket-Protocol: MQTT\r\n", ERR_WEBSOCKET_SUBPROTOCOL, NULL},
    {KEY VERSION "Sec-WebSocket-Protocol: mqttv3, mqt\r\n", ERR_WEBSOCKET_SUBPROTOCOL, NULL},
    {KEY, ERR_WEBSOCKET_VERSION, NULL},
    {KEY "Sec-WebSocket-Version: 8\r\n", ERR_WEBSOCKET_VERSION, NULL},
    {KEY "Sec-WebSocket-Version: 13, 8\r\n", ERR_WEBSOCKET_VERSION, NULL},
    {KEY "Sec-WebSocket-Version: 013\r\n", ERR_WEBSOCKET_VERSION, NULL},
    {VERSION, ERR_WEBSOCKET_KEY_MISSING, NULL},
    {VERSION KEY KEY, ERR_WEBSOCKET_KEY_TWICE, NULL},
    {VERSION "Sec-WebSocket-Key: \r\n", ERR_WEBSOCKET_KEY, NULL},
    {VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", ERR_WEBSOCKET_KEY, NULL},
    {VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n", ERR_WEBSOCKET_KEY, NULL},
    {VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n", ERR_WEBSOCKET_KEY, NULL},
    {VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n", ERR_WEBSOCKET_KEY, NULL},
};

static void test_what_a_handshake_must_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(handshakes) / sizeof(handshakes[0]); i++) {
        char headers[1024];
        (void)snprintf(headers, sizeof(headers), UPGRADE "%s", handshakes[i].headers);
        struct http_request request = parse("GET / HTTP/1.1", headers);
        struct websocket_handshake handshake;
        int err = websocket_handshake(&request, known, &handshake);
        if (err != handshakes[i].err)
            fail_msg("%s: %s", handshakes[i].headers, err_name(err));
        if (err)
            continue;
        /* RFC 6455 1.3. */
        assert_memory_equal(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28);
        if (handshakes[i].subprotocol)
            assert_string_equal(handshake.subprotocol, handshakes[i].subprotocol);
        else
            assert_null(handshake.subprotocol);
    }
}

static void test_http_1_0_has_no_upgrade(void **state)
{
    (void)state;
    struct http_request request = parse("GET / HTTP/1.0", UPGRADE KEY VERSION);
    struct websocket_handshake handshake;
    assert_int_equal(websocket_handshake(&request, known, &handshake), ERR_WEBSOCKET_HTTP_1_0);
}

static void check_answer(const char *headers, const char *expected)
{
    struct http_request request = parse("GET / HTTP/1.1", headers);
    struct websocket_handshake handshake;
    struct buf out = buf_make(MEM_BASE, 4096);
    assert_int_equal(websocket_handshake(&request, known, &handshake), 0);
    assert_int_equal(websocket_write_answer(&handshake, &out), 0);
    assert_int_equal(out.n, strlen(expected));
    assert_memory_equal(out.p, expected, out.n);
    buf_fini(&out);
}

/* Extensions are offered, and declined by silence. */
static void test_answers(void **state)
{
    (void)state;
    check_answer(UPGRADE KEY VERSION
                 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                 "Origin: https://elsewhere\r\n",
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    check_answer(UPGRADE KEY VERSION "Sec-WebSocket-Protocol: mqtt\r\n",
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                 "Sec-WebSocket-Protocol: mqtt\r\n\r\n");
    struct websocket_handshake handshake = {.subprotocol = "mqtt"};
    struct buf out = buf_make(MEM_BASE, 16);
    memset(handshake.accept, 'A', sizeof(handshake.accept));
    assert_int_equal(websocket_write_answer(&handshake, &out), ERR_BUF_LIMIT);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_wants_a_websocket),
        cmocka_unit_test(test_what_a_handshake_must_say),
        cmocka_unit_test(test_http_1_0_has_no_upgrade),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
