/* REST over real sockets: one worker shard, one control shard, blocking clients on the loopback. */
#include "net/listener.h"
#include "net/net.h"
#include "rest/rest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab"
#define AUTHORIZATION "Authorization: FlespiToken " KEY "\r\n"
#define DEVICE(ident) "[{\"name\":\"d\",\"configuration\":{\"ident\":\"" ident "\"}}]"

/* ---- the server ---- */

struct bench {
    struct store *store;
    struct accounts *accounts;
    struct hub *hub;
    struct rest *rest;
    struct shard_set *shards;
    struct listener *listener;
    struct net_address address;
    int listen_fd;
    bool is_stopped;
    struct mail listen, stop;
};

static void start_listening(struct mail *m)
{
    struct bench *b = (struct bench *)(void *)((char *)m - offsetof(struct bench, listen));
    const struct listener_options options = {
        .transport = &transport_tcp, .on_accept = rest_accept, .owner = b->rest};
    if (listener_new(b->listen_fd, &options, &b->listener) < 0)
        abort();
}

static void stopped(void *context)
{
    struct bench *b = context;
    b->is_stopped = true;
    shard_set_stop(b->shards);
}

static void stop_rest(struct mail *m)
{
    struct bench *b = (struct bench *)(void *)((char *)m - offsetof(struct bench, stop));
    rest_stop(b->rest, stopped, b);
}

static ssize_t echo(struct conn *c, void *owner, struct span in)
{
    (void)owner;
    conn_write(c, in);
    return (ssize_t)in.n;
}

/* Stands for the broker. */
static void take_websocket(void *bench, struct conn *c)
{
    static const struct conn_handler handler = {.on_data = echo};
    conn_set_handler(c, &handler, bench);
}

static void start(struct bench *b, uint32_t idle_timeout_s)
{
    char key[TOKEN_KEY_LENGTH + 1];
    struct rest_config config = rest_config_default;
    config.idle_timeout_s = idle_timeout_s;
    config.on_websocket = take_websocket;
    config.taker = b;
    assert_int_equal(store_open(&store_engine_memory, NULL, &b->store), 0);
    assert_int_equal(accounts_open(b->store, KEY, &b->accounts, key), 0);
    assert_int_equal(hub_new(b->store, b->accounts, &b->hub), 0);
    assert_int_equal(shard_set_new(1, &b->shards), 0);
    assert_int_equal(net_shard_open(shard_at(b->shards, 0)), 0);
    assert_int_equal(rest_new(b->shards, b->accounts, b->hub, &config, &b->rest), 0);
    assert_int_equal(net_address_parse(SPAN_LIT("127.0.0.1:0"), "127.0.0.1", &b->address), 0);
    assert_int_equal(net_listen_tcp(&b->address, &b->listen_fd), 0);
    assert_int_equal(net_local_address(b->listen_fd, &b->address), 0);
    b->listen.deliver = start_listening;
    shard_send(shard_at(b->shards, 0), &b->listen);
    assert_int_equal(shard_set_start(b->shards), 0);
}

static void stop(struct bench *b)
{
    b->stop.deliver = stop_rest;
    shard_send(shard_control(b->shards), &b->stop);
    shard_set_join(b->shards);
    assert_true(b->is_stopped);
    listener_free(&b->listener);
    rest_free(&b->rest);
    net_shard_close(shard_at(b->shards, 0));
    shard_set_free(&b->shards);
    (void)close(b->listen_fd);
    hub_free(&b->hub);
    accounts_close(&b->accounts);
    store_close(&b->store);
    assert_int_equal(mem_bytes(MEM_REST), 0);
    assert_int_equal(conn_count(), 0);
}

static int set_up(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    *state = b;
    start(b, 75);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    stop(b);
    test_free(b);
    return 0;
}

/* ---- clients ---- */

