/* One shard's part of net/: the lists of connections that want something, and their tasks. */
#include "net/net.h"

#include "base/mem.h"
#include "net/conn_internal.h"

#include <stddef.h>

#define conn_of(link_, member)                                                                     \
    ((struct conn *)(void *)((char *)(link_)-offsetof(struct conn, member)))
#define net_of(part, member) ((struct net *)(void *)((char *)(part)-offsetof(struct net, member)))

/* Takes the first connection off `work`, NULL at its end. */
static struct conn *next_of(struct link *work)
{
    if (work->next == work)
        return NULL;
    struct conn *c = conn_of(work->next, pending);
    link_remove(&c->pending);
    return c;
}

/* Both tasks share one list. They work on what is there when they begin, one connection at a time
 * taken off, because each step may close this or any other connection; one that wants the other
 * thing too goes back. */
static void run_reads(struct task *t)
{
    struct net *net = net_of(t, read_task);
    struct link work;
    struct conn *c;
    link_move(&work, &net->pending);
    while ((c = next_of(&work))) {
        if (c->wants_flush)
            link_append(&net->pending, &c->pending);
        if (c->wants_read) {
            c->wants_read = false;
            conn_read(c);
        }
    }
}

static void run_flushes(struct task *t)
{
    struct net *net = net_of(t, flush_task);
    struct link work;
    struct conn *c;
    link_move(&work, &net->pending);
    while ((c = next_of(&work))) {
        if (c->wants_read)
            link_append(&net->pending, &c->pending);
        if (c->wants_flush) {
            c->wants_flush = false;
            conn_flush(c);
        }
    }
}

static void end_closing(struct timer *t)
{
    struct net *net = net_of(t, closing_timer);
    while (net->closing.next != &net->closing) {
        struct conn *c = conn_of(net->closing.next, closing);
        if (c->close_due_ms > shard_now_ms(net->shard)) {
            shard_timer_start(net->shard, t, c->close_due_ms, 0);
            return;
        }
        conn_close(c, c->close_err);
    }
}

int net_shard_open(struct shard *s)
{
    struct net *net = mem_zalloc(MEM_NET, sizeof *net);
    uint8_t *buffer = mem_alloc(MEM_NET, NET_BUFFER_BYTES);
    if (!net || !buffer) {
        mem_free(MEM_NET, net);
        mem_free(MEM_NET, buffer);
        return err_raise(ERR_NO_MEMORY);
    }
    net->shard = s;
    net->buffer = buffer;
    net->read_task.run = run_reads;
    net->flush_task.run = run_flushes;
    net->closing_timer.on_due = end_closing;
    link_init(&net->pending);
    link_init(&net->closing);
    shard_set_slot(s, SHARD_SLOT_NET, net);
    return 0;
}

void net_shard_close(struct shard *s)
{
    struct net *net = shard_slot(s, SHARD_SLOT_NET);
    if (!net)
        return;
    while (net->closing.next != &net->closing) {
        struct conn *c = conn_of(net->closing.next, closing);
        conn_close(c, c->close_err);
    }
    shard_timer_stop(s, &net->closing_timer);
    out_pool_fini(&net->pool);
    mem_free(MEM_NET, net->udp_batch);
    mem_free(MEM_NET, net->buffer);
    mem_free(MEM_NET, net);
    shard_set_slot(s, SHARD_SLOT_NET, NULL);
}
