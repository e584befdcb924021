/* Layers of transports: see the header. */
#include "net/layer.h"

#include "base/mem.h"
#include "net/conn_internal.h"

int layer_push(struct conn *c, const struct transport *upper, struct layer *l,
               struct span unconsumed)
{
    *l = (struct layer){.upper = upper, .lower = c->transport, .lower_state = c->transport_state};
    if (unconsumed.n) {
        l->early = mem_alloc(MEM_NET, unconsumed.n);
        if (!l->early)
            return err_raise(ERR_CONN_EARLY_MEMORY);
        memcpy(l->early, unconsumed.p, unconsumed.n);
        l->early_n = unconsumed.n;
        conn_want_read(c);
    }
    c->transport = upper;
    c->transport_state = l;
    return 0;
}

static struct layer *step_down(struct conn *c)
{
    struct layer *l = c->transport_state;
    c->transport = l->lower;
    c->transport_state = l->lower_state;
    return l;
}

static void step_up(struct conn *c, struct layer *l)
{
    l->lower_state = c->transport_state;
    c->transport = l->upper;
    c->transport_state = l;
}

/* It answers for the socket, whose edge may have come meanwhile and is not told again: so that one
 * is read too, in the next turn. */
static ssize_t read_early(struct conn *c, struct layer *l, uint8_t *p, size_t n)
{
    size_t left = l->early_n - l->early_used;
    size_t taken = n < left ? n : left;
    memcpy(p, l->early + l->early_used, taken);
    l->early_used += taken;
    if (taken == left) {
        mem_free(MEM_NET, l->early);
        l->early = NULL;
    }
    conn_want_read(c);
    return (ssize_t)taken;
}

ssize_t layer_read(struct conn *c, uint8_t *p, size_t n)
{
    struct layer *l = c->transport_state;
    if (l->early)
        return read_early(c, l, p, n);
    l = step_down(c);
    ssize_t got = c->transport->read(c, p, n);
    step_up(c, l);
    return got;
}

ssize_t layer_write(struct conn *c, const struct iovec *iov, int count)
{
    struct layer *l = step_down(c);
    ssize_t sent = c->transport->write(c, iov, count);
    step_up(c, l);
    return sent;
}

void layer_close(struct conn *c)
{
    struct layer *l = step_down(c);
    if (c->transport->close)
        c->transport->close(c);
    mem_free(MEM_NET, l->early);
    l->early = NULL;
}
