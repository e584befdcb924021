/* net/transport_tls.c over loopback, with OpenSSL's own client at the other end: handshakes good
 * and bad, both directions, the end, certificates of clients, and new certificates at work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs.h"
#include "peer.h"

#include "net/tls_context.h"

#include <openssl/err.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB (1024 * 1024)

static struct cert ca, server, second, client, stranger;
static struct tls_context *plain, *asking, *requiring; /* by what they want of clients */
static uint8_t sent[4 * MIB], received[4 * MIB];

/* ---- contexts and clients ---- */

static struct tls_identity *load(const struct cert *c, bool is_asking, bool is_required)
{
    const struct tls_files files = {c->certificate_file, c->key_file,
                                    is_asking ? ca.certificate_file : NULL, is_required};
    struct tls_problem problem;
    struct tls_identity *identity = NULL;
    assert_int_equal(tls_identity_load(&files, &identity, &problem), 0);
    return identity;
}

static int start(void **state)
{
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL's client writes to sockets that we closed */
    certs_begin();
    ca = cert_make("ca", NULL, 100);
    server = cert_make("server", &ca, 50);
    second = cert_make("second", &ca, 50);
    client = cert_make("client", &ca, 50);
    stranger = cert_make("stranger", NULL, 50);
    if (tls_context_new(load(&server, false, false), &plain) < 0 ||
        tls_context_new(load(&server, true, false), &asking) < 0 ||
        tls_context_new(load(&server, true, true), &requiring) < 0)
        return -1;
    pattern_fill(sent, sizeof sent, 0);
    return peers_start(state);
}

static int stop(void **state)
{
    tls_context_free(&plain);
    tls_context_free(&asking);
    tls_context_free(&requiring);
    struct cert *all[] = {&ca, &server, &second, &client, &stranger};
    for (size_t i = 0; i < 5; i++)
        cert_free(all[i]);
    certs_end();
    return peers_stop(state);
}

/* What a client offers. */
struct offer {
    int version; /* 0: 1.3 */
    const char *alpn;
    const struct cert *certificate;
    SSL_SESSION *session;
};

static SSL_CTX *client_settings(const struct offer *o)
{
    SSL_CTX *s = SSL_CTX_new(TLS_client_method());
    int version = o->version ? o->version : TLS1_3_VERSION;
    SSL_CTX_set_security_level(s, version < TLS1_2_VERSION ? 0 : 1);
    assert_int_equal(SSL_CTX_set_min_proto_version(s, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(s, version), 1);
    assert_int_equal(SSL_CTX_load_verify_file(s, ca.certificate_file), 1);
    SSL_CTX_set_verify(s, SSL_VERIFY_PEER, NULL);
    if (o->certificate) {
        assert_int_equal(SSL_CTX_use_certificate(s, o->certificate->x), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(s, o->certificate->key), 1);
    }
    return s;
}

static SSL *client_new(int fd, const struct offer *o)
{
    SSL_CTX *s = client_settings(o);
    SSL *ssl = SSL_new(s);
    SSL_CTX_free(s);
    assert_non_null(ssl);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    if (o->alpn)
        assert_int_equal(
            SSL_set_alpn_protos(ssl, (const unsigned char *)o->alpn, (unsigned)strlen(o->alpn)), 0);
    if (o->session)
        assert_int_equal(SSL_set_session(ssl, o->session), 1);
    SSL_set_connect_state(ssl);
    return ssl;
}

static void open_tls(struct peer *p, struct tls_context *context, enum tls_alpn alpn,
                     struct tls_endpoint *endpoint)
{
    *endpoint = (struct tls_endpoint){context, alpn};
    p->transport = &transport_tls;
    p->context = endpoint;
    peer_open(p, true);
}

/* A connection whose handshake is done. */
static SSL *connected(struct peer *p, struct tls_context *context, const struct offer *o)
{
    static struct tls_endpoint endpoint;
    open_tls(p, context, TLS_ALPN_MQTT, &endpoint);
    SSL *ssl = client_new(p->fd, o);
    assert_int_equal(SSL_do_handshake(ssl), 1);
    return ssl;
}

static void read_all(SSL *ssl, uint8_t *p, size_t n)
{
    for (size_t have = 0, got = 0; have < n; have += got)
        assert_int_equal(SSL_read_ex(ssl, p + have, n - have, &got), 1);
}

static void check_echo(SSL *ssl, const char *text)
{
    char got[64] = "";
    assert_int_equal(SSL_write(ssl, text, (int)strlen(text)), strlen(text));
    read_all(ssl, (uint8_t *)got, strlen(text));
    assert_string_equal(got, text);
}

static void done(struct peer *p, SSL *ssl)
{
    SSL_free(ssl);
    ERR_clear_error();
    peer_done(p);
}

/* ---- handshakes ---- */

static void both_versions_are_spoken(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct peer p = {.echoes = true};
        const struct offer o = {.version = versions[i]};
        SSL *ssl = connected(&p, plain, &o);
        assert_int_equal(SSL_version(ssl), versions[i]);
        assert_string_equal(SSL_get_cipher_name(ssl), versions[i] == TLS1_2_VERSION
                                                          ? "ECDHE-ECDSA-AES128-GCM-SHA256"
                                                          : "TLS_AES_128_GCM_SHA256");
        check_echo(ssl, "hello");
        check_echo(ssl, "again");
        done(&p, ssl);
    }
}

