/* Who asks, and on what they may act; and GET /auth/info. Control shard. */
#include "rest/rest_internal.h"

static int check_cid(const struct rest_call *call)
{
    struct span given = http_request_header(call->request, "x-flespi-cid");
    uint64_t cid = 0;
    if (!given.p)
        return 0;
    for (size_t i = 0; i < given.n && i < 18; i++) {
        if (given.p[i] < '0' || given.p[i] > '9')
            return err_raise(ERR_REST_CID);
        cid = cid * 10 + (uint64_t)(given.p[i] - '0');
    }
    return cid == call->login.account->id ? 0 : err_raise(ERR_REST_CID);
}

static bool is_host_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':';
}

/* The name in the Host header without its port; it comes back to nobody but its sender. */
static const char *host_of(const struct rest_call *call)
{
    struct span host = http_request_header(call->request, "host");
    if (host.n && host.p[0] == '[') {
        host = span_from(host, 1);
        host = span_head(host, span_find(host, ']'));
    } else {
        host = span_head(host, span_find(host, ':'));
    }
    bool is_good = host.n > 0 && host.n <= 255;
    for (size_t i = 0; i < host.n && is_good; i++)
        is_good = is_host_character(host.p[i]);
    char *text = is_good ? arena_alloc(call->arena, host.n + 1) : NULL;
    if (!text)
        return "localhost";
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return text;
}

/* Who asks from this machine need not have been there: a proxy asks for others. Those that tell are
 * believed; one that does not must be told by `metrics-open = none`. */
static bool is_forwarded(const struct rest_call *call)
{
    static const char *const names[] = {"forwarded", "x-forwarded-for", "x-real-ip", "via"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (http_request_header(call->request, names[i]).p)
            return true;
    }
    return false;
}

static bool is_open_figures(const struct rest_call *call)
{
    enum rest_figures figures = call->plane->figures;
    if (call->route->access != REST_FIGURES || figures == REST_FIGURES_TOKEN)
        return false;
    return figures == REST_FIGURES_OPEN || (call->asker.is_local && !is_forwarded(call));
}

int rest_authorize(struct rest_call *call)
{
    const struct rest_plane *plane = call->plane;
    if (call->route->access == REST_OPEN || is_open_figures(call))
        return 0;
    struct span key = http_request_header(call->request, "authorization");
    int err = 0;
    if (call->asker.login)
        call->login = *call->asker.login;
    else
        err = account_login_key(plane->accounts, key, call->now_s, &call->login);
    if (err >= 0)
        err = check_cid(call);
    if (err < 0)
        return err;
    bool is_for_items = call->route->access == REST_ITEMS || call->route->access == REST_FIGURES;
    if (is_for_items && call->login.access == TOKEN_ACL)
        return err_raise(ERR_REST_ACL);
    call->caller.account = call->login.account;
    call->caller.host = plane->public_host ? plane->public_host : host_of(call);
    return 0;
}

static void get_info(struct rest_call *call)
{
    json_t *info = json_pack("{s:I, s:I, s:b, s:{s:i}}", "id", (json_int_t)call->login.token_id,
                             "cid", (json_int_t)call->login.account->id, "enabled", 1, "access",
                             "type", (int)call->login.access);
    rest_reply_add(call, info);
    json_decref(info);
}

static const struct rest_route routes[] = {
    {HTTP_METHOD_GET, "/auth/info", REST_ANY, get_info, 0, "the token of this request"},
};
const struct rest_routes rest_auth_routes = REST_ROUTES(routes);
