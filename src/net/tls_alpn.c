/* Which protocol is spoken inside TLS: RFC 7301. Listeners differ in what they speak and not in
 * their certificates, so the choice hangs on the connection. */
#include "net/tls_internal.h"

/* As on the wire: a length before each name. */
static const unsigned char mqtt[] = "\x04mqtt", http[] = "\x08http/1.1";

static const unsigned char *const spoken[] = {[TLS_ALPN_MQTT] = mqtt, [TLS_ALPN_HTTP] = http};

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                  const unsigned char *offered, unsigned offered_n, void *context)
{
    (void)context;
    const unsigned char *ours = SSL_get_app_data(ssl);
    unsigned char *found;
    int result = SSL_select_next_proto(&found, out_n, ours, ours[0] + 1u, offered, offered_n);
    *out = found;
    /* RFC 7301 3.2 */
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void tls_alpn_enable(SSL_CTX *settings)
{
    SSL_CTX_set_alpn_select_cb(settings, choose, NULL);
}

bool tls_alpn_set(SSL *ssl, enum tls_alpn alpn)
{
    return SSL_set_app_data(ssl, (void *)(uintptr_t)spoken[alpn]);
}
