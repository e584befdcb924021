/* Pages without a token: what there is, and whether the hub lives. Control shard, so that an answer
 * of /health says that it turns. */
#include "rest/rest_internal.h"

static const char *const method_names[HTTP_METHOD_COUNT_] = {
    [HTTP_METHOD_GET] = "GET",     [HTTP_METHOD_POST] = "POST",     [HTTP_METHOD_PUT] = "PUT",
    [HTTP_METHOD_PATCH] = "PATCH", [HTTP_METHOD_DELETE] = "DELETE",
};

static const char *const access_notes[] = {
    [REST_OPEN] = "",
    [REST_FIGURES] = " (token, or as metrics-open says)",
    [REST_ANY] = " (token)",
    [REST_ITEMS] = " (token)",
};

static void get_index(struct rest_call *call)
{
    struct buf *body = &call->answer->body;
    size_t count;
    const struct rest_routes *const *tables = rest_all_routes(&count);
    buf_add_str(body, "trackwire: REST API in flespi's form. "
                      "Send the token as `Authorization: FlespiToken KEY`.\n\n");
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct rest_route *route = &tables[t]->routes[i];
            buf_addf(body, "%-6s %-34s %s%s\n", method_names[route->method], route->pattern,
                     route->info, access_notes[route->access]);
        }
    call->answer->status = 200;
    call->answer->content_type = "text/plain; charset=utf-8";
}

static void get_health(struct rest_call *call)
{
    call->answer->status = 200;
    call->answer->content_type = "application/json";
    buf_add_str(&call->answer->body, "{\"status\":\"ok\"}");
}

static void get_ready(struct rest_call *call)
{
    bool is_stopping = call->plane->is_stopping;
    call->answer->status = is_stopping ? 503 : 200;
    call->answer->content_type = "application/json";
    buf_addf(&call->answer->body, "{\"status\":\"%s\"}", is_stopping ? "stopping" : "ready");
}

static const struct rest_route routes[] = {
    {HTTP_METHOD_GET, "/", REST_OPEN, get_index, 0, "this page"},
    {HTTP_METHOD_GET, "/health", REST_OPEN, get_health, 0, "200 while the hub turns"},
    {HTTP_METHOD_GET, "/ready", REST_OPEN, get_ready, 0, "200 while it takes work"},
};
const struct rest_routes rest_page_routes = REST_ROUTES(routes);
