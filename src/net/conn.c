/* The life of a connection: made, started, moved between shards, closed. Reading is in input.c,
 * output in flush.c. Knows nothing of what the bytes mean. */
#include "net/conn.h"

#include "base/mem.h"
#include "net/conn_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A flushed close takes at most 5 s, the timer's slack included. */
#define CLOSING_MS 4900
#define CLOSING_SLACK_MS 100

/* Registered once: with edges for both directions no wait for either costs an epoll_ctl. */
#define CONN_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

static_assert(sizeof(struct conn) <= 208, "a million idle connections pay for each byte");

/* Relaxed: a statistic. */
static atomic_uint_fast64_t open_count;

static void assert_owner(const struct conn *c)
{
    assert(c->net && shard_is_owner(c->net->shard));
}

static struct net *own_net(void)
{
    assert(shard_self());
    struct net *net = shard_slot(shard_self(), SHARD_SLOT_NET);
    assert(net); /* net_shard_open was called */
    return net;
}

static uint32_t cut_u32(size_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

int conn_new(int fd, const struct transport *transport, const struct net_address *peer,
             struct conn **ret)
{
    struct net *net = own_net();
    struct conn *c = mem_alloc(MEM_NET, sizeof *c);
    if (!c)
        return err_raise(ERR_NO_MEMORY);
    *c = (struct conn){
        .watch = {fd, conn_on_event},
        .transport = transport,
        .net = net,
        .input_limit = CONN_INPUT_LIMIT_DEFAULT,
        .high = UINT32_MAX,
        .peer = *peer,
    };
    int err = transport->open ? transport->open(c, NULL) : 0;
    if (err < 0) {
        mem_free(MEM_NET, c);
        return err;
    }
    atomic_fetch_add_explicit(&open_count, 1, memory_order_relaxed);
    *ret = c;
    return 0;
}

int conn_start(struct conn *c)
{
    assert_owner(c);
    return shard_watch(c->net->shard, &c->watch, CONN_EVENTS);
}

int conn_set_transport(struct conn *c, const struct transport *transport, const void *context)
{
    assert_owner(c);
    c->transport = transport;
    c->transport_state = NULL;
    int err = transport->open ? transport->open(c, context) : 0;
    if (err < 0)
        c->transport = &transport_tcp; /* whose close has nothing to undo */
    conn_retry_output(c);
    return err;
}

/* ---- reading and flushing put off ---- */

static void want(struct conn *c)
{
    if (!c->pending.next)
        link_append(&c->net->pending, &c->pending);
}

void conn_want_read(struct conn *c)
{
    c->wants_read = true;
    want(c);
    shard_again(c->net->shard, &c->net->read_task);
}

void conn_want_flush(struct conn *c)
{
    if (c->wants_flush)
        return;
    c->wants_flush = true;
    want(c);
    shard_defer_last(c->net->shard, &c->net->flush_task);
}

void conn_retry_output(struct conn *c)
{
    c->is_blocked = false;
    if (conn_has_output(c))
        conn_want_flush(c);
}

/* ---- closing ---- */

static void stop_watching(struct conn *c)
{
    struct net *net = c->net;
    shard_unwatch(net->shard, &c->watch);
    link_remove(&c->pending);
    c->wants_read = c->wants_flush = false;
    if (net->telling == c)
        net->telling = NULL;
}

static void close_transport(struct conn *c)
{
    if (c->transport->close)
        c->transport->close(c);
    c->transport = NULL;
}

static void tell_close(struct conn *c, int err)
{
    const struct conn_handler *handler = c->handler;
    c->handler = NULL;
    if (handler && handler->on_close)
        handler->on_close(c, c->owner, err);
}

void conn_close(struct conn *c, int err)
{
    assert_owner(c);
    stop_watching(c);
    link_remove(&c->closing);
    if (!c->is_closing)
        c->close_err = (int16_t)err;
    if (c->transport)
        close_transport(c);
    close(c->watch.fd);
    output_clear(&c->out, &c->net->pool);
    mem_free(MEM_NET, c->kept.p);
    atomic_fetch_sub_explicit(&open_count, 1, memory_order_relaxed);
    c->is_closing = true;
    tell_close(c, err);
    mem_free(MEM_NET, c);
}

void conn_close_flushed(struct conn *c, int err)
{
    assert_owner(c);
    if (c->is_closing)
        return;
    struct net *net = c->net;
    c->is_closing = true;
    c->close_err = (int16_t)err;
    c->close_due_ms = shard_now_ms(net->shard) + CLOSING_MS;
    link_append(&net->closing, &c->closing);
    if (!timer_is_started(&net->closing_timer))
        shard_timer_start(net->shard, &net->closing_timer, c->close_due_ms, CLOSING_SLACK_MS);
    conn_want_flush(c);
}

void conn_linger(struct conn *c)
{
    close_transport(c);
    if (c->is_eof || shutdown(c->watch.fd, SHUT_WR) < 0) {
        conn_close(c, c->close_err);
        return;
    }
    c->is_lingering = true;
    mem_free(MEM_NET, c->kept.p);
    c->kept = (struct kept_input){0};
    tell_close(c, c->close_err);
    /* Edges told while output was going out were not followed. */
    conn_discard_input(c);
}

bool conn_is_closing(const struct conn *c)
{
    return c->is_closing;
}

/* ---- pausing ---- */

void conn_pause(struct conn *c)
{
    assert_owner(c);
    c->is_paused = true;
}

void conn_resume(struct conn *c)
{
    assert_owner(c);
    if (!c->is_paused || c->is_closing)
        return;
    c->is_paused = false;
    c->must_retell = c->kept.n > 0;
    if (c->must_retell || c->is_unread)
        conn_want_read(c);
}

/* ---- from shard to shard ---- */

void conn_detach(struct conn *c, struct span unconsumed)
{
    assert_owner(c);
    assert(!c->is_closing);
    if (c->net->telling == c)
        c->is_input_lost = conn_keep_input(c, unconsumed) < 0;
    /* What the transport holds, decrypted already, no edge will tell. */
    c->is_unread |= c->wants_read;
    stop_watching(c);
    c->net = NULL;
}

int conn_attach(struct conn *c)
{
    assert(!c->net);
    c->net = own_net();
    if (c->is_input_lost)
        return err_raise(ERR_CONN_INPUT_MEMORY);
    /* The kernel tells the present state as first edges: nothing that came meanwhile is missed. */
    int err = shard_watch(c->net->shard, &c->watch, CONN_EVENTS);
    if (err < 0)
        return err;
    if (conn_has_output(c))
        conn_want_flush(c);
    if (c->kept.n && !c->is_paused) {
        c->must_retell = c->wants_read = true;
        want(c);
        shard_defer(c->net->shard, &c->net->read_task);
    } else if (c->is_unread && !c->is_paused) {
        conn_want_read(c);
    }
    return 0;
}

/* ---- what the connection knows ---- */

void conn_set_handler(struct conn *c, const struct conn_handler *handler, void *owner)
{
    assert_owner(c);
    c->handler = handler;
    c->owner = owner;
}

void conn_set_input_limit(struct conn *c, size_t bytes)
{
    /* Half the range, so that sums of kept input stay in it. */
    c->input_limit = cut_u32(bytes) & INT32_MAX;
}

void conn_expect(struct conn *c, size_t bytes)
{
    assert_owner(c);
    c->expected = cut_u32(bytes);
}

void conn_set_output_marks(struct conn *c, size_t high, size_t low)
{
    assert(low <= high);
    c->high = cut_u32(high);
    c->low = cut_u32(low);
}

const struct net_address *conn_peer(const struct conn *c)
{
    return &c->peer;
}

void conn_set_peer(struct conn *c, const struct net_address *peer)
{
    c->peer = *peer;
}

int conn_fd(const struct conn *c)
{
    return c->watch.fd;
}

const struct transport *conn_transport(const struct conn *c)
{
    return c->transport;
}

void *conn_transport_state(const struct conn *c)
{
    return c->transport_state;
}

void conn_set_transport_state(struct conn *c, void *state)
{
    c->transport_state = state;
}

uint64_t conn_bytes_in(const struct conn *c)
{
    return c->bytes_in;
}

uint64_t conn_bytes_out(const struct conn *c)
{
    return c->bytes_out;
}

uint64_t conn_count(void)
{
    return atomic_load_explicit(&open_count, memory_order_relaxed);
}
