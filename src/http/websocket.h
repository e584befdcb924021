/* WebSocket as a server speaks it (RFC 6455): the handshake, and frames as a stream. Pure: no
 * socket, no clock, no allocation. Messages are of no interest here: payload is a stream of bytes
 * that is passed on as it comes, however peers cut it into frames, so that a frame may be as long
 * as it likes and is never kept. Binary only: text frames are refused. No extension is spoken. */
#ifndef TRACKWIRE_HTTP_WEBSOCKET_H
#define TRACKWIRE_HTTP_WEBSOCKET_H

#include "base/base64.h"
#include "base/buf.h"
#include "http/request.h"

/* ---- the handshake ---- */

#define WEBSOCKET_VERSION_TEXT "13"
#define WEBSOCKET_ACCEPT_LENGTH BASE64_LENGTH(20)

struct websocket_handshake {
    char accept[WEBSOCKET_ACCEPT_LENGTH]; /* proves to the client that its key was read */
    const char *subprotocol;              /* one of the caller's names; NULL: none was offered */
};

/* A GET that asks for a WebSocket: `Connection: upgrade` and `Upgrade: websocket`, whatever else
 * these headers list. Anything else is an ordinary request (RFC 9110 7.8). */
bool websocket_is_wanted(const struct http_request *request);
/* Judges such a request. `subprotocols` are those spoken here, NULL at the end: the first offered
 * one of them is chosen; a client that offers others only is refused, one that offers none is not.
 * ERR_WEBSOCKET_VERSION is answered with `Sec-WebSocket-Version: 13` (RFC 6455 4.4). */
int websocket_handshake(const struct http_request *request, const char *const *subprotocols,
                        struct websocket_handshake *ret) MUST_USE;
/* Appends the answer, status 101. Offered extensions are declined by not naming them. */
int websocket_write_answer(const struct websocket_handshake *handshake, struct buf *out) MUST_USE;

/* ---- frames of a client ---- */

#define WEBSOCKET_CONTROL_MAX 125

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};

/* What is known of the frame under way; zero to begin with. */
struct websocket_reader {
    uint64_t left;      /* of its payload */
    uint8_t head[14];   /* as far as it came */
    uint8_t head_n;     /* 0: between frames */
    bool has_head;      /* it is whole: payload follows */
    bool is_in_message; /* a fragment came, the last one did not */
    uint8_t opcode;
    uint8_t mask[4]; /* turned such that its first byte is the next one's */
    uint8_t control_n;
    uint8_t control[WEBSOCKET_CONTROL_MAX]; /* payload of a close or ping frame */
};

struct websocket_step {
    size_t used;                 /* bytes of the input */
    size_t payload_n;            /* bytes written to `out` */
    enum websocket_opcode event; /* WEBSOCKET_PING, WEBSOCKET_CLOSE, 0: neither */
    struct span control;         /* their payload, valid until the next call */
    uint16_t close_code;         /* the peer's, 0 when it gave none */
};

/* Reads `in` up to its end or the end of a ping or close frame, and unmasks payload to `out`, which
 * may be `in` itself or lie before it. What comes behind a close frame means nothing. 0 or an error
 * (ERR_WEBSOCKET_...), after which the stream is of no more use; `ret` also tells what came before
 * an error. The result depends on the bytes alone, never on how they were cut. */
int websocket_read(struct websocket_reader *r, struct span in, uint8_t *out,
                   struct websocket_step *ret) MUST_USE;

/* ---- frames of a server ---- */

#define WEBSOCKET_HEAD_MAX 10

/* Writes the head of a whole frame with `n` bytes of payload; its length. */
size_t websocket_write_head(enum websocket_opcode opcode, uint64_t n,
                            uint8_t out[WEBSOCKET_HEAD_MAX]);
/* Writes a close frame; its length. `code` 0: without one. */
#define WEBSOCKET_CLOSE_FRAME_MAX 4
size_t websocket_write_close(uint16_t code, uint8_t out[WEBSOCKET_CLOSE_FRAME_MAX]);
/* What a close frame says of `err`, for which the server closes (RFC 6455 7.4.1). */
uint16_t websocket_close_code(int err);

#endif
