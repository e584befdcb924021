/* net/tls_context.h: reading certificates, what is told about bad ones, and the self-signed one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs.h"

#include "base/mem.h"
#include "net/tls_context.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct cert ca, server, other;
static char missing[CERTS_PATH_MAX], text[CERTS_PATH_MAX], locked[CERTS_PATH_MAX];
static char chain[CERTS_PATH_MAX], weak[CERTS_PATH_MAX], weak_key[CERTS_PATH_MAX];

static void make_weak(void)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    X509 *x = X509_dup(server.x);
    X509_set_pubkey(x, key);
    X509_sign(x, ca.key, EVP_sha256());
    FILE *out = fopen(weak, "w");
    PEM_write_X509(out, x);
    fclose(out);
    out = fopen(weak_key, "w");
    PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    X509_free(x);
    EVP_PKEY_free(key);
}

static int start(void **state)
{
    (void)state;
    certs_begin();
    ca = cert_make("ca", NULL, 100);
    server = cert_make("server", &ca, 50);
    other = cert_make("other", &ca, 50);
    certs_path("missing", missing);
    certs_path("text", text);
    certs_path("locked", locked);
    certs_path("chain", chain);
    certs_path("weak", weak);
    certs_path("weak_key", weak_key);
    certs_write(text, "-----BEGIN NOTHING-----\n");
    cert_lock_key(&server, locked);
    make_weak();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cert_free(&ca);
    cert_free(&server);
    cert_free(&other);
    certs_end();
    return mem_bytes(MEM_NET) ? -1 : 0;
}

static void good_files_are_taken(void **state)
{
    (void)state;
    FILE *out = fopen(chain, "w");
    assert_non_null(out);
    PEM_write_X509(out, server.x);
    PEM_write_X509(out, ca.x);
    fclose(out);
    const struct tls_files good[] = {
        {server.certificate_file, server.key_file, NULL, false},
        {chain, server.key_file, NULL, false},
        {server.certificate_file, server.key_file, ca.certificate_file, false},
        {server.certificate_file, server.key_file, ca.certificate_file, true},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct tls_identity *identity = NULL;
        struct tls_problem problem;
        assert_int_equal(tls_identity_load(&good[i], &identity, &problem), 0);
        int64_t left_s = tls_identity_expires_s(identity) - time(NULL);
        assert_in_range(left_s, 50 * 86400 - 60, 50 * 86400);
        tls_identity_free(&identity);
        assert_null(identity);
    }
}

static void bad_files_are_named(void **state)
{
    (void)state;
    const char *pem = server.certificate_file, *key = server.key_file;
    const struct {
        struct tls_files files;
        int err;
        const char *file;
    } bad[] = {
        {{missing, key, NULL, false}, ERR_TLS_CERT_OPEN, missing},
        {{text, key, NULL, false}, ERR_TLS_CERT_FORMAT, text},
        {{key, key, NULL, false}, ERR_TLS_CERT_FORMAT, key},
        {{"/", key, NULL, false}, ERR_TLS_CERT_OPEN, "/"},
        {{weak, weak_key, NULL, false}, ERR_TLS_CERT_WEAK, weak},
        {{pem, missing, NULL, false}, ERR_TLS_KEY_OPEN, missing},
        {{pem, text, NULL, false}, ERR_TLS_KEY_FORMAT, text},
        {{pem, pem, NULL, false}, ERR_TLS_KEY_FORMAT, pem},
        {{pem, locked, NULL, false}, ERR_TLS_KEY_ENCRYPTED, locked},
        {{pem, other.key_file, NULL, false}, ERR_TLS_KEY_MISMATCH, other.key_file},
        {{pem, weak_key, NULL, false}, ERR_TLS_KEY_MISMATCH, weak_key},
        {{pem, key, missing, false}, ERR_TLS_CA_OPEN, missing},
        {{pem, key, text, false}, ERR_TLS_CA_FORMAT, text},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tls_identity *identity = NULL;
        struct tls_problem problem = {0};
        uint64_t count = err_count(bad[i].err);
        assert_int_equal(tls_identity_load(&bad[i].files, &identity, &problem), bad[i].err);
        assert_null(identity);
        assert_int_equal(problem.err, bad[i].err);
        assert_int_equal(err_count(bad[i].err), count + 1);
        assert_int_equal(strncmp(problem.text, bad[i].file, strlen(bad[i].file)), 0);
        assert_non_null(strstr(problem.text, err_text(bad[i].err)));
    }
}

/* ---- self-signed ---- */

static X509 *read_certificate(const char *file)
{
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    X509 *x = PEM_read_X509(in, NULL, NULL, NULL);
    fclose(in);
    assert_non_null(x);
    return x;
}

static void a_self_signed_certificate_is_good_for_this_machine(void **state)
{
    (void)state;
    char pem[CERTS_PATH_MAX], key[CERTS_PATH_MAX], host[256] = "";
    certs_path("self.pem", pem);
    certs_path("self.key", key);
    assert_int_equal(tls_make_self_signed(pem, key), 0);
    struct stat st;
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(pem, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    X509 *x = read_certificate(pem);
    assert_int_equal(X509_check_host(x, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(x, "::1", 0), 1);
    assert_int_equal(X509_check_host(x, "elsewhere", 0, 0, NULL), 0);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_int_equal(X509_check_host(x, host, 0, 0, NULL), 1);
    assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
    assert_int_equal(X509_check_ca(x), 0);
    struct tls_identity *identity = NULL;
    struct tls_problem problem;
    const struct tls_files files = {pem, key, NULL, false};
    assert_int_equal(tls_identity_load(&files, &identity, &problem), 0);
    int64_t days = (tls_identity_expires_s(identity) - time(NULL)) / 86400;
    assert_in_range(days, 3649, 3650);
    tls_identity_free(&identity);
    assert_int_equal(tls_make_self_signed(pem, key), 0); /* replaced, as a pair */
    X509 *second = read_certificate(pem);
    assert_int_not_equal(X509_cmp(x, second), 0);
    assert_int_equal(tls_identity_load(&files, &identity, &problem), 0);
    tls_identity_free(&identity);
    X509_free(x);
    X509_free(second);
}

static void a_self_signed_certificate_needs_a_place(void **state)
{
    (void)state;
    char pem[CERTS_PATH_MAX];
    certs_path("none/self.pem", pem);
    assert_int_equal(tls_make_self_signed(pem, pem), ERR_TLS_SELF_SIGNED_WRITE);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_taken),
        cmocka_unit_test(bad_files_are_named),
        cmocka_unit_test(a_self_signed_certificate_is_good_for_this_machine),
        cmocka_unit_test(a_self_signed_certificate_needs_a_place),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
