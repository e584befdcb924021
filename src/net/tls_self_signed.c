/* A certificate for who has none: self-signed, so that traffic is encrypted from the first start
 * and a client that is given the certificate can check it. Blocks on files. */
#include "net/tls_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Trackers and scripts have it pinned by then, and nobody would renew it for them. */
#define VALID_S (10L * 365 * 86400)
/* For clients whose clock is slow. */
#define BEFORE_S (-3600L)
#define HOST_MAX 253 /* RFC 1035 2.3.4 */
#define NAME "trackwire self-signed"

/* ---- making ---- */

/* Letters, digits, dots and hyphens: nothing that means something in an extension's text. */
static bool is_host_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
    return n > 0 && name[n] == '\0';
}

static void alternative_names(char *out, size_t size)
{
    char host[HOST_MAX + 1] = "";
    if (gethostname(host, sizeof host - 1) < 0 || !is_host_name(host) ||
        strcmp(host, "localhost") == 0)
        host[0] = '\0';
    (void)snprintf(out, size, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s", host[0] ? ",DNS:" : "",
                   host);
}

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = e && X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    return is_added;
}

static bool set_serial(X509 *x)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, of full length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    return is_set;
}

static bool fill(X509 *x, EVP_PKEY *key)
{
    char names[HOST_MAX + 64];
    X509_NAME *name = X509_get_subject_name(x);
    alternative_names(names, sizeof names);
    return X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
           X509_gmtime_adj(X509_getm_notBefore(x), BEFORE_S) &&
           X509_gmtime_adj(X509_getm_notAfter(x), VALID_S) &&
           X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                      (const unsigned char *)NAME, -1, -1, 0) &&
           X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
           add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x, NID_ext_key_usage, "serverAuth") &&
           add_extension(x, NID_subject_key_identifier, "hash") &&
           add_extension(x, NID_subject_alt_name, names) && X509_sign(x, key, EVP_sha256());
}

/* ---- writing ---- */

static bool put(FILE *out, const X509 *x, const EVP_PKEY *key)
{
    return x ? PEM_write_X509(out, x) : PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
}

/* Whole or not at all, and never readable by others, not for a moment. */
static int write_file(const char *file, const X509 *x, const EVP_PKEY *key)
{
    char fresh[4096];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", file) >= sizeof fresh) {
        errno = ENAMETOOLONG;
        return err_raise(ERR_TLS_SELF_SIGNED_WRITE);
    }
    (void)unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out) {
        int failure = errno;
        if (fd >= 0)
            close(fd);
        errno = failure;
        return err_raise(ERR_TLS_SELF_SIGNED_WRITE);
    }
    bool is_written = put(out, x, key) && fflush(out) == 0 && fsync(fd) == 0;
    is_written = fclose(out) == 0 && is_written;
    if (is_written && rename(fresh, file) == 0)
        return 0;
    int failure = errno;
    (void)unlink(fresh);
    errno = failure;
    return err_raise(ERR_TLS_SELF_SIGNED_WRITE);
}

int tls_make_self_signed(const char *certificate_file, const char *key_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    int err = 0;
    if (!key || !x || !fill(x, key))
        err = err_raise(ERR_TLS_SELF_SIGNED_MAKE);
    if (!err)
        err = write_file(key_file, NULL, key);
    if (!err)
        err = write_file(certificate_file, x, NULL);
    int failure = errno;
    X509_free(x);
    EVP_PKEY_free(key);
    ERR_clear_error();
    errno = failure;
    return err;
}
