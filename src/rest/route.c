/* From method and path to a handler: one table for each resource, walked in order. Pure. */
#include "http/query.h"
#include "rest/rest_internal.h"

static const struct rest_routes *const tables[] = {
    &rest_page_routes,   &rest_auth_routes,     &rest_channel_routes,
    &rest_device_routes, &rest_protocol_routes, &rest_metrics_routes,
};

const struct rest_routes *const *rest_all_routes(size_t *ret_count)
{
    *ret_count = sizeof(tables) / sizeof(tables[0]);
    return tables;
}

/* Cuts the next part off a path of the form "/part/part"; false at its end. */
static bool next_part(struct span *path, struct span *ret_part)
{
    if (path->n == 0)
        return false;
    *path = span_from(*path, 1);
    *ret_part = span_head(*path, span_find(*path, '/'));
    *path = span_from(*path, ret_part->n);
    return true;
}

/* The selectors are told still encoded. */
static bool path_matches(struct span pattern, struct span path, struct span *selectors)
{
    struct span wanted, part;
    size_t count = 0;
    while (next_part(&pattern, &wanted)) {
        if (!next_part(&path, &part))
            return false;
        bool is_selector = wanted.n && wanted.p[0] == '{';
        if (is_selector ? part.n == 0 || count == REST_SELECTORS_MAX : !span_equal(wanted, part))
            return false;
        if (is_selector)
            selectors[count++] = part;
    }
    return path.n == 0;
}

static int decode_selectors(struct rest_call *call)
{
    for (size_t i = 0; i < REST_SELECTORS_MAX; i++) {
        int err = http_percent_decode(call->selectors[i], HTTP_PLUS_KEEP, call->arena,
                                      &call->selectors[i]);
        if (err < 0)
            return err;
    }
    return 0;
}

/* A handler of GET answers HEAD too. */
static bool method_fits(enum http_request_method route, enum http_request_method asked)
{
    return route == asked || (route == HTTP_METHOD_GET && asked == HTTP_METHOD_HEAD);
}

int rest_route_find(struct rest_call *call, unsigned *ret_allow)
{
    struct span path = call->request->path;
    unsigned allow = 0;
    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct rest_route *route = &tables[t]->routes[i];
            struct span selectors[REST_SELECTORS_MAX] = {0};
            if (!path_matches(span_str(route->pattern), path, selectors))
                continue;
            allow |= 1u << route->method;
            if (!method_fits(route->method, call->request->method))
                continue;
            call->route = route;
            memcpy(call->selectors, selectors, sizeof(selectors));
            return decode_selectors(call);
        }
    }
    *ret_allow = allow;
    return err_raise(allow ? ERR_REST_METHOD : ERR_REST_PATH);
}