static int dial(struct bench *b)
{
    struct timeval timeout = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
    assert_int_equal(connect(fd, &b->address.any, b->address.n), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

static void hang_up(int fd)
{
    assert_int_equal(close(fd), 0);
}

struct reply {
    int status;
    char head[2048], body[4096];
};

/* Reads one byte at a time up to the empty line; false at the end of the stream. */
static bool hear_head(int fd, struct reply *reply)
{
    size_t n = 0;
    while (n < 4 || memcmp(reply->head + n - 4, "\r\n\r\n", 4) != 0) {
        assert_in_range(n, 0, sizeof(reply->head) - 2);
        if (recv(fd, reply->head + n, 1, 0) != 1)
            return false;
        n++;
    }
    reply->head[n] = '\0';
    assert_int_equal(sscanf(reply->head, "HTTP/1.1 %d", &reply->status), 1);
    return true;
}

static void hear(int fd, struct reply *reply)
{
    assert_true(hear_head(fd, reply));
    const char *length = strstr(reply->head, "Content-Length: ");
    size_t n = length ? strtoul(length + strlen("Content-Length: "), NULL, 10) : 0;
    assert_in_range(n, 0, sizeof(reply->body) - 1);
    size_t got = 0;
    while (got < n) {
        ssize_t part = recv(fd, reply->body + got, n - got, 0);
        assert_true(part > 0);
        got += (size_t)part;
    }
    reply->body[n] = '\0';
}

static void hear_the_end(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void make_request(char *out, size_t n, const char *line, const char *body)
{
    int written =
        snprintf(out, n, "%s HTTP/1.1\r\nHost: h\r\n" AUTHORIZATION "Content-Length: %zu\r\n\r\n%s",
                 line, strlen(body), body);
    assert_in_range(written, 1, n - 1);
}

static void ask(int fd, const char *line, const char *body, struct reply *reply)
{
    char request[2048];
    make_request(request, sizeof(request), line, body);
    say(fd, request);
    hear(fd, reply);
}

/* ---- cases ---- */

static void serves_a_connection_again_and_again(void **state)
{
    struct reply reply;
    int fd = dial(*state);
    ask(fd, "POST /gw/devices?fields=id", DEVICE("1"), &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{\"result\":[{\"id\":1}]}");
    ask(fd, "GET /gw/devices/all?fields=id", "", &reply);
    assert_string_equal(reply.body, "{\"result\":[{\"id\":1}]}");
    ask(fd, "GET /nothing", "", &reply);
    assert_int_equal(reply.status, 404);
    assert_non_null(strstr(reply.head, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(reply.head, "Access-Control-Allow-Origin: *\r\n"));
    assert_non_null(strstr(reply.head, "GMT\r\n"));
    hang_up(fd);
}

static void answers_pipelined_requests_in_order(void **state)
{
    char requests[8192];
    static const struct {
        const char *line, *body, *expected;
    } cases[] = {
        {"POST /gw/devices?fields=id", DEVICE("1"), "{\"result\":[{\"id\":1}]}"},
        {"POST /gw/devices?fields=id", DEVICE("2"), "{\"result\":[{\"id\":2}]}"},
        {"GET /gw/devices/all?fields=id", "", "{\"result\":[{\"id\":1},{\"id\":2}]}"},
        {"DELETE /gw/devices/1", "", "{\"result\":[{\"id\":1}]}"},
        {"GET /gw/devices/all?fields=id", "", "{\"result\":[{\"id\":2}]}"},
    };
    struct reply reply;
    size_t n = 0;
    int fd = dial(*state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make_request(requests + n, sizeof(requests) - n, cases[i].line, cases[i].body);
        n += strlen(requests + n);
    }
    say(fd, requests);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hear(fd, &reply);
        assert_string_equal(reply.body, cases[i].expected);
    }
    hang_up(fd);
}

static void takes_a_request_byte_by_byte(void **state)
{
    char request[1024];
    struct reply reply;
    int fd = dial(*state);
    make_request(request, sizeof(request), "POST /gw/devices?fields=id", DEVICE("1"));
    for (size_t i = 0; request[i]; i++) {
        assert_int_equal(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
        if (i % 16 == 0)
            (void)usleep(200);
    }
    hear(fd, &reply);
    assert_string_equal(reply.body, "{\"result\":[{\"id\":1}]}");
    hang_up(fd);
}

static void asks_for_the_body_that_waits(void **state)
{
    struct reply reply;
    int fd = dial(*state);
    say(fd, "POST /gw/devices?fields=id HTTP/1.1\r\nHost: h\r\n" AUTHORIZATION
            "Expect: 100-continue\r\nContent-Length: 44\r\n\r\n");
    assert_true(hear_head(fd, &reply));
    assert_string_equal(reply.head, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, DEVICE("1"));
    hear(fd, &reply);
    assert_int_equal(reply.status, 200);
    hang_up(fd);
}

static void takes_chunks(void **state)
{
    struct reply reply;
    int fd = dial(*state);
    say(fd, "POST /gw/devices?fields=id HTTP/1.1\r\nHost: h\r\n" AUTHORIZATION
            "Transfer-Encoding: chunked\r\n\r\n"
            "B\r\n[{\"name\":\"d\r\n"
            "20\r\n\",\"configuration\":{\"ident\":\"1\"}}\r\n1\r\n]\r\n0\r\n\r\n");
    hear(fd, &reply);
    assert_string_equal(reply.body, "{\"result\":[{\"id\":1}]}");
    hang_up(fd);
}

static void refuses_by_closing(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"POST /gw/devices HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n", 413},
        {"\x10\x0c\0\x04MQTT\x04\x02", 400},
        {"\x16\x03\x01\x02", 400},
        {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
    };
    struct reply reply;
    int other = dial(*state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = dial(*state);
        say(fd, cases[i].request);
        hear(fd, &reply);
        if (reply.status != cases[i].status)
            fail_msg("case %zu: %d", i, reply.status);
        assert_non_null(strstr(reply.head, "Connection: close\r\n"));
        assert_non_null(strstr(reply.body, "\"errors\":[{\"code\":2,"));
        hear_the_end(fd);
        hang_up(fd);
        ask(other, "GET /health", "", &reply);
        assert_int_equal(reply.status, 200);
    }
    hang_up(other);
}

static void refuses_an_endless_head(void **state)
{
    char filler[1024];
    struct reply reply;
    int fd = dial(*state);
    memset(filler, 'x', sizeof(filler));
    say(fd, "GET / HTTP/1.1\r\nA: ");
    for (int i = 0; i < 40; i++)
        (void)send(fd, filler, sizeof(filler), MSG_NOSIGNAL);
    hear(fd, &reply);
    assert_int_equal(reply.status, 431);
    hang_up(fd);
}

#define UPGRADE "GET /any/path?x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: "
#define KEY_HEADER "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION_HEADER "Sec-WebSocket-Version: 13\r\n"

/* Behind another request, with its first frame. */
static void hands_a_websocket_over(void **state)
{
    struct reply reply;
    char echoed[6];
    int fd = dial(*state);
    say(fd, "GET /health HTTP/1.1\r\nHost: h\r\n\r\n" UPGRADE
            "websocket\r\n" KEY_HEADER VERSION_HEADER "Sec-WebSocket-Protocol: mqtt\r\n\r\n"
            "\x82\x84\x01\x01\x01\x01uvwx");
    hear(fd, &reply);
    assert_int_equal(reply.status, 200);
    hear(fd, &reply);
    assert_int_equal(reply.status, 101);
    assert_non_null(
        strstr(reply.head, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(reply.head, "\r\nSec-WebSocket-Protocol: mqtt\r\n"));
    assert_int_equal(recv(fd, echoed, sizeof(echoed), MSG_WAITALL), sizeof(echoed));
    assert_memory_equal(echoed, "\x82\x04twvy", sizeof(echoed));
    hang_up(fd);
    for (int tries = 0; conn_count() > 0 && tries < 5000; tries++)
        (void)usleep(1000);
    assert_int_equal(conn_count(), 0);
}

static void refuses_a_bad_handshake(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *header;
    } cases[] = {
        {UPGRADE "websocket\r\n" KEY_HEADER "Sec-WebSocket-Version: 8\r\n\r\n", 426,
         "Sec-WebSocket-Version: 13\r\n"},
        {UPGRADE "websocket\r\n" VERSION_HEADER "\r\n", 400, "Connection: close\r\n"},
        {UPGRADE "h2c\r\n" KEY_HEADER VERSION_HEADER "\r\n", 404, "Content-Length: "},
    };
    struct reply reply;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = dial(*state);
        say(fd, cases[i].request);
        hear(fd, &reply);
        assert_int_equal(reply.status, cases[i].status);
        assert_non_null(strstr(reply.head, cases[i].header));
        assert_int_equal(strstr(reply.head, "Upgrade: websocket\r\n") != NULL,
                         cases[i].status == 426);
        hang_up(fd);
    }
}

static void closes_when_asked_to(void **state)
{
    static const char *const requests[] = {
        "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET /health HTTP/1.0\r\n\r\n",
    };
    struct reply reply;
    for (size_t i = 0; i < 2; i++) {
        int fd = dial(*state);
        say(fd, requests[i]);
        hear(fd, &reply);
        assert_string_equal(reply.body, "{\"status\":\"ok\"}");
        hear_the_end(fd);
        hang_up(fd);
    }
}

static void answers_a_client_that_closed_its_side(void **state)
{
    struct reply reply;
    int fd = dial(*state);
    say(fd, "GET /health HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    hear(fd, &reply);
    assert_int_equal(reply.status, 200);
    hear_the_end(fd);
    hang_up(fd);
}

static void answers_head_without_a_body(void **state)
{
    struct reply reply;
    int fd = dial(*state);
    say(fd, "HEAD /health HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(hear_head(fd, &reply));
    assert_non_null(strstr(reply.head, "Content-Length: 15\r\n"));
    ask(fd, "GET /health", "", &reply);
    assert_string_equal(reply.body, "{\"status\":\"ok\"}");
    hang_up(fd);
}

static void answers_a_preflight(void **state)
{
    struct reply reply;
    int fd = dial(*state);
    say(fd, "OPTIONS /gw/devices/all HTTP/1.1\r\nHost: h\r\nOrigin: https://tools.example\r\n"
            "Access-Control-Request-Method: GET\r\n"
            "Access-Control-Request-Headers: authorization,x-flespi-app\r\n\r\n");
    assert_true(hear_head(fd, &reply));
    assert_int_equal(reply.status, 204);
    assert_non_null(strstr(reply.head, "Access-Control-Allow-Origin: *\r\n"));
    assert_non_null(strstr(reply.head, "Access-Control-Allow-Methods: GET, POST, PUT, PATCH, "
                                       "DELETE, OPTIONS\r\n"));
    assert_non_null(strstr(reply.head, "Authorization, Content-Type, X-Flespi-App, X-Flespi-Cid"));
    hang_up(fd);
}

static void tells_methods_and_scheme(void **state)
{
    struct reply reply;
    int fd = dial(*state);
    ask(fd, "PUT /gw/devices", "{}", &reply);
    assert_int_equal(reply.status, 405);
    assert_non_null(strstr(reply.head, "Allow: GET, POST\r\n"));
    say(fd, "GET /gw/devices/all HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(fd, &reply);
    assert_int_equal(reply.status, 401);
    assert_non_null(strstr(reply.head, "WWW-Authenticate: FlespiToken\r\n"));
    hang_up(fd);
}

static void survives_clients_that_vanish(void **state)
{
    char request[1024];
    struct reply reply;
    make_request(request, sizeof(request), "GET /gw/devices/all", "");
    for (int i = 0; i < 200; i++) {
        struct linger reset = {.l_onoff = 1};
        int fd = dial(*state);
        say(fd, request);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        hang_up(fd);
    }
    int fd = dial(*state);
    ask(fd, "GET /health", "", &reply);
    assert_int_equal(reply.status, 200);
    hang_up(fd);
}

static void closes_idle_connections(void **state)
{
    (void)state;
    struct bench b = {0};
    struct reply reply;
    start(&b, 1);
    int fresh = dial(&b), used = dial(&b);
    ask(used, "GET /health", "", &reply);
    hear_the_end(fresh);
    hear_the_end(used);
    hang_up(fresh);
    hang_up(used);
    stop(&b);
}

static void stops_with_clients_connected(void **state)
{
    (void)state;
    struct bench b = {0};
    struct reply reply;
    start(&b, 75);
    int idle = dial(&b), half = dial(&b);
    ask(idle, "GET /health", "", &reply);
    say(half, "GET /health HTTP/1.1\r\nHo");
    ask(idle, "GET /health", "", &reply);
    stop(&b);
    hear_the_end(idle);
    hang_up(idle);
    hang_up(half);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(serves_a_connection_again_and_again),
        CASE(answers_pipelined_requests_in_order),
        CASE(takes_a_request_byte_by_byte),
        CASE(asks_for_the_body_that_waits),
        CASE(takes_chunks),
        CASE(refuses_by_closing),
        CASE(refuses_an_endless_head),
        CASE(hands_a_websocket_over),
        CASE(refuses_a_bad_handshake),
        CASE(closes_when_asked_to),
        CASE(answers_a_client_that_closed_its_side),
        CASE(answers_head_without_a_body),
        CASE(answers_a_preflight),
        CASE(tells_methods_and_scheme),
        CASE(survives_clients_that_vanish),
        cmocka_unit_test(closes_idle_connections),
        cmocka_unit_test(stops_with_clients_connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
