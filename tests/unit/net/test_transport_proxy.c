/* net/transport_proxy.c: the header before TCP and before TLS, and what becomes of a bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs.h"
#include "peer.h"

#include "net/tls_context.h"

#include <sys/socket.h>
#include <unistd.h>

#define V1 "PROXY TCP4 192.0.2.7 198.51.100.1 12345 1883\r\n"
#define V2 "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
#define V2_LOCAL V2 "\x20\x00\x00\x00"
#define V2_V4 V2 "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x30\x39\x07\x5b"

static const struct proxy_next to_tcp = {&transport_tcp, NULL};

static void open_proxied(struct peer *p, const struct proxy_next *next)
{
    p->transport = &transport_proxy;
    p->context = next;
    peer_open(p, true);
}

struct asking {
    struct peer *p;
    char text[NET_ADDRESS_TEXT_MAX];
    const char *transport;
};

static void ask(void *arg)
{
    struct asking *a = arg;
    net_address_text(conn_peer(a->p->c), a->text);
    a->transport = conn_transport(a->p->c)->name;
}

static const struct {
    struct span header;
    const char *peer;
} headers[] = {
    {SPAN_LIT(V1), "192.0.2.7:12345"},
    {SPAN_LIT(V2_V4), "192.0.2.7:12345"},
    {SPAN_LIT("PROXY UNKNOWN\r\n"), ""}, /* the tests' connections come from nowhere */
    {SPAN_LIT(V2_LOCAL), ""},
};

static void check(struct peer *p, const char *peer, const char *transport)
{
    struct asking a = {.p = p};
    on_shard(p->shard, ask, &a);
    assert_string_equal(a.text, peer);
    assert_string_equal(a.transport, transport);
}

static void the_header_tells_the_peer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct peer p = {.echoes = true};
        uint8_t got[8];
        int error;
        open_proxied(&p, &to_tcp);
        check(&p, "", "proxy");
        peer_send(&p, headers[i].header.p, headers[i].header.n);
        peer_send(&p, "payload", 7);
        assert_int_equal(peer_receive(&p, got, 7, &error), 7);
        assert_memory_equal(got, "payload", 7);
        check(&p, headers[i].peer, "tcp");
        assert_int_equal(peer_look(&p).bytes_in, 7);
        peer_done(&p);
    }
}

/* Byte by byte, and with what follows in the same segment. */
static void the_header_may_come_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct peer p = {0};
        open_proxied(&p, &to_tcp);
        for (size_t at = 0; at + 1 < headers[i].header.n; at++) {
            peer_send(&p, headers[i].header.p + at, 1);
            usleep(200);
        }
        uint8_t tail[] = {*(span_end(headers[i].header) - 1), 'P', 'R', 'O'};
        assert_int_equal(peer_look(&p).told, 0);
        peer_send(&p, tail, 4);
        peer_wait_got(&p, 3);
        assert_memory_equal(p.got, "PRO", 3);
        check(&p, headers[i].peer, "tcp");
        peer_done(&p);
    }
}

static void write_greeting(void *peer)
{
    conn_write(((struct peer *)peer)->c, SPAN_LIT("greeting"));
}

static void output_waits_for_the_header(void **state)
{
    (void)state;
    struct peer p = {0};
    uint8_t got[8];
    int error;
    open_proxied(&p, &to_tcp);
    on_shard(p.shard, write_greeting, &p);
    assert_int_equal(peer_look(&p).output_bytes, 8);
    peer_send(&p, V1, sizeof V1 - 1);
    assert_int_equal(peer_receive(&p, got, 8, &error), 8);
    assert_memory_equal(got, "greeting", 8);
    peer_done(&p);
}

static void bad_headers_close(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        int err;
    } cases[] = {
        {SPAN_LIT("\x10\x0c\x00\x04MQTT"), ERR_PROXY_SIGNATURE},
        {SPAN_LIT("PROXY TCP4 1.2.3.4\r\n"), ERR_PROXY_V1_FIELDS},
        {SPAN_LIT(V2 "\x21\x11\xff\xff"), ERR_PROXY_V2_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p = {0};
        uint8_t byte;
        int error;
        open_proxied(&p, &to_tcp);
        peer_send(&p, cases[i].bytes.p, cases[i].bytes.n);
        peer_wait_closed(&p);
        assert_int_equal(p.err, cases[i].err);
        assert_int_equal(p.told, 0);
        assert_int_equal(peer_receive(&p, &byte, 1, &error), 0);
        peer_done(&p);
    }
}

static void a_header_that_is_cut_ends_the_connection(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 30; cut += 10) {
        struct peer p = {0};
        open_proxied(&p, &to_tcp);
        peer_send(&p, V1, cut);
        shutdown(p.fd, SHUT_WR);
        peer_wait_closed(&p);
        assert_int_equal(p.err, cut ? ERR_PROXY_CUT : ERR_CONN_EOF);
        peer_done(&p);
    }
}

static void tls_begins_behind_the_header(void **state)
{
    (void)state;
    struct cert self = cert_make("self", NULL, 10);
    const struct tls_files files = {self.certificate_file, self.key_file, NULL, false};
    struct tls_endpoint endpoint = {NULL, TLS_ALPN_MQTT};
    struct tls_identity *identity = NULL;
    struct tls_problem problem;
    assert_int_equal(tls_identity_load(&files, &identity, &problem), 0);
    assert_int_equal(tls_context_new(identity, &endpoint.context), 0);
    const struct proxy_next to_tls = {&transport_tls, &endpoint};
    struct peer p = {.echoes = true};
    char got[6] = "";
    open_proxied(&p, &to_tls);
    peer_send(&p, V2_V4, sizeof V2_V4 - 1);
    SSL_CTX *settings = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(settings);
    SSL_set_fd(ssl, p.fd);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_int_equal(SSL_write(ssl, "inside", 6), 6);
    assert_int_equal(SSL_read(ssl, got, 6), 6);
    assert_memory_equal(got, "inside", 6);
    check(&p, "192.0.2.7:12345", "tls");
    SSL_free(ssl);
    SSL_CTX_free(settings);
    peer_done(&p);
    tls_context_free(&endpoint.context);
    cert_free(&self);
}

static int start(void **state)
{
    certs_begin();
    return peers_start(state);
}

static int stop(void **state)
{
    certs_end();
    return peers_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_tells_the_peer),
        cmocka_unit_test(the_header_may_come_in_pieces),
        cmocka_unit_test(output_waits_for_the_header),
        cmocka_unit_test(bad_headers_close),
        cmocka_unit_test(a_header_that_is_cut_ends_the_connection),
        cmocka_unit_test(tls_begins_behind_the_header),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
