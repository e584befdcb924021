/* Binding the ports of channels. It is done on the control shard, so that whoever asked for the
 * channel is told what is wrong; the bound sockets then travel to the owner shard, which accepts on
 * them and closes them. A port that was given back may still be open on its worker for a moment:
 * who asks for it again waits for that. Knows no protocol beyond its transports. */
#include "gateway/gateway_internal.h"

#include "base/mem.h"

#include <time.h>
#include <unistd.h>

/* A worker closes sockets in its next turn; a second means that it hangs. */
#define CLOSE_WAIT_S 1

static bool is_used(const struct ports *ports, uint16_t port)
{
    return ports->is_used[port / 8] >> (port % 8) & 1;
}

static void set_used(struct ports *ports, uint16_t port, bool is_taken)
{
    uint8_t bit = (uint8_t)(1u << (port % 8));
    uint8_t *byte = &ports->is_used[port / 8];
    *byte = (uint8_t)(is_taken ? *byte | bit : *byte & ~bit);
}

/* Forgets the given-back sockets that their workers have closed. */
static void reap(struct ports *ports)
{
    struct sockets **at = &ports->closing;
    while (*at) {
        struct sockets *s = *at;
        if (sem_trywait(&s->closed)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        ref_drop(&s->ref);
    }
}

/* Waits until no worker holds `port` any more. */
static void await_closed(struct ports *ports, uint16_t port)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CLOSE_WAIT_S;
    for (struct sockets *s = ports->closing; s; s = s->next) {
        /* Given back to the semaphore, so that reap() finds it. */
        if (s->port == port && sem_clockwait(&s->closed, CLOCK_MONOTONIC, &until) == 0)
            sem_post(&s->closed);
    }
    reap(ports);
}

static void sockets_free(struct ref *ref)
{
    struct sockets *s = (struct sockets *)((char *)ref - offsetof(struct sockets, ref));
    sem_destroy(&s->closed);
    mem_free(MEM_GATEWAY, s);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* The same failure in the channel's words. */
static int as_channel_error(int err)
{
    switch (err) {
    case ERR_NET_PORT_IN_USE:
        return ERR_CHANNEL_PORT_IN_USE;
    case ERR_NET_PORT_FORBIDDEN:
        return ERR_CHANNEL_PORT_FORBIDDEN;
    default:
        return ERR_CHANNEL_PORT_BIND;
    }
}

static int bind_fds(struct ports *ports, const struct protocol *protocol, uint16_t port,
                    struct sockets *s)
{
    struct net_address address = ports->address;
    net_address_set_port(&address, port);
    int err = 0;
    if (protocol->transports & PROTOCOL_TCP)
        err = net_listen_tcp(&address, &s->tcp_fd);
    if (!err && protocol->transports & PROTOCOL_UDP)
        err = net_bind_udp(&address, &s->udp_fd);
    if (!err) {
        s->port = port;
        return 0;
    }
    close_fd(&s->tcp_fd);
    close_fd(&s->udp_fd);
    return as_channel_error(err);
}

static int bind_port(struct ports *ports, const struct protocol *protocol, uint16_t port,
                     struct sockets *s)
{
    if (is_used(ports, port))
        return ERR_CHANNEL_PORT_IN_USE;
    await_closed(ports, port);
    return bind_fds(ports, protocol, port, s);
}

static int bind_any(struct ports *ports, const struct protocol *protocol, struct sockets *s)
{
    reap(ports);
    for (uint32_t port = ports->low; port <= ports->high; port++) {
        if (is_used(ports, (uint16_t)port))
            continue;
        int err = bind_fds(ports, protocol, (uint16_t)port, s);
        if (err != ERR_CHANNEL_PORT_IN_USE)
            return err;
    }
    return ERR_CHANNEL_PORTS_EXHAUSTED;
}

int sockets_bind(struct ports *ports, const struct protocol *protocol, uint16_t port,
                 struct sockets **ret)
{
    struct sockets *s = mem_zalloc(MEM_GATEWAY, sizeof(*s));
    if (!s)
        return ERR_NO_MEMORY;
    ref_init(&s->ref, sockets_free);
    sem_init(&s->closed, 0, 0);
    s->tcp_fd = s->udp_fd = -1;
    int err = port ? bind_port(ports, protocol, port, s) : bind_any(ports, protocol, s);
    if (err) {
        ref_drop(&s->ref);
        return err;
    }
    set_used(ports, s->port, true);
    *ret = s;
    return 0;
}

void sockets_give_back(struct ports *ports, struct sockets *s)
{
    set_used(ports, s->port, false);
    s->next = ports->closing;
    ports->closing = s;
}

void sockets_close(struct sockets *s)
{
    close_fd(&s->tcp_fd);
    close_fd(&s->udp_fd);
    sem_post(&s->closed);
    ref_drop(&s->ref);
}

void ports_fini(struct ports *ports)
{
    while (ports->closing) {
        struct sockets *s = ports->closing;
        ports->closing = s->next;
        ref_drop(&s->ref);
    }
}