static void alpn_is_the_listeners(void **state)
{
    (void)state;
    static const struct {
        enum tls_alpn ours;
        const char *offered, *chosen;
    } cases[] = {
        {TLS_ALPN_MQTT, NULL, ""},
        {TLS_ALPN_MQTT, "\x04mqtt", "mqtt"},
        {TLS_ALPN_MQTT, "\x02h2\x04mqtt", "mqtt"},
        {TLS_ALPN_MQTT, "\x08http/1.1", NULL},
        {TLS_ALPN_HTTP, NULL, ""},
        {TLS_ALPN_HTTP, "\x02h2\x08http/1.1", "http/1.1"},
        {TLS_ALPN_HTTP, "\x04mqtt", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p = {.echoes = true};
        struct tls_endpoint endpoint;
        const unsigned char *chosen;
        unsigned n;
        open_tls(&p, plain, cases[i].ours, &endpoint);
        SSL *ssl = client_new(p.fd, &(struct offer){.alpn = cases[i].offered});
        bool is_up = SSL_do_handshake(ssl) == 1;
        assert_int_equal(is_up, cases[i].chosen != NULL);
        SSL_get0_alpn_selected(ssl, &chosen, &n);
        if (is_up)
            assert_true(span_equal(span_of(chosen, n), span_str(cases[i].chosen)));
        else
            peer_wait_closed(&p);
        assert_int_equal(p.err, is_up ? 0 : ERR_TLS_ALPN);
        done(&p, ssl);
    }
}

static void old_versions_are_refused_with_an_alert(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct peer p = {0};
        struct tls_endpoint endpoint;
        open_tls(&p, plain, TLS_ALPN_MQTT, &endpoint);
        SSL *ssl = client_new(p.fd, &(struct offer){.version = versions[i]});
        assert_int_equal(SSL_do_handshake(ssl), -1);
        assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_TLS_VERSION);
        done(&p, ssl);
    }
}

static void weak_ciphers_are_refused(void **state)
{
    (void)state;
    struct peer p = {0};
    struct tls_endpoint endpoint;
    open_tls(&p, plain, TLS_ALPN_MQTT, &endpoint);
    SSL *ssl = client_new(p.fd, &(struct offer){.version = TLS1_2_VERSION});
    assert_int_equal(SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-SHA:AES128-SHA"), 1);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_TLS_CIPHER);
    done(&p, ssl);
}

/* Drives the client through memory; each of its bytes is a segment of its own. */
static void handshake_by_bytes(SSL *ssl, int fd)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    uint8_t bytes[16384];
    while (SSL_do_handshake(ssl) != 1) {
        char byte;
        while (BIO_read(out, &byte, 1) == 1) {
            assert_int_equal(send(fd, &byte, 1, 0), 1);
            usleep(50);
        }
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        assert_true(n > 0);
        assert_int_equal(BIO_write(in, bytes, (int)n), n);
    }
    char byte;
    SSL_write(ssl, "whole", 5);
    while (BIO_read(out, &byte, 1) == 1)
        assert_int_equal(send(fd, &byte, 1, 0), 1);
}

static void a_handshake_may_come_in_single_bytes(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct peer p = {0};
        struct tls_endpoint endpoint;
        open_tls(&p, plain, TLS_ALPN_MQTT, &endpoint);
        SSL *ssl = client_new(p.fd, &(struct offer){.version = versions[i]});
        handshake_by_bytes(ssl, p.fd);
        peer_wait_got(&p, 5);
        assert_memory_equal(p.got, "whole", 5);
        assert_int_equal(p.told, 1);
        done(&p, ssl);
    }
}

