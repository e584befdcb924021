/* Responses. The last thing REST, the panel and the HTTP trackers' decoders do before bytes go out;
 * knows nothing of what a body means. Reason phrases come from the packaged parser's table. */
#include "http/response.h"

#include <http_parser.h>

/* RFC 9110 5.5: a value that holds a line break would let its author write headers of his own. */
static bool is_one_line(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return false;
    return true;
}

static int add_header(struct buf *out, struct span name, struct span value)
{
    if (!is_one_line(name) || !is_one_line(value))
        return err_raise(ERR_HTTP_RESPONSE_HEADER);
    buf_add_span(out, name);
    buf_add_str(out, ": ");
    buf_add_span(out, value);
    buf_add_str(out, "\r\n");
    return 0;
}

static bool has_content(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

const char *http_status_reason(int status)
{
    const char *reason = http_status_str((enum http_status)status);
    return reason[0] == '<' ? "Unknown" : reason;
}

int http_response_write_head(const struct http_response *response, size_t content_length,
                             struct buf *out)
{
    int rc = 0;
    buf_addf(out, "HTTP/1.1 %d %s\r\n", response->status, http_status_reason(response->status));
    if (response->date.n)
        rc = add_header(out, SPAN_LIT("Date"), response->date);
    if (rc == 0 && response->content_type.n)
        rc = add_header(out, SPAN_LIT("Content-Type"), response->content_type);
    for (size_t i = 0; rc == 0 && i < response->header_count; i++)
        rc = add_header(out, response->headers[i].name, response->headers[i].value);
    if (rc < 0)
        return rc;
    if (has_content(response->status))
        buf_addf(out, "Content-Length: %zu\r\n", content_length);
    if (!response->keep_alive)
        buf_add_str(out, "Connection: close\r\n");
    buf_add_str(out, "\r\n");
    return out->is_failed ? err_raise(ERR_BUF_LIMIT) : 0;
}

int http_response_write(const struct http_response *response, struct buf *out)
{
    int rc = http_response_write_head(response, response->body.n, out);
    if (rc < 0)
        return rc;
    if (!response->is_head && has_content(response->status))
        buf_add_span(out, response->body);
    return out->is_failed ? err_raise(ERR_BUF_LIMIT) : 0;
}
