/* The WebSocket handshake: what a client must have said to leave HTTP, and what it is told then.
 * Knows no frames and not what will be spoken. */
#include "http/websocket.h"

#include "http/response.h"

#include <openssl/evp.h>

#define KEY_BYTES 16
#define SHA1_BYTES 20
/* RFC 6455 1.3. */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* Walks the comma-separated words of all headers of one name (RFC 9110 5.6.1). */
struct words {
    const struct http_request *request;
    struct span name;
    size_t header;    /* next one to look at */
    struct span rest; /* of the present one */
};

static struct words words_of(const struct http_request *request, const char *name)
{
    return (struct words){.request = request, .name = span_str(name)};
}

static struct span trim(struct span s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_from(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool words_next_header(struct words *w)
{
    while (w->header < w->request->header_count) {
        const struct http_header *h = &w->request->headers[w->header++];
        if (http_name_equal(h->name, w->name)) {
            w->rest = h->value;
            return true;
        }
    }
    return false;
}

/* False at the end. Empty words are passed over. */
static bool words_next(struct words *w, struct span *ret_word)
{
    for (;;) {
        if (w->rest.n == 0 && !words_next_header(w))
            return false;
        size_t n = span_find(w->rest, ',');
        struct span word = trim(span_head(w->rest, n));
        w->rest = span_from(w->rest, n + 1);
        if (word.n) {
            *ret_word = word;
            return true;
        }
    }
}

static bool has_word(const struct http_request *request, const char *name, struct span wanted)
{
    struct words w = words_of(request, name);
    struct span word;
    while (words_next(&w, &word))
        if (http_name_equal(word, wanted))
            return true;
    return false;
}

bool websocket_is_wanted(const struct http_request *request)
{
    return request->method == HTTP_METHOD_GET &&
           has_word(request, "connection", SPAN_LIT("upgrade")) &&
           has_word(request, "upgrade", SPAN_LIT("websocket"));
}

/* The one value of a header that may come once only. */
static int find_key(const struct http_request *request, struct span *ret_key)
{
    struct words w = words_of(request, "sec-websocket-key");
    if (!words_next_header(&w))
        return err_raise(ERR_WEBSOCKET_KEY_MISSING);
    *ret_key = w.rest;
    return words_next_header(&w) ? err_raise(ERR_WEBSOCKET_KEY_TWICE) : 0;
}

static int check_key(struct span key)
{
    uint8_t bytes[KEY_BYTES];
    int n = base64_decode(key, bytes, sizeof(bytes));
    return n == KEY_BYTES ? 0 : err_raise(ERR_WEBSOCKET_KEY);
}

/* RFC 6455 4.2.2: base64 of SHA-1 of the key, as it was sent, and the GUID. */
static int make_accept(struct span key, char out[WEBSOCKET_ACCEPT_LENGTH])
{
    uint8_t text[BASE64_LENGTH(KEY_BYTES) + sizeof(GUID) - 1], digest[SHA1_BYTES];
    memcpy(text, key.p, key.n);
    memcpy(text + key.n, GUID, sizeof(GUID) - 1);
    if (!EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha1(), NULL))
        return err_raise(ERR_WEBSOCKET_DIGEST);
    base64_encode(span_of(digest, sizeof(digest)), out);
    return 0;
}

static const char *known_subprotocol(const char *const *known, struct span word)
{
    for (; *known; known++)
        if (span_equal(span_str(*known), word))
            return *known;
    return NULL;
}

static int choose_subprotocol(const struct http_request *request, const char *const *known,
                              const char **ret)
{
    struct words w = words_of(request, "sec-websocket-protocol");
    struct span word;
    bool is_any_offered = false;
    *ret = NULL;
    while (!*ret && words_next(&w, &word)) {
        is_any_offered = true;
        *ret = known_subprotocol(known, word);
    }
    return is_any_offered && !*ret ? err_raise(ERR_WEBSOCKET_SUBPROTOCOL) : 0;
}

int websocket_handshake(const struct http_request *request, const char *const *subprotocols,
                        struct websocket_handshake *ret)
{
    struct websocket_handshake handshake;
    struct span key;
    if (request->version_minor == 0)
        return err_raise(ERR_WEBSOCKET_HTTP_1_0);
    struct span version = http_request_header(request, "sec-websocket-version");
    if (!span_equal(version, SPAN_LIT(WEBSOCKET_VERSION_TEXT)))
        return err_raise(ERR_WEBSOCKET_VERSION);
    int err = find_key(request, &key);
    if (err == 0)
        err = check_key(key);
    if (err == 0)
        err = choose_subprotocol(request, subprotocols, &handshake.subprotocol);
    if (err == 0)
        err = make_accept(key, handshake.accept);
    if (err == 0)
        *ret = handshake;
    return err;
}

int websocket_write_answer(const struct websocket_handshake *handshake, struct buf *out)
{
    struct http_header headers[] = {
        {SPAN_LIT("Upgrade"), SPAN_LIT("websocket")},
        {SPAN_LIT("Connection"), SPAN_LIT("Upgrade")},
        {SPAN_LIT("Sec-WebSocket-Accept"), span_of(handshake->accept, WEBSOCKET_ACCEPT_LENGTH)},
        {{0}, {0}},
    };
    struct http_response response = {
        .status = 101, .keep_alive = true, .headers = headers, .header_count = 3};
    if (handshake->subprotocol)
        headers[response.header_count++] = (struct http_header){SPAN_LIT("Sec-WebSocket-Protocol"),
                                                                span_str(handshake->subprotocol)};
    return http_response_write_head(&response, 0, out);
}
