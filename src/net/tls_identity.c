/* Reading certificates, and what TLS is like here: versions, ciphers, tickets, buffers. Blocks on
 * files, so not for worker shards. */
#include "net/tls_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* TLS 1.2: only key exchange with forward secrecy and ciphers with authentication. AES-128 first:
 * as safe, and a third less work; a client without AES hardware says so by putting ChaCha20 first,
 * and gets it. */
#define CIPHERS_1_2 "ECDHE+AESGCM+AES128:ECDHE+CHACHA20:ECDHE+AESGCM"
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#define GROUPS "X25519:P-256:P-384"
/* How long a ticket spares a client the whole handshake. Tickets die with their identity too. */
#define SESSION_S (12 * 3600)
/* So many bytes of records are read with one call. */
#define READ_BYTES 32768

struct tls_identity {
    SSL_CTX *settings;
    int64_t expires_s;
};

/* ---- settings ---- */

#define OPTIONS                                                                                    \
    (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |           \
     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF)
/* An idle connection keeps no buffers; a write that the socket did not take is tried again with the
 * same bytes from wherever they lie by then. */
#define MODES (SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)

/* The end of a stream is told by MQTT and HTTP themselves, so a peer that closes without TLS's
 * goodbye, as many do, is taken for one that closed (SSL_OP_IGNORE_UNEXPECTED_EOF). */
static SSL_CTX *make_settings(void)
{
    SSL_CTX *s = SSL_CTX_new(TLS_server_method());
    if (!s)
        return NULL;
    SSL_CTX_set_options(s, OPTIONS);
    if (tls_socket_has_kernel_tls())
        SSL_CTX_set_options(s, SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_mode(s, MODES);
    SSL_CTX_set_read_ahead(s, 1);
    SSL_CTX_set_default_read_buffer_len(s, READ_BYTES);
    SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF); /* tickets: the client keeps it */
    SSL_CTX_set_timeout(s, SESSION_S);
    tls_alpn_enable(s);
    static const unsigned char id[] = "trackwire";
    if (SSL_CTX_set_min_proto_version(s, TLS1_2_VERSION) && SSL_CTX_set_num_tickets(s, 1) &&
        SSL_CTX_set_max_early_data(s, 0) && SSL_CTX_set_cipher_list(s, CIPHERS_1_2) &&
        SSL_CTX_set_ciphersuites(s, CIPHERS_1_3) && SSL_CTX_set1_groups_list(s, GROUPS) &&
        SSL_CTX_set_session_id_context(s, id, sizeof id - 1))
        return s;
    SSL_CTX_free(s);
    return NULL;
}

/* ---- files ---- */

static int complain(struct tls_problem *p, int err, const char *file, const char *more)
{
    p->err = err_raise(err);
    (void)snprintf(p->text, sizeof p->text, "%s: %s%s%s", file, err_text(err), more ? ": " : "",
                   more ? more : "");
    ERR_clear_error();
    return err;
}

/* Before OpenSSL tries: what it says of a file that is not there reads worse. */
static int check_readable(const char *file, int err, struct tls_problem *p)
{
    char byte;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : read(fd, &byte, 1);
    int failure = errno;
    if (fd >= 0)
        close(fd);
    return got < 0 ? complain(p, err, file, strerror(failure)) : 0;
}

static bool is_error(int library, int reason)
{
    unsigned long e = ERR_peek_last_error();
    return ERR_GET_LIB(e) == library && ERR_GET_REASON(e) == reason;
}

static bool is_weak(void)
{
    return is_error(ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL) ||
           is_error(ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL) ||
           is_error(ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK);
}

static int use_certificate(SSL_CTX *s, const char *file, struct tls_problem *p)
{
    int err = check_readable(file, ERR_TLS_CERT_OPEN, p);
    if (err < 0 || SSL_CTX_use_certificate_chain_file(s, file) == 1)
        return err;
    return complain(p, is_weak() ? ERR_TLS_CERT_WEAK : ERR_TLS_CERT_FORMAT, file, NULL);
}

/* OpenSSL's default would ask at the terminal. */
static int no_passphrase(char *p, int n, int is_writing, void *context)
{
    (void)p;
    (void)n;
    (void)is_writing;
    *(bool *)context = true;
    return -1;
}

static int use_key(SSL_CTX *s, const char *file, struct tls_problem *p)
{
    bool is_asked = false;
    int err = check_readable(file, ERR_TLS_KEY_OPEN, p);
    if (err < 0)
        return err;
    SSL_CTX_set_default_passwd_cb(s, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(s, &is_asked);
    bool is_used = SSL_CTX_use_PrivateKey_file(s, file, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb(s, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(s, NULL);
    if (is_used && SSL_CTX_check_private_key(s) == 1)
        return 0;
    if (is_asked)
        return complain(p, ERR_TLS_KEY_ENCRYPTED, file, NULL);
    bool is_other = is_used || is_error(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
                    is_error(ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH);
    return complain(p, is_other ? ERR_TLS_KEY_MISMATCH : ERR_TLS_KEY_FORMAT, file, NULL);
}

static int use_client_ca(SSL_CTX *s, const struct tls_files *files, struct tls_problem *p)
{
    if (!files->client_ca)
        return 0;
    int err = check_readable(files->client_ca, ERR_TLS_CA_OPEN, p);
    if (err < 0)
        return err;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(files->client_ca);
    if (!names || !SSL_CTX_load_verify_file(s, files->client_ca)) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return complain(p, ERR_TLS_CA_FORMAT, files->client_ca, NULL);
    }
    SSL_CTX_set_client_CA_list(s, names);
    int required = files->is_client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(s, SSL_VERIFY_PEER | required, NULL);
    return 0;
}

static int64_t expiry_of(const SSL_CTX *s)
{
    struct tm tm;
    const X509 *certificate = SSL_CTX_get0_certificate(s);
    if (!ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm))
        return 0;
    return timegm(&tm);
}

/* ---- identities ---- */

static int load(SSL_CTX *s, const struct tls_files *files, struct tls_problem *p)
{
    int err = use_certificate(s, files->certificate, p);
    if (!err)
        err = use_key(s, files->key, p);
    return err ? err : use_client_ca(s, files, p);
}

int tls_identity_load(const struct tls_files *files, struct tls_identity **ret,
                      struct tls_problem *problem)
{
    struct tls_identity *identity = mem_zalloc(MEM_NET, sizeof *identity);
    SSL_CTX *settings = identity ? make_settings() : NULL;
    int err = settings ? load(settings, files, problem)
                       : complain(problem, ERR_TLS_LIBRARY, files->certificate, NULL);
    if (err < 0) {
        SSL_CTX_free(settings);
        mem_free(MEM_NET, identity);
        return err;
    }
    *identity = (struct tls_identity){settings, expiry_of(settings)};
    *ret = identity;
    return 0;
}

int64_t tls_identity_expires_s(const struct tls_identity *identity)
{
    return identity->expires_s;
}

SSL_CTX *tls_identity_settings(const struct tls_identity *identity)
{
    return identity->settings;
}

void tls_identity_free(struct tls_identity **identity)
{
    struct tls_identity *it = *identity;
    if (!it)
        return;
    *identity = NULL;
    SSL_CTX_free(it->settings);
    mem_free(MEM_NET, it);
}