static void write_greeting(void *peer)
{
    conn_write(((struct peer *)peer)->c, SPAN_LIT("greeting"));
}

/* The owner may write before the peer said a word: it goes out when the handshake is done. */
static void output_waits_for_the_handshake(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct peer p = {0};
        struct tls_endpoint endpoint;
        char got[9] = "";
        open_tls(&p, plain, TLS_ALPN_MQTT, &endpoint);
        on_shard(p.shard, write_greeting, &p);
        assert_int_equal(peer_look(&p).output_bytes, 8);
        SSL *ssl = client_new(p.fd, &(struct offer){.version = versions[i]});
        assert_int_equal(SSL_do_handshake(ssl), 1);
        read_all(ssl, (uint8_t *)got, 8);
        assert_string_equal(got, "greeting");
        done(&p, ssl);
    }
}

static void what_is_not_tls_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        int err;
    } cases[] = {
        {SPAN_LIT("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"), ERR_TLS_NOT_TLS},
        {SPAN_LIT("garbage on a port"), ERR_TLS_NOT_TLS},
        {SPAN_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ERR_TLS_PLAIN_HTTP},
        {SPAN_LIT("\x16\x03\x01\x00\x05\xff\x00\x00\x01\x00"), ERR_TLS_HANDSHAKE},
        {SPAN_LIT("\x16\x03\x01\xff\xff\x01\x00\x00\x01\x00"), ERR_TLS_HANDSHAKE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p = {0};
        struct tls_endpoint endpoint;
        int error;
        open_tls(&p, plain, TLS_ALPN_MQTT, &endpoint);
        peer_send(&p, cases[i].bytes.p, cases[i].bytes.n);
        peer_wait_closed(&p);
        assert_int_equal(p.err, cases[i].err);
        assert_int_equal(p.told, 0);
        (void)peer_receive(&p, received, 1000, &error);
        assert_int_equal(error, 0); /* closed in order, so that the alert arrives */
        peer_done(&p);
    }
}

static void a_handshake_that_is_cut_has_a_name(void **state)
{
    (void)state;
    static const size_t cuts[] = {0, 3, 5};
    for (size_t i = 0; i < 6; i++) {
        struct peer p = {0};
        struct tls_endpoint endpoint;
        open_tls(&p, plain, TLS_ALPN_MQTT, &endpoint);
        if (i % 2) /* the end is told with the bytes */
            on_shard(p.shard, peer_pause, &p);
        peer_send(&p, "\x16\x03\x01\x01\x00", cuts[i / 2]);
        shutdown(p.fd, SHUT_WR);
        if (i % 2)
            on_shard(p.shard, peer_resume, &p);
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_TLS_CUT);
        peer_done(&p);
    }
}

static void a_client_that_does_not_trust_us_says_so(void **state)
{
    (void)state;
    struct peer p = {0};
    struct tls_endpoint endpoint;
    open_tls(&p, plain, TLS_ALPN_MQTT, &endpoint);
    SSL *ssl = client_new(p.fd, &(struct offer){0});
    X509_STORE *none = X509_STORE_new();
    SSL_set1_verify_cert_store(ssl, none);
    X509_STORE_free(none);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_TLS_ALERT);
    done(&p, ssl);
}

static void a_damaged_record_ends_the_connection(void **state)
{
    (void)state;
    struct peer p = {.echoes = true};
    SSL *ssl = connected(&p, plain, &(struct offer){0});
    check_echo(ssl, "good");
    peer_send(&p, "\x17\x03\x03\x00\x13 nobody's ciphertext", 24);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_TLS_RECORD);
    assert_int_equal(p.got_bytes, 4);
    done(&p, ssl);
}

