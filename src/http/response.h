/* HTTP/1.1 responses into a buffer. Pure: the date comes from the caller, who reads the clock. */
#ifndef TRACKWIRE_HTTP_RESPONSE_H
#define TRACKWIRE_HTTP_RESPONSE_H

#include "base/buf.h"
#include "base/err.h"
#include "http/request.h"

struct http_response {
    int status;
    bool keep_alive;                   /* false says `Connection: close` */
    bool is_head;                      /* answers HEAD: Content-Length as for GET, no body */
    struct span date;                  /* value of `Date`; empty: left out */
    struct span content_type;          /* empty: left out */
    const struct http_header *headers; /* further ones, in this order; may be NULL */
    size_t header_count;
    struct span body;
};

/* Appends status line, headers, Content-Length and body. ERR_HTTP_RESPONSE_HEADER when a header
 * would break out of its line, ERR_BUF_LIMIT when `out` is full; `out` then holds rubbish. */
int http_response_write(const struct http_response *response, struct buf *out) MUST_USE;

/* The same up to the empty line, for a body of `content_length` bytes that the caller sends itself.
 * 1xx, 204 and 304 carry no Content-Length (RFC 9110 8.6). */
int http_response_write_head(const struct http_response *response, size_t content_length,
                             struct buf *out) MUST_USE;

/* "Not Found" for 404; "Unknown" for a status that HTTP does not know. Static. */
const char *http_status_reason(int status);

#endif
