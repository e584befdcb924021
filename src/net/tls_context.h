/* Certificates: what the TLS connections of the hub are made with. An identity is what was read
 * from the files, whole and checked; a context holds the present one and changes it while
 * connections run: new ones get the new identity, the others keep theirs. */
#ifndef TRACKWIRE_NET_TLS_CONTEXT_H
#define TRACKWIRE_NET_TLS_CONTEXT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct tls_identity;
struct tls_context;

/* PEM files, by name. */
struct tls_files {
    const char *certificate; /* of the server, then of those between it and the root */
    const char *key;         /* of the server's certificate; without passphrase */
    const char *client_ca;   /* who signs client certificates; NULL: clients are asked for none */
    bool is_client_required; /* a client without certificate is refused */
};

/* What is wrong with the files. */
struct tls_problem {
    int err;
    char text[1280]; /* the file and the reason, for a person */
};

/* Reads and checks the files; blocks. On an error `problem` says more; nothing else is changed. */
int tls_identity_load(const struct tls_files *files, struct tls_identity **ret,
                      struct tls_problem *problem) MUST_USE;
/* When the server's certificate ends; UNIX seconds. */
int64_t tls_identity_expires_s(const struct tls_identity *identity);
void tls_identity_free(struct tls_identity **identity);

/* A context with `identity`, which it takes unless it fails. */
int tls_context_new(struct tls_identity *identity, struct tls_context **ret) MUST_USE;
/* Takes `identity`; connections made from now on use it. Any thread. */
void tls_context_change(struct tls_context *context, struct tls_identity *identity);
/* When all connections that were made with it are closed. */
void tls_context_free(struct tls_context **context);

/* What a client may ask for by ALPN (RFC 7301). One that asks for something else is refused, so
 * that nobody's browser can be led to speak to another service's port; one that asks for nothing is
 * not. */
enum tls_alpn {
    TLS_ALPN_MQTT,
    TLS_ALPN_HTTP,
};

/* transport_tls's context; outlives the listener that has it. */
struct tls_endpoint {
    struct tls_context *context;
    enum tls_alpn alpn;
};

/* Makes a self-signed certificate for localhost, the loopback addresses and this machine's name,
 * and its key, for ten years from now; replaces what the files held. Only the owner may read them.
 * Blocks. ERR_TLS_SELF_SIGNED_*, and errno says why they could not be written. */
int tls_make_self_signed(const char *certificate_file, const char *key_file) MUST_USE;

#endif
