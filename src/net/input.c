/* Reading. An event costs one read into the shard's buffer, told to the owner from there: nothing
 * is kept unless the owner leaves something. What it leaves waits in a buffer of the connection
 * until more came.
 *
 *   little left     kept input is copied before what is read next, both told from the shard's
 * buffer much left, or   read straight behind the kept input, whose buffer grows by doubling: a
 * frame of much expected   any size costs a number of copies that its size does not change
 */
#include "base/mem.h"
#include "net/conn_internal.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Kept input up to here is copied to be told with the news. */
#define COPY_MAX 4096
/* The least room for a read behind kept input. */
#define READ_MIN 16384
/* Of frames that are expected but have not come, this much is allocated in advance. */
#define EXPECT_MAX 65536
/* A buffer larger than this shrinks when little is left in it. */
#define IDLE_MAX 4096

/* ---- kept input ---- */

static void forget_kept(struct conn *c)
{
    mem_free(MEM_NET, c->kept.p);
    c->kept = (struct kept_input){0};
}

static int resize_kept(struct conn *c, size_t cap)
{
    if (cap > UINT32_MAX)
        return err_raise(ERR_CONN_INPUT_LIMIT);
    uint8_t *p = mem_realloc(MEM_NET, c->kept.p, cap);
    if (!p)
        return err_raise(ERR_CONN_INPUT_MEMORY);
    c->kept.p = p;
    c->kept.cap = (uint32_t)cap;
    return 0;
}

/* `rest` lies in the shard's buffer or in the kept input itself. */
int conn_keep_input(struct conn *c, struct span rest)
{
    if (rest.n == 0) {
        forget_kept(c);
        return 0;
    }
    if (rest.n > c->kept.cap) {
        int err = resize_kept(c, rest.n);
        if (err < 0)
            return err;
    }
    bool is_consumed = rest.p != c->kept.p;
    memmove(c->kept.p, rest.p, rest.n);
    c->kept.n = (uint32_t)rest.n;
    if (is_consumed && c->kept.cap > IDLE_MAX && rest.n < c->kept.cap / 4)
        (void)resize_kept(c, rest.n); /* refused: it stays large */
    return 0;
}

/* ---- telling ---- */

static void check_limit(struct conn *c)
{
    if (c->kept.n > c->input_limit && !c->is_paused)
        conn_close_flushed(c, err_raise(ERR_CONN_INPUT_LIMIT));
}

static void keep(struct conn *c, struct span rest)
{
    int err = conn_keep_input(c, rest);
    if (err < 0)
        conn_close(c, err);
    else
        check_limit(c);
}

static void tell(struct conn *c, struct span in)
{
    struct net *net = c->net;
    c->expected = 0;
    net->telling = c;
    assert(c->handler);
    ssize_t n = c->handler->on_data(c, c->owner, in);
    if (net->telling != c)
        return; /* closed or detached: not ours to look at */
    net->telling = NULL;
    if (c->is_closing)
        return;
    if (n < 0) {
        conn_close_flushed(c, (int)n);
        return;
    }
    assert((size_t)n <= in.n);
    keep(c, span_from(in, (size_t)n));
}

/* ---- reading ---- */

/* Where the next read goes. */
struct room {
    uint8_t *begin; /* of all that is told then: kept input, if any, and what is read */
    size_t kept;
    size_t n;
};

static int room_behind_kept(struct conn *c, struct room *ret)
{
    size_t kept = c->kept.n, cap = kept + (kept > READ_MIN ? kept : READ_MIN);
    if (c->expected > kept) {
        /* No further than the end of what is expected: then it goes whole, and nothing is moved. */
        size_t ahead = kept > EXPECT_MAX ? kept : EXPECT_MAX;
        cap = c->expected - kept > ahead ? kept + ahead : c->expected;
    }
    if (cap > c->kept.cap) {
        int err = resize_kept(c, cap);
        if (err < 0)
            return err;
    }
    *ret = (struct room){c->kept.p, kept, cap - kept};
    return 0;
}

static int find_room(struct conn *c, struct room *ret)
{
    if (c->kept.n > COPY_MAX || (c->kept.n && c->expected > READ_MIN))
        return room_behind_kept(c, ret);
    if (c->kept.n)
        memcpy(c->net->buffer, c->kept.p, c->kept.n);
    *ret = (struct room){c->net->buffer, c->kept.n, NET_BUFFER_BYTES - c->kept.n};
    return 0;
}

/* The end of input: an error of the socket or of what came through it, or the peer closed. */
static void end_input(struct conn *c, int err)
{
    c->is_eof = err == TRANSPORT_EOF;
    if (!c->is_eof && err_class(err) == ERR_CLASS_NETWORK)
        conn_close(c, err);
    else if (!c->is_eof)
        conn_close_flushed(c, err); /* the transport may have told the peer why */
    else if (c->out.bytes)
        conn_close_flushed(c, err_raise(ERR_CONN_EOF));
    else
        conn_close(c, err_raise(ERR_CONN_EOF));
}

static void take(struct conn *c, const struct room *room, size_t n)
{
    struct span in = {room->begin, room->kept + n};
    c->bytes_in += n;
    if (n == room->n || c->is_hung_up || c->is_broken)
        conn_want_read(c);
    if (room->begin == c->kept.p)
        c->kept.n = (uint32_t)in.n;
    if (in.n >= c->expected)
        tell(c, in);
    else
        keep(c, in);
}

static void read_socket(struct conn *c)
{
    struct room room;
    int err = find_room(c, &room);
    if (err < 0) {
        conn_close(c, err);
        return;
    }
    ssize_t n = c->transport->read(c, room.begin + room.kept, room.n);
    if (n > 0)
        take(c, &room, (size_t)n);
    else if (n < 0)
        end_input(c, (int)n);
    else if (c->is_broken)
        conn_close(c, err_raise(ERR_CONN_RESET));
}

void conn_read(struct conn *c)
{
    if (c->is_lingering) {
        conn_discard_input(c);
    } else if (c->is_closing) {
        return; /* conn_linger reads */
    } else if (c->is_paused) {
        c->is_unread = true; /* conn_resume reads */
    } else if (c->must_retell) {
        c->must_retell = false;
        if (c->is_unread)
            conn_want_read(c);
        if (c->kept.n && c->kept.n >= c->expected)
            tell(c, span_of(c->kept.p, c->kept.n));
    } else {
        c->is_unread = false;
        read_socket(c);
    }
}

void conn_discard_input(struct conn *c)
{
    ssize_t n = recv(c->watch.fd, c->net->buffer, NET_BUFFER_BYTES, 0);
    if (n > 0 || (n < 0 && errno == EINTR))
        conn_want_read(c);
    else if (n == 0 || errno != EAGAIN)
        conn_close(c, c->close_err);
}

/* ---- events ---- */

static struct conn *conn_of_watch(struct watch *w)
{
    return (struct conn *)(void *)((char *)w - offsetof(struct conn, watch));
}

void conn_on_event(struct watch *w, uint32_t events)
{
    struct conn *c = conn_of_watch(w);
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->is_hung_up = true;
    if ((events & EPOLLOUT) && c->is_blocked) {
        c->is_blocked = false;
        conn_want_flush(c);
    }
    if ((events & EPOLLOUT) && c->is_read_blocked) {
        c->is_read_blocked = false;
        events |= EPOLLIN;
    }
    if ((events & EPOLLERR) && (c->is_paused || c->is_closing))
        conn_close(c, c->is_closing ? c->close_err : err_raise(ERR_CONN_RESET));
    else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        conn_read(c);
}
