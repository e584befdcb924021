/* Plain TCP (and any other stream socket): bytes as they are. */
#include "net/transport.h"

#include "net/conn_internal.h"

#include <errno.h>
#include <sys/socket.h>

int transport_socket_error(int number, int otherwise)
{
    if (number == ECONNRESET || number == EPIPE)
        return err_raise(ERR_CONN_RESET);
    if (number == ETIMEDOUT || number == EHOSTUNREACH || number == ENETUNREACH)
        return err_raise(ERR_CONN_TIMEOUT);
    return err_raise(otherwise);
}

static ssize_t tcp_read(struct conn *c, uint8_t *p, size_t n)
{
    ssize_t got;
    do
        got = recv(conn_fd(c), p, n, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        return got;
    if (got == 0)
        return TRANSPORT_EOF;
    return errno == EAGAIN ? TRANSPORT_AGAIN : transport_socket_error(errno, ERR_CONN_READ);
}

/* send and sendmsg rather than writev: they can leave SIGPIPE out. */
static ssize_t send_some(int fd, const struct iovec *iov, int count)
{
    if (count == 1)
        return send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static ssize_t tcp_write(struct conn *c, const struct iovec *iov, int count)
{
    ssize_t sent;
    do
        sent = send_some(conn_fd(c), iov, count);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN ? TRANSPORT_AGAIN : transport_socket_error(errno, ERR_CONN_WRITE);
}

const struct transport transport_tcp = {
    .name = "tcp",
    .read = tcp_read,
    .write = tcp_write,
};
