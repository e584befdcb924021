/* Output: queued during the turn, sent at its end with one call for each connection that wrote. */
#include "net/conn_internal.h"

#include <assert.h>

#define IOV_COUNT 64

static void note_output(struct conn *c)
{
    if (c->out.bytes > c->high)
        c->is_over_high = true;
    /* A full socket is flushed by the event that tells when it is not. */
    if (!c->is_blocked)
        conn_want_flush(c);
}

static void assert_owner(const struct conn *c)
{
    assert(c->net && shard_is_owner(c->net->shard));
}

uint8_t *conn_reserve(struct conn *c, size_t n)
{
    assert_owner(c);
    return output_reserve(&c->out, &c->net->pool, n);
}

void conn_commit(struct conn *c, size_t used)
{
    output_commit(&c->out, used);
    if (c->out.bytes)
        note_output(c);
    else
        output_clear(&c->out, &c->net->pool); /* the chunk that was reserved from */
}

/* The flush closes: closing here would pull the connection from under its writer. */
static void lose_output(struct conn *c)
{
    c->is_output_lost = true;
    c->is_blocked = false;
}

void conn_write(struct conn *c, struct span s)
{
    assert_owner(c);
    if (!output_add(&c->out, &c->net->pool, s))
        lose_output(c);
    note_output(c);
}

void conn_write_shared(struct conn *c, struct ref *owner, struct span part)
{
    assert_owner(c);
    if (!output_add_shared(&c->out, &c->net->pool, owner, part))
        lose_output(c);
    note_output(c);
}

size_t conn_output_bytes(const struct conn *c)
{
    return c->out.bytes;
}

bool conn_has_output(const struct conn *c)
{
    const struct transport *t = c->transport;
    return c->out.bytes || (t && t->has_output && t->has_output(c));
}

/* Until all is sent or the socket is full. */
static int send_output(struct conn *c)
{
    while (conn_has_output(c)) {
        struct iovec iov[IOV_COUNT];
        int count = output_gather(&c->out, iov, IOV_COUNT);
        size_t offered = 0;
        for (int i = 0; i < count; i++)
            offered += iov[i].iov_len;
        ssize_t n = c->transport->write(c, iov, count);
        if (n < 0)
            return (int)n;
        output_sent(&c->out, &c->net->pool, (size_t)n);
        c->bytes_out += (uint64_t)n;
        if ((size_t)n < offered || (offered == 0 && conn_has_output(c))) {
            c->is_blocked = true;
            return 0;
        }
    }
    return 0;
}

/* A write fails when the peer is gone. What it sent before it went is still read, and reading then
 * meets the end. */
static void break_off(struct conn *c, int err)
{
    output_clear(&c->out, &c->net->pool);
    if (c->is_closing || c->is_paused) {
        conn_close(c, c->is_closing ? c->close_err : err);
        return;
    }
    c->is_broken = true;
    conn_want_read(c);
}

void conn_flush(struct conn *c)
{
    if (c->is_output_lost) {
        conn_close(c, err_raise(ERR_CONN_OUTPUT_MEMORY));
        return;
    }
    int err = c->is_blocked ? 0 : send_output(c);
    if (err < 0) {
        break_off(c, err);
    } else if (c->is_closing) {
        if (!conn_has_output(c))
            conn_linger(c);
    } else if (c->is_over_high && c->out.bytes <= c->low) {
        c->is_over_high = false;
        if (c->handler && c->handler->on_drain)
            c->handler->on_drain(c, c->owner);
    }
}
