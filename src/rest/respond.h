/* From an answer of the control plane to the bytes of an HTTP response. Pure. */
#ifndef TRACKWIRE_REST_RESPOND_H
#define TRACKWIRE_REST_RESPOND_H

#include "rest/rest_internal.h"

#define REST_CONTINUE SPAN_LIT("HTTP/1.1 100 Continue\r\n\r\n")

/* Appends the response with the headers that every answer has; `wall_us` is its date. */
int rest_respond(const struct rest_answer *answer, bool keep_alive, bool is_head, int64_t wall_us,
                 struct buf *out) MUST_USE;

#endif
