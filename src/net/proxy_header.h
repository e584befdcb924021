/* The PROXY header, by which a load balancer tells who is behind it: version 1 (a line of text) and
 * 2 (binary), as HAProxy's doc/proxy-protocol.txt has them. Pure: bytes in, the peer out. */
#ifndef TRACKWIRE_NET_PROXY_HEADER_H
#define TRACKWIRE_NET_PROXY_HEADER_H

#include "base/span.h"
#include "net/address.h"

/* A version 1 line is at most 107 bytes with its line end; of version 2, whose fields may carry
 * certificates, we take this much. */
#define PROXY_HEADER_MAX 4096

struct proxy_header {
    bool has_source;           /* false: the connection's own peer is the one that counts */
    struct net_address source; /* the client */
};

/* The header at the front of `in`: its length, 0 when it is not whole, or ERR_PROXY_*; an error is
 * told as soon as the bytes that are there cannot become a header. */
int proxy_header_parse(struct span in, struct proxy_header *ret) MUST_USE;

#endif
