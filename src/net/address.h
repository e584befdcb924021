/* Socket addresses and their text. */
#ifndef TRACKWIRE_NET_ADDRESS_H
#define TRACKWIRE_NET_ADDRESS_H

#include "base/err.h"
#include "base/span.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct net_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t n; /* 0: none */
};

#define NET_ADDRESS_TEXT_MAX 64

/* "ADDR:PORT", "[V6]:PORT" or "PORT" (then `default_host`, e.g. "0.0.0.0"). Numeric only: no DNS.
 */
int net_address_parse(struct span text, const char *default_host, struct net_address *ret) MUST_USE;
/* "1.2.3.4:5" or "[::1]:5" into `out` of NET_ADDRESS_TEXT_MAX bytes, NUL-terminated; its length. */
size_t net_address_text(const struct net_address *a, char *out);
/* The same without the port. */
size_t net_address_host_text(const struct net_address *a, char *out);
uint16_t net_address_port(const struct net_address *a);
void net_address_set_port(struct net_address *a, uint16_t port);
bool net_address_is_loopback(const struct net_address *a);

#endif
