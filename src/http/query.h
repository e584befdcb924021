/* Percent-encoding and name=value pairs of query strings and form bodies (RFC 3986 2.1, WHATWG URL
 * 5.1). Pure; decoded text lives in the caller's arena. */
#ifndef TRACKWIRE_HTTP_QUERY_H
#define TRACKWIRE_HTTP_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/* `+` is a space in queries and forms, and a plus in paths. */
enum http_plus {
    HTTP_PLUS_KEEP,
    HTTP_PLUS_SPACE,
};

/* `s` without escapes. Borrows `s` itself when there is nothing to decode, else lives in `arena`.
 * Refuses a '%' without two hexadecimal digits. The result may hold any byte, NUL too. */
int http_percent_decode(struct span s, enum http_plus plus, struct arena *arena,
                        struct span *ret_text) MUST_USE;

/* Walks over `a=1&b=2`; empty pairs are skipped, a name without '=' has an empty value. */
struct http_query {
    struct span rest;
};

static inline struct http_query http_query_of(struct span text)
{
    return (struct http_query){text};
}

/* The next pair, decoded as by http_percent_decode with HTTP_PLUS_SPACE. Returns 1, 0 at the end,
 * or a refusal. */
int http_query_next(struct http_query *q, struct arena *arena, struct span *ret_name,
                    struct span *ret_value) MUST_USE;

/* The value of the first pair called `name`. Returns 1, 0 when there is none, or a refusal. */
int http_query_find(struct span text, const char *name, struct arena *arena,
                    struct span *ret_value) MUST_USE;

#endif
