/* Requests over the packaged http-parser. Bytes of a connection come in here first: REST, the
 * panel, WebSocket handshakes and the tracker protocols that ride on HTTP. One walk serves both
 * purposes: the framer runs it over bytes as they arrive and keeps offsets, the parse runs it over
 * a whole request and keeps spans, so the two cannot disagree on where a request ends. It knows no
 * connection and no route. */
#include "http/request.h"

#include <http_parser.h>
#include <strings.h>

struct walk {
    struct http_framer *f;
    struct span in;
    int err;                     /* first refusal of a callback */
    struct http_header *headers; /* HTTP_HEADERS_MAX of them; NULL while framing */
    uint8_t *body;               /* where chunks are joined; NULL while framing */
    size_t body_n;
};

_Static_assert(sizeof(http_parser) <= sizeof((struct http_framer){0}.parser), "parser state fits");

static http_parser *parser_of(struct http_framer *f)
{
    return (http_parser *)f->parser;
}

static int refuse(struct walk *w, int err)
{
    if (!w->err)
        w->err = err;
    return -1;
}

static size_t offset_of(const struct walk *w, const char *at)
{
    return (size_t)((const uint8_t *)at - w->in.p);
}

/* The parser hands out a text in pieces, as its input is cut. */
static void place_extend(struct http_place *place, size_t offset, size_t n)
{
    if (place->n == 0)
        place->at = offset;
    place->n = offset + n - place->at;
}

static struct span place_span(const struct walk *w, struct http_place place)
{
    return place.n ? span_of(w->in.p + place.at, place.n) : span_of(w->in.p, 0);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    while (s.n && is_space(s.p[0]))
        s = span_from(s, 1);
    return s;
}

/* A value that goes on in the next line (obsolete, RFC 9112 5.2) reaches us as pieces with the line
 * break between them, or between the first one and the name. */
static bool is_folded(const struct http_framer *f, struct span in, size_t offset)
{
    struct http_place before = f->value.n ? f->value : f->name;
    size_t from = before.at + before.n;
    struct span gap = span_of(in.p + from, offset - from);
    return span_find(gap, '\n') < gap.n;
}

/* What is wrong with a header waits until the head is complete: the parser may yet refuse a byte of
 * the same line, and how early we hear of a line depends on how it was cut. */
static void header_refuse(struct http_framer *f, int err)
{
    if (!f->refusal)
        f->refusal = err;
}

static void header_check(struct http_framer *f, struct span name, struct span value)
{
    if (span_find(name, ' ') < name.n)
        header_refuse(f, ERR_HTTP_HEADER_NAME);
    if (http_name_equal(name, SPAN_LIT("transfer-encoding"))) {
        if (f->is_chunked || !http_name_equal(value, SPAN_LIT("chunked")))
            header_refuse(f, ERR_HTTP_TRANSFER_CODING);
        f->is_chunked = true;
    }
    if (http_name_equal(name, SPAN_LIT("expect")))
        f->expects_continue = http_name_equal(value, SPAN_LIT("100-continue"));
}

/* Called when a header line is known to be complete. */
static void header_finish(struct walk *w)
{
    struct http_framer *f = w->f;
    if (!f->has_value)
        return;
    struct http_header header = {place_span(w, f->name), trim(place_span(w, f->value))};
    header_check(f, header.name, header.value);
    f->has_value = false;
    f->name.n = f->value.n = 0;
    if (f->header_count == HTTP_HEADERS_MAX) {
        header_refuse(f, ERR_HTTP_HEADERS_MANY);
        return;
    }
    if (w->headers)
        w->headers[f->header_count] = header;
    f->header_count++;
}

static int on_target(http_parser *p, const char *at, size_t n)
{
    struct walk *w = p->data;
    place_extend(&w->f->target, offset_of(w, at), n);
    return 0;
}

