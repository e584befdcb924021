/* Socket addresses and their text. Pure; numeric only, because DNS blocks. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>

/* A numeric host of either family; IPv6 without brackets. */
static bool parse_host(struct span host, bool may_be_v6, struct net_address *ret)
{
    char text[INET6_ADDRSTRLEN];
    if (host.n == 0 || host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    struct net_address a = {0};
    if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.n = sizeof a.v4;
    } else if (may_be_v6 && inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.n = sizeof a.v6;
    } else {
        return false;
    }
    *ret = a;
    return true;
}

static bool parse_port(struct span text, uint16_t *ret)
{
    uint32_t port = 0;
    if (text.n == 0 || text.n > 5)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text.p[i] - '0');
    }
    if (port > UINT16_MAX)
        return false;
    *ret = (uint16_t)port;
    return true;
}

/* Takes "[V6]:" or "V4:" off the text; what is left is the port. */
static int take_host(struct span *text, struct net_address *ret)
{
    struct span host;
    bool is_bracketed = text->p[0] == '[';
    if (is_bracketed) {
        size_t end = span_find(*text, ']');
        if (end + 1 >= text->n || text->p[end + 1] != ':')
            return err_raise(ERR_NET_ADDRESS_BRACKET);
        host = (struct span){text->p + 1, end - 1};
        *text = span_from(*text, end + 2);
    } else {
        size_t end = span_find(*text, ':');
        host = span_head(*text, end);
        *text = span_from(*text, end + 1);
    }
    struct net_address a;
    if (!parse_host(host, is_bracketed, &a) || (is_bracketed && a.any.sa_family != AF_INET6))
        return err_raise(ERR_NET_ADDRESS_HOST);
    *ret = a;
    return 0;
}

int net_address_parse(struct span text, const char *default_host, struct net_address *ret)
{
    struct net_address a;
    uint16_t port;
    if (text.n == 0)
        return err_raise(ERR_NET_ADDRESS_EMPTY);
    if (text.p[0] == '[' || span_find(text, ':') < text.n) {
        int err = take_host(&text, &a);
        if (err < 0)
            return err;
    } else if (!parse_host(span_str(default_host), true, &a)) {
        return err_raise(ERR_NET_ADDRESS_HOST);
    }
    if (!parse_port(text, &port))
        return err_raise(ERR_NET_ADDRESS_PORT);
    net_address_set_port(&a, port);
    *ret = a;
    return 0;
}

/* An IPv4 peer of a socket that serves both families: shown as what it is. */
static bool is_mapped_v4(const struct net_address *a)
{
    return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr);
}

static const void *v4_bytes(const struct net_address *a)
{
    return is_mapped_v4(a) ? (const void *)(a->v6.sin6_addr.s6_addr + 12) : &a->v4.sin_addr;
}

size_t net_address_host_text(const struct net_address *a, char *out)
{
    const char *text = NULL;
    if (a->n && a->any.sa_family == AF_INET6 && !is_mapped_v4(a))
        text = inet_ntop(AF_INET6, &a->v6.sin6_addr, out, NET_ADDRESS_TEXT_MAX);
    else if (a->n)
        text = inet_ntop(AF_INET, v4_bytes(a), out, NET_ADDRESS_TEXT_MAX);
    if (!text)
        out[0] = '\0';
    return strlen(out);
}

size_t net_address_text(const struct net_address *a, char *out)
{
    char host[NET_ADDRESS_TEXT_MAX];
    bool is_v6 = a->any.sa_family == AF_INET6 && !is_mapped_v4(a);
    if (net_address_host_text(a, host) == 0) {
        out[0] = '\0';
        return 0;
    }
    int n = snprintf(out, NET_ADDRESS_TEXT_MAX, is_v6 ? "[%.*s]:%u" : "%.*s:%u", INET6_ADDRSTRLEN,
                     host, net_address_port(a));
    return (size_t)n;
}

uint16_t net_address_port(const struct net_address *a)
{
    return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void net_address_set_port(struct net_address *a, uint16_t port)
{
    if (a->any.sa_family == AF_INET6)
        a->v6.sin6_port = htons(port);
    else
        a->v4.sin_port = htons(port);
}

bool net_address_is_loopback(const struct net_address *a)
{
    if (a->n == 0)
        return false;
    if (a->any.sa_family == AF_INET6 && !is_mapped_v4(a))
        return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
    return *(const uint8_t *)v4_bytes(a) == 127;
}
