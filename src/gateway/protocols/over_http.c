/* Requests and responses of trackers that speak HTTP: between http/ and the decoders of osmand and
 * http. Knows no parameter. */
#include "gateway/protocols/over_http.h"

#include "http/response.h"
#include "message/json.h"

int over_http_frame(const struct protocol_link *link, struct span in)
{
    return http_request_frame(in, OVER_HTTP_HEAD_MAX,
                              link->protocol->frame_max - OVER_HTTP_HEAD_MAX);
}

/* A response that does not fit the reply's buffer leaves it failed, which the caller sees. */
static void respond(const struct http_response *response, struct buf *out)
{
    if (http_response_write(response, out) < 0)
        out->is_failed = true;
}

void over_http_accept(const struct http_request *request, struct protocol_result *result)
{
    struct http_response response = {.status = 200, .keep_alive = request->keep_alive};
    respond(&response, &result->reply);
    response = (struct http_response){.status = 403};
    respond(&response, &result->reject);
    result->must_close = !request->keep_alive;
}

/* The envelope of the REST API, so that one program reads both. */
static void write_reason(int err, struct buf *out)
{
    buf_addf(out, "{\"errors\":[{\"code\":%d,\"reason\":", err_http_status(err));
    json_add_text(out, span_str(err_text(err)));
    buf_add_str(out, "}]}");
}

int over_http_refuse(const struct over_http_style *style, const struct http_request *request,
                     struct protocol_result *result, int err)
{
    struct buf body = buf_make(MEM_GATEWAY, 1024);
    struct http_header allow = {SPAN_LIT("Allow"), span_str(style->allow)};
    struct http_response response = {
        .status = err_http_status(err),
        .keep_alive = request->keep_alive,
        .headers = &allow,
        .header_count = err_http_status(err) == 405,
    };
    if (style->tells_why) {
        write_reason(err, &body);
        response.content_type = SPAN_LIT("application/json");
        response.body = buf_span(&body);
    }
    result->message_count = 0;
    result->must_close = !request->keep_alive;
    respond(&response, &result->reply);
    buf_fini(&body);
    return err;
}

int over_http_open(const struct over_http_style *style, struct span frame,
                   struct protocol_result *result, struct http_request *ret_request)
{
    struct http_request none = {0};
    int rc = http_request_parse(frame, result->arena, ret_request);
    return rc < 0 ? over_http_refuse(style, &none, result, rc) : 0;
}