static void renegotiation_is_refused(void **state)
{
    (void)state;
    struct peer p = {.echoes = true};
    SSL *ssl = connected(&p, plain, &(struct offer){.version = TLS1_2_VERSION});
    check_echo(ssl, "one");
    assert_int_equal(SSL_renegotiate(ssl), 1);
    assert_int_not_equal(SSL_do_handshake(ssl), 1);
    assert_int_equal(SSL_get_error(ssl, -1), SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    done(&p, ssl);
}

/* ---- both directions ---- */

/* Counts records, so that gathering shows. */
static void count_records(int is_write, int version, int type, const void *p, size_t n, SSL *ssl,
                          void *context)
{
    (void)version;
    (void)p;
    (void)n;
    (void)ssl;
    *(int *)context += !is_write && type == SSL3_RT_HEADER;
}

/* The pattern in parts of all sizes. */
static void write_mixed(void *peer)
{
    static const size_t sizes[] = {1, 17, 90, 500, 1400, 2024, 16384, 70000, 3, 20000};
    struct peer *p = peer;
    for (size_t at = 0, i = 0; at < sizeof sent; i++) {
        size_t n = sizes[i % 10] < sizeof sent - at ? sizes[i % 10] : sizeof sent - at;
        conn_write(p->c, span_of(sent + at, n));
        at += n;
    }
}

static void much_output_arrives_at_a_slow_reader_in_full_records(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct peer p = {0};
        int records = 0;
        SSL *ssl = connected(&p, plain, &(struct offer){.version = versions[i]});
        SSL_set_msg_callback(ssl, count_records);
        SSL_set_msg_callback_arg(ssl, &records);
        on_shard(p.shard, write_mixed, &p);
        assert_true(peer_look(&p).output_bytes > MIB);
        for (size_t have = 0; have < sizeof sent; have += 65536) {
            read_all(ssl, received + have, 65536);
            if (have % MIB == 0)
                usleep(5000);
        }
        assert_memory_equal(received, sent, sizeof sent);
        assert_in_range(records, sizeof sent / 16384, sizeof sent / 16384 + 40);
        assert_int_equal(peer_look(&p).output_bytes, 0);
        assert_int_equal(peer_look(&p).bytes_out, sizeof sent);
        done(&p, ssl);
    }
}

static void write_small(void *peer)
{
    struct peer *p = peer;
    for (size_t i = 0; i < 500; i++)
        conn_write(p->c, span_of(sent + i * 20, 20));
}

static void a_turn_is_one_record(void **state)
{
    (void)state;
    struct peer p = {0};
    int records = 0;
    SSL *ssl = connected(&p, plain, &(struct offer){.version = TLS1_2_VERSION});
    SSL_set_msg_callback(ssl, count_records);
    SSL_set_msg_callback_arg(ssl, &records);
    on_shard(p.shard, write_small, &p);
    read_all(ssl, received, 10000);
    assert_memory_equal(received, sent, 10000);
    assert_int_equal(records, 1);
    done(&p, ssl);
}

static void much_input_arrives(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct peer p = {0};
        SSL *ssl = connected(&p, plain, &(struct offer){.version = versions[i]});
        for (size_t at = 0; at < sizeof sent; at += 32768)
            assert_int_equal(SSL_write(ssl, sent + at, 32768), 32768);
        peer_wait_got(&p, sizeof sent);
        assert_memory_equal(p.got, sent, sizeof sent);
        done(&p, ssl);
    }
}

/* The reader pauses after each frame: what TLS has decrypted meanwhile waits and is not lost. */
static void a_paused_reader_gets_all(void **state)
{
    (void)state;
    struct peer p = {.frame_bytes = 1000, .pauses = true};
    SSL *ssl = connected(&p, plain, &(struct offer){0});
    for (size_t at = 0; at < 600000; at += 30000) {
        assert_int_equal(SSL_write(ssl, sent + at, 30000), 30000);
        on_shard(p.shard, peer_resume, &p);
    }
    for (int tries = 0; peer_look(&p).got_bytes < 600000 && tries < 2000; tries++) {
        on_shard(p.shard, peer_resume, &p);
        usleep(1000);
    }
    assert_int_equal(peer_look(&p).got_bytes, 600000);
    assert_memory_equal(p.got, sent, 600000);
    done(&p, ssl);
}

/* ---- from shard to shard ---- */

static struct moving {
    struct mail mail; /* first */
    struct peer *p;
    sem_t arrived;
    int err;
} moving;

static void arrive(struct mail *m)
{
    (void)m;
    moving.err = conn_attach(moving.p->c);
    sem_post(&moving.arrived);
}

static ssize_t take_here(struct conn *c, void *owner, struct span in)
{
    struct peer *p = owner;
    (void)c;
    p->told += shard_self() == peer_shard(1);
    memcpy(p->got + p->got_bytes, in.p, in.n);
    p->got_bytes += in.n;
    return (ssize_t)in.n;
}

static const struct conn_handler here = {.on_data = take_here};

