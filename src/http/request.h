/* HTTP/1.x requests (RFC 9110, RFC 9112): where one ends in a stream of bytes, and what it says.
 * Pure: no socket, no clock, no allocation but the caller's arena. A result depends on the bytes
 * alone, never on how they were cut. The packaged parser behind it is nowhere visible here. */
#ifndef TRACKWIRE_HTTP_REQUEST_H
#define TRACKWIRE_HTTP_REQUEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define HTTP_HEAD_MAX (64 * 1024)          /* no head_max may be larger */
#define HTTP_BODY_MAX (512U * 1024 * 1024) /* no body_max may be larger */
#define HTTP_HEADERS_MAX 100               /* header lines of one request */

enum http_request_method {
    HTTP_METHOD_OTHER, /* known to HTTP, used by nobody here: answer 405 */
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_COUNT_
};

struct http_header {
    struct span name;  /* as sent; compare with http_name_equal */
    struct span value; /* without the white space around it */
};

/* A whole request. Every span borrows from the bytes it was parsed from, except `headers` itself
 * and the body of a chunked request, which live in the arena. */
struct http_request {
    enum http_request_method method;
    struct span method_name;
    struct span path;      /* still percent-encoded; from the first '/' on, or "*" */
    struct span query;     /* behind the '?', still encoded; empty when absent */
    int version_minor;     /* 0 or 1 */
    bool keep_alive;       /* the connection outlives this request (RFC 9112 9.3) */
    bool wants_upgrade;    /* `Connection: upgrade` and an `Upgrade` header: see its value */
    bool expects_continue; /* `Expect: 100-continue` */
    const struct http_header *headers; /* in order of arrival */
    size_t header_count;
    struct span body; /* without transfer coding */
};

/* Finds the end of one request while its bytes arrive, each byte looked at once. The owner of the
 * connection keeps one, and starts it anew for each request. */
struct http_framer {
    size_t head_max;
    size_t body_max;
    size_t head_n;         /* bytes of request line and headers; 0 until they are complete */
    bool expects_continue; /* valid once head_n is not 0: the peer may wait for "100 Continue" */
    /* The rest belongs to request.c. */
    size_t fed;       /* bytes the parser has seen */
    size_t total;     /* bytes of the whole request, once known */
    size_t chunks;    /* bytes of body announced by chunk headers so far */
    size_t chunk_n;   /* bytes seen of the current chunk's data */
    size_t chunk_end; /* offset behind them */
    size_t header_count;
    struct http_place {
        size_t at, n; /* offset from the first byte of the stream */
    } target, name, value;
    int refusal;    /* what is wrong with the headers, told once the head is complete */
    bool has_value; /* `name` is complete, `value` has begun */
    bool is_chunked;
    uint64_t parser[16]; /* state of the packaged parser */
};

/* Ready for the first byte of a request. Heads longer than `head_max` and bodies longer than
 * `body_max` bytes are refused; both are cut to HTTP_HEAD_MAX and HTTP_BODY_MAX. */
void http_framer_init(struct http_framer *f, size_t head_max, size_t body_max);
/* `in` starts with the first byte of the request and holds at least what it held last time. Returns
 * the length of the request (> 0), 0 when more bytes are needed, or a refusal, after which the
 * connection cannot be used any more. */
int http_framer_next(struct http_framer *f, struct span in) MUST_USE;

/* The same without a memory between calls: O(head) each time, O(all) for a chunked body. */
int http_request_frame(struct span in, size_t head_max, size_t body_max) MUST_USE;

/* Takes apart one whole request, as measured by a framer. Headers and a chunked body go to `arena`.
 * Repeats the framer's refusals, so that a caller with a whole datagram need not frame first;
 * ERR_HTTP_INCOMPLETE when the request does not end where `whole` ends. */
int http_request_parse(struct span whole, struct arena *arena,
                       struct http_request *ret_request) MUST_USE;

/* Value of the first header called `name`, ignoring case; p == NULL when there is none. */
struct span http_request_header(const struct http_request *request, const char *name);
/* Equal but for the case of ASCII letters: names of headers, codings, media types. */
bool http_name_equal(struct span a, struct span b);
/* True when `content_type` names the media type `type`, whatever parameters follow. */
bool http_media_type_is(struct span content_type, const char *type);

#endif
