/* TLS for the files of net/ only: OpenSSL is not seen outside. */
#ifndef TRACKWIRE_NET_TLS_INTERNAL_H
#define TRACKWIRE_NET_TLS_INTERNAL_H

#include "net/tls_context.h"

#include <openssl/ssl.h>

/* A connection's socket as OpenSSL sees it. */
struct tls_socket {
    int fd;
    int error;       /* errno of the last failure */
    bool is_drained; /* the last read emptied it: asking again would be a call for nothing */
    bool is_ending;  /* the peer hung up: it is read until the end shows */
    bool is_eof;
};

/* ---- tls_context.c ---- */

/* A server's connection with the present identity over `socket`, which outlives it; NULL out of
 * memory. It keeps its identity for as long as it lives. Any thread. */
SSL *tls_context_connect(struct tls_context *context, enum tls_alpn alpn,
                         struct tls_socket *socket);

/* ---- tls_identity.c ---- */

/* Borrowed from the identity. */
SSL_CTX *tls_identity_settings(const struct tls_identity *identity);

/* ---- tls_alpn.c ---- */

/* Makes connections with these settings answer ALPN. */
void tls_alpn_enable(SSL_CTX *settings);
/* False out of memory. */
bool tls_alpn_set(SSL *ssl, enum tls_alpn alpn);

/* ---- tls_socket.c ---- */

/* The kind of BIO that tls_socket_bio makes; NULL out of memory. BIO_meth_free frees it, after its
 * BIOs. */
BIO_METHOD *tls_socket_method_new(void);
/* NULL out of memory. */
BIO *tls_socket_bio(BIO_METHOD *method, struct tls_socket *socket);
/* True where the kernel can encrypt for us (kTLS). A few calls: ask once. */
bool tls_socket_has_kernel_tls(void);

#endif
