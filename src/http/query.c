/* Percent-decoding and the pairs of a query. Sits behind request.c on the way in; knows no meaning
 * of any name. */
#include "http/query.h"

/* Value of a hexadecimal digit, -1 for anything else. */
static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool needs_decoding(struct span s, enum http_plus plus)
{
    return span_find(s, '%') < s.n || (plus == HTTP_PLUS_SPACE && span_find(s, '+') < s.n);
}

int http_percent_decode(struct span s, enum http_plus plus, struct arena *arena,
                        struct span *ret_text)
{
    if (!needs_decoding(s, plus)) {
        *ret_text = s;
        return 0;
    }
    uint8_t *text = arena_alloc(arena, s.n);
    if (!text)
        return err_raise(ERR_NO_MEMORY);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == '%') {
            int high = s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
            if (low < 0)
                return err_raise(ERR_HTTP_ESCAPE);
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == HTTP_PLUS_SPACE) {
            c = ' ';
        }
        text[n++] = c;
    }
    *ret_text = span_of(text, n);
    return 0;
}

int http_query_next(struct http_query *q, struct arena *arena, struct span *ret_name,
                    struct span *ret_value)
{
    while (q->rest.n && q->rest.p[0] == '&')
        q->rest = span_from(q->rest, 1);
    if (q->rest.n == 0)
        return 0;
    struct span pair = span_head(q->rest, span_find(q->rest, '&'));
    q->rest = span_from(q->rest, pair.n);
    size_t equals = span_find(pair, '=');
    struct span name, value;
    int rc = http_percent_decode(span_head(pair, equals), HTTP_PLUS_SPACE, arena, &name);
    if (rc == 0)
        rc = http_percent_decode(span_from(pair, equals + 1), HTTP_PLUS_SPACE, arena, &value);
    if (rc < 0)
        return rc;
    *ret_name = name;
    *ret_value = value;
    return 1;
}

int http_query_find(struct span text, const char *name, struct arena *arena, struct span *ret_value)
{
    struct http_query q = http_query_of(text);
    struct span found, value;
    int rc;
    while ((rc = http_query_next(&q, arena, &found, &value)) > 0) {
        if (span_equal(found, span_str(name))) {
            *ret_value = value;
            return 1;
        }
    }
    return rc;
}
