/* What a request says beyond its path: its JSON body, and the parameters of its query. Control
 * shard. Knows no resource. */
#include "http/query.h"
#include "rest/rest_internal.h"

#include <stdio.h>

/* Says where the mistake is; the parser's own words come last. */
static int refuse_json(struct rest_call *call, const char *what, const json_error_t *error)
{
    char reason[256];
    (void)snprintf(reason, sizeof(reason), "malformed JSON in %s at line %d, column %d: %s", what,
                   error->line, error->column, error->text);
    return rest_reply_refuse(call, err_raise(ERR_REST_JSON), 0, NULL, reason);
}

int rest_call_body(struct rest_call *call, const json_t **ret_body)
{
    struct span text = call->request->body;
    json_error_t error;
    if (text.n == 0)
        return rest_reply_refuse(call, err_raise(ERR_REST_BODY_MISSING), 0, NULL, NULL);
    call->body = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (!call->body)
        return refuse_json(call, "the body", &error);
    *ret_body = call->body;
    return 0;
}

/* ---- parameters ---- */

static int parse_number(struct span text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text.n == 0 || text.n > 18)
        return err_raise(ERR_REST_PAGE);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return err_raise(ERR_REST_PAGE);
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    *ret = value;
    return 0;
}

static int read_number(struct rest_call *call, const char *name, const json_t *data, uint64_t *ret)
{
    struct span text = {0};
    const json_t *given = json_object_get(data, name);
    int found = http_query_find(call->request->query, name, call->arena, &text);
    int err = found < 0 ? found : 0;
    if (found > 0)
        err = parse_number(text, ret);
    else if (given && (!json_is_integer(given) || json_integer_value(given) < 0))
        err = err_raise(ERR_REST_PAGE);
    else if (given)
        *ret = (uint64_t)json_integer_value(given);
    call->has_page = call->has_page || found > 0 || given;
    return err < 0 ? rest_reply_refuse(call, err, 0, name, NULL) : 0;
}

static int read_fields(struct rest_call *call, const json_t *data)
{
    const json_t *given = json_object_get(data, "fields");
    int err = http_query_find(call->request->query, "fields", call->arena, &call->fields);
    if (err == 0 && json_is_string(given)) {
        call->fields = arena_copy(call->arena, span_str(json_string_value(given)));
        err = call->fields.p ? 0 : err_raise(ERR_NO_MEMORY);
    }
    return err < 0 ? rest_reply_refuse(call, err, 0, "fields", NULL) : 0;
}

static int read_data(struct rest_call *call, json_t **ret_data)
{
    struct span text = {0};
    json_error_t error;
    int err = http_query_find(call->request->query, "data", call->arena, &text);
    if (err < 0)
        return rest_reply_refuse(call, err, 0, "data", NULL);
    if (err == 0 || text.n == 0)
        return 0;
    json_t *data = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (!data)
        return refuse_json(call, "data", &error);
    if (!json_is_object(data)) {
        json_decref(data);
        return rest_reply_refuse(call, err_raise(ERR_REST_DATA), 0, "data", NULL);
    }
    *ret_data = data;
    return 0;
}

int rest_call_parameters(struct rest_call *call)
{
    json_t *data = NULL;
    int err = read_data(call, &data);
    if (err >= 0)
        err = read_fields(call, data);
    if (err >= 0)
        err = read_number(call, "limit", data, &call->limit);
    if (err >= 0)
        err = read_number(call, "offset", data, &call->offset);
    json_decref(data);
    return err;
}
