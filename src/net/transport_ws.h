/* WebSocket between the transport that a connection has and its owner, who sees and writes a plain
 * stream of bytes: put on after the HTTP handshake. */
#ifndef TRACKWIRE_NET_TRANSPORT_WS_H
#define TRACKWIRE_NET_TRANSPORT_WS_H

#include "net/conn.h"

/* Sends `answer`, the handshake's, and makes a WebSocket of the connection. Inside on_data:
 * `unconsumed` is what came behind the handshake; on_data then returns that it consumed all, and
 * the owner is told the payload in the next turn. On failure nothing was sent or changed. */
int transport_ws_push(struct conn *c, struct span answer, struct span unconsumed) MUST_USE;

#endif
