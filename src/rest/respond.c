/* HTTP responses of REST: the headers that every answer has, so that web tools from other origins
 * may read it (their preflight asks for exactly these). Pure. */
#include "rest/respond.h"

#include "http/response.h"
#include "http/websocket.h"

#include <time.h>

#define DATE_BYTES 40
#define ALLOW_BYTES 64

static const struct {
    enum http_request_method method;
    const char *name;
} methods[] = {
    {HTTP_METHOD_GET, "GET"},     {HTTP_METHOD_POST, "POST"},     {HTTP_METHOD_PUT, "PUT"},
    {HTTP_METHOD_PATCH, "PATCH"}, {HTTP_METHOD_DELETE, "DELETE"},
};

static struct span write_allow(unsigned allow, struct buf *out)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (allow & 1u << methods[i].method)
            buf_addf(out, "%s%s", out->n ? ", " : "", methods[i].name);
    return buf_span(out);
}

/* RFC 9110 5.6.7; the process keeps the C locale, whose names are English. */
static struct span write_date(int64_t wall_us, char out[DATE_BYTES])
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    return span_of(out, strftime(out, DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &tm));
}

int rest_respond(const struct rest_answer *answer, bool keep_alive, bool is_head, int64_t wall_us,
                 struct buf *out)
{
    char date[DATE_BYTES];
    struct buf allow = buf_make(MEM_REST, ALLOW_BYTES);
    struct http_header headers[] = {
        {SPAN_LIT("Access-Control-Allow-Origin"), SPAN_LIT("*")},
        {SPAN_LIT("Access-Control-Allow-Methods"),
         SPAN_LIT("GET, POST, PUT, PATCH, DELETE, OPTIONS")},
        {SPAN_LIT("Access-Control-Allow-Headers"),
         SPAN_LIT("Authorization, Content-Type, X-Flespi-App, X-Flespi-Cid, X-Flespi-Trace")},
        {SPAN_LIT("Access-Control-Max-Age"), SPAN_LIT("86400")},
        {SPAN_LIT("Cache-Control"), SPAN_LIT("no-store")},
        {{0}, {0}},
        {{0}, {0}},
    };
    size_t count = sizeof(headers) / sizeof(headers[0]) - 2;
    if (answer->status == 401)
        headers[count++] =
            (struct http_header){SPAN_LIT("WWW-Authenticate"), SPAN_LIT("FlespiToken")};
    else if (answer->allow)
        headers[count++] =
            (struct http_header){SPAN_LIT("Allow"), write_allow(answer->allow, &allow)};
    if (answer->status == 426) {
        headers[count++] = (struct http_header){SPAN_LIT("Upgrade"), SPAN_LIT("websocket")};
        headers[count++] = (struct http_header){SPAN_LIT("Sec-WebSocket-Version"),
                                                SPAN_LIT(WEBSOCKET_VERSION_TEXT)};
    }
    struct http_response response = {
        .status = answer->status,
        .keep_alive = keep_alive,
        .is_head = is_head,
        .date = write_date(wall_us, date),
        .content_type = answer->content_type ? span_str(answer->content_type) : SPAN_LIT(""),
        .headers = headers,
        .header_count = count,
        .body = buf_span(&answer->body),
    };
    int err = http_response_write(&response, out);
    buf_fini(&allow);
    return err;
}