static int on_name(http_parser *p, const char *at, size_t n)
{
    struct walk *w = p->data;
    if (w->f->head_n) /* a trailer behind the last chunk: allowed, and of no use here */
        return 0;
    header_finish(w);
    place_extend(&w->f->name, offset_of(w, at), n);
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    struct walk *w = p->data;
    if (w->f->head_n)
        return 0;
    w->f->has_value = true;
    if (n == 0) /* an empty value is announced from wherever the parser stands */
        return 0;
    if (is_folded(w->f, w->in, offset_of(w, at)))
        header_refuse(w->f, ERR_HTTP_HEADER_FOLDED);
    place_extend(&w->f->value, offset_of(w, at), n);
    return 0;
}

/* Pauses, so that the caller learns where the head ended. The packaged parser is built to forgive:
 * of "HTTP/" it looks at the first letter alone. */
static int on_head(http_parser *p)
{
    struct walk *w = p->data;
    header_finish(w);
    if (p->http_major != 1)
        return refuse(w, ERR_HTTP_VERSION);
    struct span version = span_from(w->in, w->f->target.at + w->f->target.n);
    if (!span_starts(trim(span_head(version, span_find(version, '\n'))), SPAN_LIT("HTTP/")))
        return refuse(w, ERR_HTTP_REQUEST_LINE);
    if (w->f->refusal)
        return refuse(w, w->f->refusal);
    http_parser_pause(p, 1);
    return 0;
}

static int on_chunk(http_parser *p)
{
    struct walk *w = p->data;
    if (p->content_length > w->f->body_max - w->f->chunks)
        return refuse(w, ERR_HTTP_CHUNKS_BODY_TOO_LONG);
    w->f->chunks += (size_t)p->content_length;
    w->f->chunk_n = 0;
    return 0;
}

static bool is_line_end(const struct walk *w, size_t offset)
{
    return span_equal(span_of(w->in.p + offset, 2), SPAN_LIT("\r\n"));
}

/* Only chunked bodies come here. That sizes and data end in a line break is checked here: the
 * packaged parser skips two bytes, whatever they are. */
static int on_body(http_parser *p, const char *at, size_t n)
{
    struct walk *w = p->data;
    size_t offset = offset_of(w, at);
    if (w->f->chunk_n == 0 && !is_line_end(w, offset - 2))
        return refuse(w, ERR_HTTP_CHUNK_SIZE_END);
    if (w->body)
        memcpy(w->body + w->body_n, at, n);
    w->body_n += n;
    w->f->chunk_n += n;
    w->f->chunk_end = offset + n;
    return 0;
}

static int on_chunk_end(http_parser *p)
{
    struct walk *w = p->data;
    if (w->f->chunk_n && !is_line_end(w, w->f->chunk_end))
        return refuse(w, ERR_HTTP_CHUNK_END);
    return 0;
}

static int on_end(http_parser *p)
{
    http_parser_pause(p, 1);
    return 0;
}

static const http_parser_settings callbacks = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
    .on_chunk_header = on_chunk,
    .on_chunk_complete = on_chunk_end,
};

/* What the parser calls its refusals, and what we call them. */
static const struct {
    enum http_errno errno_;
    int err;
} refusals[] = {
    {HPE_INVALID_METHOD, ERR_HTTP_METHOD},
    {HPE_INVALID_URL, ERR_HTTP_TARGET},
    {HPE_INVALID_VERSION, ERR_HTTP_VERSION_TEXT},
    {HPE_LF_EXPECTED, ERR_HTTP_LINE_END},
    {HPE_INVALID_HEADER_TOKEN, ERR_HTTP_HEADER_CHARACTER},
    {HPE_INVALID_CONTENT_LENGTH, ERR_HTTP_LENGTH},
    {HPE_INVALID_CHUNK_SIZE, ERR_HTTP_CHUNK_SIZE},
    {HPE_HEADER_OVERFLOW, ERR_HTTP_CHUNK_LINE_LONG},
};

