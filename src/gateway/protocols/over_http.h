/* What tracker protocols that ride on HTTP share: a frame is a request, an answer is a response. */
#ifndef TRACKWIRE_GATEWAY_PROTOCOLS_OVER_HTTP_H
#define TRACKWIRE_GATEWAY_PROTOCOLS_OVER_HTTP_H

#include "gateway/protocols/protocol.h"
#include "http/request.h"

#define OVER_HTTP_HEAD_MAX (16 * 1024)

/* How a protocol answers. */
struct over_http_style {
    const char *allow; /* the methods it takes, for `Allow` in a 405 */
    bool tells_why;    /* refusals carry a JSON reason; else their body is empty */
};

/* protocol->frame(): one request, of frame_max bytes at most. */
int over_http_frame(const struct protocol_link *link, struct span in);

/* Parses the frame into the result's arena. A refusal is answered. */
int over_http_open(const struct over_http_style *style, struct span frame,
                   struct protocol_result *result, struct http_request *ret_request) MUST_USE;
/* Answers 200 without a body, and keeps 403 ready for a device that may not send. */
void over_http_accept(const struct http_request *request, struct protocol_result *result);
/* Answers with the status of `err`, drops the messages, and returns `err`. */
int over_http_refuse(const struct over_http_style *style, const struct http_request *request,
                     struct protocol_result *result, int err) MUST_USE;

#endif
