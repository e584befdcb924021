/* TLS, the server's side, between the socket and the connection's owner. The handshake happens
 * inside reads and writes: the owner hears nothing before it is done, and its own time limit for
 * the first bytes covers it. Many small parts of output leave as full records. Knows nothing of
 * certificates (tls_identity.c) and of what is said.
 *
 * OpenSSL's error queue belongs to the thread: it is empty between calls, because whoever meets an
 * error here empties it. */
#include "net/transport.h"

#include "base/mem.h"
#include "net/conn_internal.h"
#include "net/tls_internal.h"

#include <openssl/err.h>

#define RECORD_BYTES SSL3_RT_MAX_PLAIN_LENGTH

struct tls {
    SSL *ssl;
    struct tls_socket socket;
    int end;                /* TRANSPORT_EOF or an error, once reading met it */
    bool is_up;             /* the handshake is done */
    bool is_broken;         /* OpenSSL must not be asked again */
    bool is_output_waiting; /* writing must read first: the handshake */
};

static int tls_open(struct conn *c, const void *context)
{
    const struct tls_endpoint *endpoint = context;
    struct tls *t = mem_zalloc(MEM_NET, sizeof *t);
    if (!t)
        return err_raise(ERR_TLS_MEMORY);
    t->socket.fd = conn_fd(c);
    t->ssl = tls_context_connect(endpoint->context, endpoint->alpn, &t->socket);
    if (!t->ssl) {
        ERR_clear_error();
        mem_free(MEM_NET, t);
        return err_raise(ERR_TLS_OPEN);
    }
    conn_set_transport_state(c, t);
    return 0;
}

/* ---- what went wrong ---- */

static const struct {
    int reason, err;
} refusals[] = {
    {SSL_R_HTTP_REQUEST, ERR_TLS_PLAIN_HTTP},
    {SSL_R_WRONG_VERSION_NUMBER, ERR_TLS_NOT_TLS},
    {SSL_R_UNSUPPORTED_PROTOCOL, ERR_TLS_VERSION},
    {SSL_R_VERSION_TOO_LOW, ERR_TLS_VERSION},
    {SSL_R_NO_SHARED_CIPHER, ERR_TLS_CIPHER},
    {SSL_R_NO_APPLICATION_PROTOCOL, ERR_TLS_ALPN},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, ERR_TLS_CLIENT_CERT_MISSING},
    {SSL_R_CERTIFICATE_VERIFY_FAILED, ERR_TLS_CLIENT_CERT},
};

static int refusal(const struct tls *t, unsigned long error)
{
    int reason = ERR_GET_REASON(error);
    if (reason == ERR_R_MALLOC_FAILURE)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].reason == reason)
            return refusals[i].err;
    if (reason >= SSL_AD_REASON_OFFSET)
        return ERR_TLS_ALERT;
    return t->is_up ? ERR_TLS_RECORD : ERR_TLS_HANDSHAKE;
}

static int break_off(struct tls *t, int otherwise)
{
    unsigned long error = ERR_peek_error();
    ERR_clear_error();
    t->is_broken = true;
    if (error && ERR_GET_LIB(error) == ERR_LIB_SSL)
        return err_raise(refusal(t, error));
    return transport_socket_error(t->socket.error, otherwise);
}

/* After a call that did not succeed: TRANSPORT_AGAIN, TRANSPORT_EOF, or an error. */
static int outcome(struct conn *c, struct tls *t, int otherwise)
{
    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return TRANSPORT_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        c->is_read_blocked = true;
        return TRANSPORT_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return t->is_up ? TRANSPORT_EOF : err_raise(ERR_TLS_CUT);
    default:
        return break_off(t, otherwise);
    }
}

/* ---- reading ---- */

static ssize_t tls_read(struct conn *c, uint8_t *p, size_t n)
{
    struct tls *t = conn_transport_state(c);
    size_t have = 0, got = 0;
    if (t->end)
        return t->end;
    t->socket.is_drained = false;
    t->socket.is_ending = c->is_hung_up;
    while (have < n && SSL_read_ex(t->ssl, p + have, n - have, &got))
        have += got;
    t->is_up = t->is_up || SSL_is_init_finished(t->ssl);
    if (have < n)
        t->end = outcome(c, t, ERR_CONN_READ);
    if (t->is_output_waiting) {
        t->is_output_waiting = false;
        conn_retry_output(c);
    }
    if (have == 0)
        return t->end;
    if (t->end)
        conn_want_read(c); /* no edge will tell it */
    return (ssize_t)have;
}

/* ---- writing ---- */

/* Where the output is that was not written yet. */
struct rest {
    const struct iovec *iov;
    int count;
    size_t done; /* of iov[0] */
};

static struct span first_part(const struct rest *r)
{
    return span_from(span_of(r->iov->iov_base, r->iov->iov_len), r->done);
}

static void skip(struct rest *r, size_t n)
{
    for (r->done += n; r->count && r->done >= r->iov->iov_len; r->count--)
        r->done -= r->iov++->iov_len;
}

/* The bytes of the next record: as they lie when one part fills it, else gathered in `space`. */
static struct span next_record(const struct rest *r, uint8_t *space)
{
    struct rest at = *r;
    struct span part = at.count ? first_part(&at) : (struct span){0};
    if (at.count < 2 || part.n >= RECORD_BYTES)
        return span_head(part, RECORD_BYTES);
    size_t n = 0;
    while (at.count && n < RECORD_BYTES) {
        part = span_head(first_part(&at), RECORD_BYTES - n);
        memcpy(space + n, part.p, part.n);
        n += part.n;
        skip(&at, part.n);
    }
    return span_of(space, n);
}

/* A record that the socket did not take whole stays with OpenSSL and must be offered again, the
 * same bytes in front: it is not counted as taken, and the queue grows only at its end. */
static ssize_t tls_write(struct conn *c, const struct iovec *iov, int count)
{
    struct tls *t = conn_transport_state(c);
    struct rest rest = {iov, count, 0};
    uint8_t space[RECORD_BYTES];
    ssize_t taken = 0;
    if (t->is_broken)
        return err_raise(ERR_CONN_WRITE);
    for (;;) {
        struct span record = next_record(&rest, space);
        size_t n = 0;
        if (record.n == 0)
            return taken;
        if (!SSL_write_ex(t->ssl, record.p, record.n, &n)) {
            int end = outcome(c, t, ERR_CONN_WRITE);
            t->is_output_waiting = SSL_want_read(t->ssl);
            return end == TRANSPORT_AGAIN ? taken : end == TRANSPORT_EOF ? ERR_CONN_WRITE : end;
        }
        t->is_up = true;
        taken += (ssize_t)n;
        skip(&rest, n);
    }
}

/* ---- the end ---- */

static void tls_close(struct conn *c)
{
    struct tls *t = conn_transport_state(c);
    if (!t->is_broken && t->is_up) {
        (void)SSL_shutdown(t->ssl); /* our close_notify; the peer's is not waited for */
        ERR_clear_error();
    }
    SSL_free(t->ssl);
    mem_free(MEM_NET, t);
    conn_set_transport_state(c, NULL);
}

const struct transport transport_tls = {
    .name = "tls",
    .open = tls_open,
    .read = tls_read,
    .write = tls_write,
    .close = tls_close,
};