static int err_of(struct walk *w, enum http_errno no)
{
    /* Which of the two came last is known only when that header is looked at. */
    if (no == HPE_UNEXPECTED_CONTENT_LENGTH)
        header_finish(w);
    if (w->err)
        return w->err;
    if (no == HPE_UNEXPECTED_CONTENT_LENGTH)
        return w->f->is_chunked ? ERR_HTTP_LENGTH_AND_CHUNKED : ERR_HTTP_LENGTH_TWICE;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].errno_ == no)
            return refusals[i].err;
    return ERR_HTTP_MALFORMED;
}

/* Feeds what is new, up to offset `upto`. Returns 1 when a callback paused, 0 when all was read. */
static int feed(struct walk *w, size_t upto)
{
    struct http_framer *f = w->f;
    http_parser *p = parser_of(f);
    if (upto == f->fed) /* no bytes would mean the end of the stream to the parser */
        return 0;
    p->data = w;
    f->fed += http_parser_execute(p, &callbacks, (const char *)w->in.p + f->fed, upto - f->fed);
    enum http_errno no = HTTP_PARSER_ERRNO(p);
    if (no == HPE_PAUSED) {
        http_parser_pause(p, 0);
        return 1;
    }
    return no == HPE_OK ? 0 : err_of(w, no);
}

/* Reads until the head is complete: head_n is set, and total too unless the body is chunked. */
static int walk_head(struct walk *w)
{
    struct http_framer *f = w->f;
    size_t upto = w->in.n < f->head_max ? w->in.n : f->head_max;
    if (f->head_n)
        return 0;
    int rc = feed(w, upto);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return upto == f->head_max ? ERR_HTTP_HEAD_TOO_LONG : 0;
    /* The pause is on the head's last byte, which the parser will want to see again. */
    if (w->in.p[f->fed] != '\n')
        return ERR_HTTP_HEAD_END;
    f->head_n = f->fed + 1;
    if (f->is_chunked)
        return 0;
    uint64_t length = parser_of(f)->content_length;
    if (length == UINT64_MAX)
        length = 0;
    if (length > f->body_max)
        return ERR_HTTP_BODY_TOO_LONG;
    f->total = f->head_n + (size_t)length;
    return 0;
}

/* Reads chunks until the last one. Chunk headers and trailers may cost as much again as the largest
 * body and head: without that limit tiny chunks with long extensions would grow without end. */
static int walk_chunks(struct walk *w)
{
    struct http_framer *f = w->f;
    size_t most = f->head_n + 2 * f->body_max + f->head_max;
    size_t upto = w->in.n < most ? w->in.n : most;
    int rc = feed(w, upto);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return upto == most ? ERR_HTTP_CHUNKS_TOO_LONG : 0;
    if (w->in.p[f->fed - 1] != '\n')
        return ERR_HTTP_CHUNKS_END;
    f->total = f->fed;
    return 0;
}

void http_framer_init(struct http_framer *f, size_t head_max, size_t body_max)
{
    *f = (struct http_framer){
        .head_max = head_max < HTTP_HEAD_MAX ? head_max : HTTP_HEAD_MAX,
        .body_max = body_max < HTTP_BODY_MAX ? body_max : HTTP_BODY_MAX,
    };
    http_parser_init(parser_of(f), HTTP_REQUEST);
}

int http_framer_next(struct http_framer *f, struct span in)
{
    struct walk w = {.f = f, .in = in};
    int rc = walk_head(&w);
    if (rc == 0 && f->head_n && !f->total)
        rc = walk_chunks(&w);
    if (rc < 0)
        return err_raise(rc);
    return f->total && f->total <= in.n ? (int)f->total : 0;
}

int http_request_frame(struct span in, size_t head_max, size_t body_max)
{
    struct http_framer f;
    http_framer_init(&f, head_max, body_max);
    return http_framer_next(&f, in);
}

