/* The context: the present identity, shared by all shards. Readers and the one who changes it meet
 * under the lock for as long as it takes to count a reference; connections hold the old identity's
 * settings by references of OpenSSL's own. */
#include "net/tls_internal.h"

#include "base/mem.h"

#include <pthread.h>

struct tls_context {
    pthread_mutex_t lock;
    struct tls_identity *identity; /* under `lock` */
    BIO_METHOD *method;            /* NULL: OpenSSL's own, because the kernel does TLS */
};

int tls_context_new(struct tls_identity *identity, struct tls_context **ret)
{
    struct tls_context *x = mem_zalloc(MEM_NET, sizeof *x);
    if (!x)
        return err_raise(ERR_NO_MEMORY);
    if (!tls_socket_has_kernel_tls()) {
        x->method = tls_socket_method_new();
        if (!x->method) {
            mem_free(MEM_NET, x);
            return err_raise(ERR_NO_MEMORY);
        }
    }
    pthread_mutex_init(&x->lock, NULL);
    x->identity = identity;
    *ret = x;
    return 0;
}

void tls_context_change(struct tls_context *context, struct tls_identity *identity)
{
    pthread_mutex_lock(&context->lock);
    struct tls_identity *old = context->identity;
    context->identity = identity;
    pthread_mutex_unlock(&context->lock);
    tls_identity_free(&old);
}

void tls_context_free(struct tls_context **context)
{
    struct tls_context *x = *context;
    if (!x)
        return;
    *context = NULL;
    tls_identity_free(&x->identity);
    BIO_meth_free(x->method);
    pthread_mutex_destroy(&x->lock);
    mem_free(MEM_NET, x);
}

static SSL_CTX *take_settings(struct tls_context *x)
{
    pthread_mutex_lock(&x->lock);
    SSL_CTX *settings = tls_identity_settings(x->identity);
    SSL_CTX_up_ref(settings);
    pthread_mutex_unlock(&x->lock);
    return settings;
}

static bool attach(const struct tls_context *x, SSL *ssl, struct tls_socket *socket)
{
    if (!x->method)
        return SSL_set_fd(ssl, socket->fd);
    BIO *bio = tls_socket_bio(x->method, socket);
    if (bio)
        SSL_set_bio(ssl, bio, bio);
    return bio;
}

SSL *tls_context_connect(struct tls_context *context, enum tls_alpn alpn, struct tls_socket *socket)
{
    SSL_CTX *settings = take_settings(context);
    SSL *ssl = SSL_new(settings);
    SSL_CTX_free(settings);
    if (ssl && tls_alpn_set(ssl, alpn) && attach(context, ssl, socket)) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    return NULL;
}