static ssize_t move(struct conn *c, void *owner, struct span in)
{
    conn_set_handler(c, &here, owner);
    conn_detach(c, in);
    moving.mail.deliver = arrive;
    shard_send(peer_shard(1), &moving.mail);
    return 0;
}

static const struct conn_handler mover = {.on_data = move};

static void set_mover(void *peer)
{
    struct peer *p = peer;
    conn_set_handler(p->c, &mover, p);
    conn_pause(p->c);
}

/* More than one read takes lies in the socket when the connection moves, and of that TLS has part:
 * no edge tells the new shard. */
static void moves_with_what_tls_holds(void **state)
{
    (void)state;
    for (size_t total = 250000; total < 290000; total += 5000) {
        struct peer p = {0};
        int bytes = 400000; /* so that all of it is on its way before it is read */
        SSL *ssl = connected(&p, plain, &(struct offer){0});
        setsockopt(p.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        moving = (struct moving){.p = &p, .err = -1};
        sem_init(&moving.arrived, 0, 0);
        on_shard(p.shard, set_mover, &p);
        assert_int_equal(SSL_write(ssl, sent, (int)total), total);
        on_shard(p.shard, peer_resume, &p);
        assert_true(wait_posted(&moving.arrived, 10));
        p.shard = peer_shard(1);
        peer_wait_got(&p, total);
        assert_int_equal(moving.err, 0);
        assert_true(p.told > 0);
        assert_memory_equal(p.got, sent, total);
        done(&p, ssl);
    }
}

/* ---- the end ---- */

static void a_flushed_close_says_goodbye(void **state)
{
    (void)state;
    struct peer p = {.echoes = true, .closes_flushed = true};
    SSL *ssl = connected(&p, plain, &(struct offer){0});
    check_echo(ssl, "bye");
    char byte;
    assert_int_equal(SSL_read(ssl, &byte, 1), 0);
    assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
    peer_wait_closed(&p);
    done(&p, ssl);
}

/* With input before it, in the same segment, and whether or not TCP ends too. */
static void a_goodbye_ends_the_connection(void **state)
{
    (void)state;
    for (int is_tcp_open = 0; is_tcp_open < 2; is_tcp_open++) {
        struct peer p = {0};
        SSL *ssl = connected(&p, plain, &(struct offer){0});
        on_shard(p.shard, peer_pause, &p);
        assert_int_equal(SSL_write(ssl, "last words", 10), 10);
        assert_int_equal(SSL_shutdown(ssl), 0);
        if (!is_tcp_open)
            shutdown(p.fd, SHUT_WR);
        on_shard(p.shard, peer_resume, &p);
        peer_wait_closed(&p);
        assert_int_equal(p.err, ERR_CONN_EOF);
        assert_int_equal(p.got_bytes, 10);
        assert_int_equal(SSL_shutdown(ssl), 1); /* and is answered */
        done(&p, ssl);
    }
}

static void an_end_without_goodbye_is_an_end(void **state)
{
    (void)state;
    struct peer p = {.echoes = true};
    SSL *ssl = connected(&p, plain, &(struct offer){0});
    check_echo(ssl, "some");
    shutdown(p.fd, SHUT_WR);
    peer_wait_closed(&p);
    assert_int_equal(p.err, ERR_CONN_EOF);
    done(&p, ssl);
}

/* ---- certificates of clients ---- */

static void client_certificates_are_checked(void **state)
{
    (void)state;
    const struct {
        struct tls_context *context;
        const struct cert *certificate;
        int err; /* 0: let in */
    } cases[] = {
        {plain, &client, 0},
        {asking, NULL, 0},
        {asking, &client, 0},
        {asking, &stranger, ERR_TLS_CLIENT_CERT},
        {requiring, NULL, ERR_TLS_CLIENT_CERT_MISSING},
        {requiring, &client, 0},
        {requiring, &stranger, ERR_TLS_CLIENT_CERT},
    };
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        struct peer p = {.echoes = true};
        struct tls_endpoint endpoint;
        char got[3] = "";
        open_tls(&p, cases[i / 2].context, TLS_ALPN_MQTT, &endpoint);
        SSL *ssl = client_new(p.fd, &(struct offer){.version = versions[i % 2],
                                                    .certificate = cases[i / 2].certificate});
        /* TLS 1.3: the client learns what came of its certificate only when it reads. */
        bool is_up = SSL_do_handshake(ssl) == 1 && SSL_write(ssl, "hi", 2) == 2 &&
                     SSL_read(ssl, got, 2) == 2;
        assert_int_equal(is_up, cases[i / 2].err == 0);
        if (!is_up) {
            assert_true(ERR_GET_REASON(ERR_peek_error()) > SSL_AD_REASON_OFFSET);
            peer_wait_closed(&p);
        }
        assert_int_equal(peer_look(&p).err, cases[i / 2].err);
        done(&p, ssl);
    }
}