static enum http_request_method method_of(unsigned parser_method)
{
    switch (parser_method) {
    case HTTP_GET:
        return HTTP_METHOD_GET;
    case HTTP_HEAD:
        return HTTP_METHOD_HEAD;
    case HTTP_POST:
        return HTTP_METHOD_POST;
    case HTTP_PUT:
        return HTTP_METHOD_PUT;
    case HTTP_PATCH:
        return HTTP_METHOD_PATCH;
    case HTTP_DELETE:
        return HTTP_METHOD_DELETE;
    case HTTP_OPTIONS:
        return HTTP_METHOD_OPTIONS;
    default:
        return HTTP_METHOD_OTHER;
    }
}

/* Origin form is `/path?query`; absolute form (RFC 9112 3.2.2) puts scheme and host before it. */
static void target_split(struct span target, struct http_request *request)
{
    static const char mark[] = "://";
    const uint8_t *scheme = target.n ? memmem(target.p, target.n, mark, sizeof(mark) - 1) : NULL;
    target.n = span_find(target, '#');
    if (target.n && target.p[0] != '/' && scheme) {
        target = span_from(target, (size_t)(scheme - target.p) + sizeof(mark) - 1);
        size_t path = span_find(target, '/'), query = span_find(target, '?');
        target = span_from(target, path < query ? path : query);
    }
    size_t n = span_find(target, '?');
    request->path = n ? span_head(target, n) : SPAN_LIT("/");
    request->query = span_from(target, n + 1);
}

/* The method is the first word; empty lines before it are allowed (RFC 9112 2.2). */
static struct span method_name(struct span whole)
{
    while (whole.n && (whole.p[0] == '\r' || whole.p[0] == '\n'))
        whole = span_from(whole, 1);
    return span_head(whole, span_find(whole, ' '));
}

static void request_fill(const struct walk *w, struct http_request *request)
{
    struct http_framer *f = w->f;
    const http_parser *p = parser_of(f);
    *request = (struct http_request){
        .method = method_of(p->method),
        .method_name = method_name(w->in),
        .version_minor = p->http_minor ? 1 : 0,
        .keep_alive = http_should_keep_alive(p) != 0,
        .wants_upgrade = p->upgrade && p->method != HTTP_CONNECT,
        .expects_continue = f->expects_continue,
        .headers = w->headers,
        .header_count = f->header_count,
    };
    target_split(place_span(w, f->target), request);
}

int http_request_parse(struct span whole, struct arena *arena, struct http_request *ret_request)
{
    struct http_framer f;
    http_framer_init(&f, HTTP_HEAD_MAX, HTTP_BODY_MAX);
    struct walk w = {.f = &f, .in = whole};
    w.headers = arena_alloc(arena, HTTP_HEADERS_MAX * sizeof(*w.headers));
    if (!w.headers)
        return err_raise(ERR_NO_MEMORY);
    int rc = walk_head(&w);
    if (rc < 0)
        return err_raise(rc);
    struct http_request request;
    request_fill(&w, &request);
    request.body = span_from(whole, f.head_n);
    if (f.is_chunked && f.head_n) {
        w.body = arena_alloc(arena, request.body.n + 1);
        if (!w.body)
            return err_raise(ERR_NO_MEMORY);
        rc = walk_chunks(&w);
        if (rc < 0)
            return err_raise(rc);
        request.body = span_of(w.body, w.body_n);
    }
    if (f.total == 0 || f.total != whole.n)
        return err_raise(ERR_HTTP_INCOMPLETE);
    *ret_request = request;
    return 0;
}

struct span http_request_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (http_name_equal(request->headers[i].name, span_str(name)))
            return request->headers[i].value;
    return (struct span){0};
}

bool http_name_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0);
}

bool http_media_type_is(struct span content_type, const char *type)
{
    return http_name_equal(trim(span_head(content_type, span_find(content_type, ';'))),
                           span_str(type));
}
