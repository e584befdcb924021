/* See certs.h. */
#include "certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

void certs_begin(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/trackwire-certs-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

void certs_path(const char *name, char out[static CERTS_PATH_MAX])
{
    assert_in_range(snprintf(out, CERTS_PATH_MAX, "%s/%s", folder, name), 1, CERTS_PATH_MAX - 1);
}

void certs_end(void)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    char path[CERTS_PATH_MAX + sizeof folder];
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.')
            (void)unlink(path);
    }
    closedir(d);
    assert_int_equal(rmdir(folder), 0);
}

void certs_write(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void add(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void write_pem(const struct cert *c)
{
    FILE *out = fopen(c->certificate_file, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_X509(out, c->x), 1);
    fclose(out);
    out = fopen(c->key_file, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_PrivateKey(out, c->key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
}

struct cert cert_make(const char *name, const struct cert *issuer, int days)
{
    static long serial;
    char file[64];
    struct cert c = {.x = X509_new(), .key = EVP_EC_gen("P-256")};
    assert_non_null(c.x);
    assert_non_null(c.key);
    X509_NAME *subject = X509_get_subject_name(c.x);
    X509_set_version(c.x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(c.x), days < 0 ? 2L * days * 86400 : -60);
    X509_gmtime_adj(X509_getm_notAfter(c.x), days * 86400L);
    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, (const unsigned char *)name,
                               -1, -1, 0);
    X509_set_issuer_name(c.x, issuer ? X509_get_subject_name(issuer->x) : subject);
    X509_set_pubkey(c.x, c.key);
    add(c.x, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (issuer)
        add(c.x, NID_subject_alt_name, "DNS:localhost");
    assert_true(X509_sign(c.x, issuer ? issuer->key : c.key, EVP_sha256()) > 0);
    (void)snprintf(file, sizeof file, "%s.pem", name);
    certs_path(file, c.certificate_file);
    (void)snprintf(file, sizeof file, "%s.key", name);
    certs_path(file, c.key_file);
    write_pem(&c);
    return c;
}

void cert_free(struct cert *c)
{
    X509_free(c->x);
    EVP_PKEY_free(c->key);
    *c = (struct cert){0};
}

void cert_lock_key(const struct cert *c, const char *path)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(
        PEM_write_PKCS8PrivateKey(out, c->key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
    fclose(out);
}