/* ---- sessions, and new certificates ---- */

static SSL_SESSION *session_of(SSL *ssl)
{
    check_echo(ssl, "ticket"); /* TLS 1.3 sends it behind the handshake */
    SSL_SESSION *session = SSL_get1_session(ssl);
    assert_true(SSL_SESSION_is_resumable(session));
    SSL_shutdown(ssl);
    return session;
}

static bool resumes(struct tls_context *context, const struct offer *o)
{
    struct peer p = {.echoes = true};
    SSL *ssl = connected(&p, context, o);
    bool is_reused = SSL_session_reused(ssl);
    check_echo(ssl, "resumed or not");
    done(&p, ssl);
    return is_reused;
}

static void a_ticket_resumes_the_session(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 4; i++) {
        /* With certificates of clients too. */
        struct tls_context *context = i < 2 ? plain : requiring;
        struct offer o = {.version = versions[i % 2], .certificate = i < 2 ? NULL : &client};
        struct peer p = {.echoes = true};
        SSL *ssl = connected(&p, context, &o);
        assert_false(SSL_session_reused(ssl));
        o.session = session_of(ssl);
        assert_int_equal(SSL_SESSION_get_max_early_data(o.session), 0);
        done(&p, ssl);
        assert_true(resumes(context, &o));
        if (i < 2) {
            tls_context_change(plain, load(&server, false, false));
            assert_false(resumes(plain, &o));
        }
        SSL_SESSION_free(o.session);
    }
}

static void check_certificate(const SSL *ssl, const struct cert *c)
{
    X509 *x = SSL_get1_peer_certificate(ssl);
    assert_int_equal(X509_cmp(x, c->x), 0);
    X509_free(x);
}

/* Those that are open, or within their handshake, go on; the next gets the new one. */
static void new_certificates_are_for_new_connections(void **state)
{
    (void)state;
    struct peer before = {.echoes = true}, within = {.echoes = true}, after = {.echoes = true};
    struct tls_endpoint endpoint;
    SSL *first = connected(&before, plain, &(struct offer){0});
    check_certificate(first, &server);
    check_echo(first, "before");
    open_tls(&within, plain, TLS_ALPN_MQTT, &endpoint);
    tls_context_change(plain, load(&second, false, false));
    SSL *second_client = client_new(within.fd, &(struct offer){0});
    assert_int_equal(SSL_do_handshake(second_client), 1);
    check_certificate(second_client, &server);
    SSL *third = connected(&after, plain, &(struct offer){0});
    check_certificate(third, &second);
    check_echo(third, "after");
    check_echo(first, "still here");
    tls_context_change(plain, load(&server, false, false));
    done(&before, first);
    done(&within, second_client);
    done(&after, third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_are_spoken),
        cmocka_unit_test(alpn_is_the_listeners),
        cmocka_unit_test(old_versions_are_refused_with_an_alert),
        cmocka_unit_test(weak_ciphers_are_refused),
        cmocka_unit_test(a_handshake_may_come_in_single_bytes),
        cmocka_unit_test(output_waits_for_the_handshake),
        cmocka_unit_test(what_is_not_tls_is_refused_by_name),
        cmocka_unit_test(a_handshake_that_is_cut_has_a_name),
        cmocka_unit_test(a_client_that_does_not_trust_us_says_so),
        cmocka_unit_test(a_damaged_record_ends_the_connection),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(much_output_arrives_at_a_slow_reader_in_full_records),
        cmocka_unit_test(a_turn_is_one_record),
        cmocka_unit_test(much_input_arrives),
        cmocka_unit_test(a_paused_reader_gets_all),
        cmocka_unit_test(moves_with_what_tls_holds),
        cmocka_unit_test(a_flushed_close_says_goodbye),
        cmocka_unit_test(a_goodbye_ends_the_connection),
        cmocka_unit_test(an_end_without_goodbye_is_an_end),
        cmocka_unit_test(client_certificates_are_checked),
        cmocka_unit_test(a_ticket_resumes_the_session),
        cmocka_unit_test(new_certificates_are_for_new_connections),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
