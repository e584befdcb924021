/* The socket below OpenSSL: recv and send as TCP's transport does them. It spares OpenSSL's own
 * socket BIO's second read, which asks an emptied socket again, and its SIGPIPE. Where the kernel
 * does TLS, OpenSSL's own is used instead, because only that one knows how. */
#include "net/tls_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int socket_read(BIO *bio, char *p, size_t n, size_t *ret_n)
{
    struct tls_socket *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (s->is_drained) {
        BIO_set_retry_read(bio);
        return 0;
    }
    ssize_t got;
    do
        got = recv(s->fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    s->is_drained = got < (ssize_t)n && !s->is_ending;
    s->is_eof = got == 0;
    if (got > 0) {
        *ret_n = (size_t)got;
        return 1;
    }
    s->error = errno;
    if (got < 0 && errno == EAGAIN)
        BIO_set_retry_read(bio);
    return 0;
}

static int socket_write(BIO *bio, const char *p, size_t n, size_t *ret_n)
{
    struct tls_socket *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t sent;
    do
        sent = send(s->fd, p, n, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        *ret_n = (size_t)sent;
        return 1;
    }
    s->error = errno;
    if (errno == EAGAIN)
        BIO_set_retry_write(bio);
    return 0;
}

static long socket_ctrl(BIO *bio, int command, long number, void *p)
{
    (void)number;
    (void)p;
    const struct tls_socket *s = BIO_get_data(bio);
    if (command == BIO_CTRL_EOF)
        return s->is_eof;
    return command == BIO_CTRL_FLUSH; /* nothing is held back */
}

BIO_METHOD *tls_socket_method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");
    if (m && BIO_meth_set_read_ex(m, socket_read) && BIO_meth_set_write_ex(m, socket_write) &&
        BIO_meth_set_ctrl(m, socket_ctrl))
        return m;
    BIO_meth_free(m);
    return NULL;
}

BIO *tls_socket_bio(BIO_METHOD *method, struct tls_socket *socket)
{
    BIO *bio = BIO_new(method);
    if (!bio)
        return NULL;
    BIO_set_data(bio, socket);
    BIO_set_init(bio, 1);
    return bio;
}

/* Without a connection the kernel refuses with ENOTCONN, but only if it has the module. OpenSSL
 * would ask for each connection, and as root each question makes the kernel look for the module. */
bool tls_socket_has_kernel_tls(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool has = setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0 || errno == ENOTCONN;
    close(fd);
    return has;
}
