/* From HTTP to WebSocket: MQTT over WebSocket shares the port with REST, at every path, because
 * clients append what their makers were used to. Origin is not looked at: pages of other hosts are
 * meant to come, and what lets them in is the token in CONNECT. Knows no frames. */
#include "http/websocket.h"
#include "net/transport_ws.h"
#include "rest/server_internal.h"

#define ANSWER_MAX 512

/* MQTT 5.0 6.0-4 has one name. The others are what clients before and beside it use. */
static const char *const subprotocols[] = {"mqtt", "mqttv3.1", "mqttv3.1.1", NULL};

bool rest_upgrade_is_wanted(const struct rest *rest, const struct http_request *request)
{
    return rest->config.on_websocket && websocket_is_wanted(request);
}

int rest_upgrade(struct conn *c, const struct http_request *request, struct span behind)
{
    struct websocket_handshake handshake;
    int err = websocket_handshake(request, subprotocols, &handshake);
    if (err < 0)
        return err;
    struct buf answer = buf_make(MEM_REST, ANSWER_MAX);
    err = websocket_write_answer(&handshake, &answer);
    if (err == 0)
        err = transport_ws_push(c, buf_span(&answer), behind);
    buf_fini(&answer);
    return err;
}

void rest_upgrade_hand_over(const struct rest *rest, struct conn *c)
{
    rest->config.on_websocket(rest->config.taker, c);
}
