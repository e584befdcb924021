/* Certificates for tests, in a folder of their own, and what a client needs to use them. */
#ifndef TRACKWIRE_TESTS_CERTS_H
#define TRACKWIRE_TESTS_CERTS_H

#include <openssl/ssl.h>

#define CERTS_PATH_MAX 256

/* A certificate with its key, in memory and as PEM files. */
struct cert {
    X509 *x;
    EVP_PKEY *key;
    char certificate_file[CERTS_PATH_MAX], key_file[CERTS_PATH_MAX];
};

/* The folder of the tests; removed with all its files by certs_end. */
void certs_begin(void);
void certs_end(void);
/* A path in it. */
void certs_path(const char *name, char out[static CERTS_PATH_MAX]);
void certs_write(const char *path, const char *text);

/* A certificate for `name`, signed by `issuer`, NULL: by itself, and then one that may sign others.
 * `days` until it ends. */
struct cert cert_make(const char *name, const struct cert *issuer, int days);
void cert_free(struct cert *c);
/* Its key once more, with a passphrase. */
void cert_lock_key(const struct cert *c, const char *path);

#endif
