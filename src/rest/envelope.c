/* flespi's envelope: {"result":[...],"errors":[...],"pagination":{...}}. Partial success is HTTP
 * 200 with both arrays; an answer with errors alone has the status of its first. Control shard. */
#include "rest/rest_internal.h"

#include <stdio.h>

/* flespi's numbers: 3 where access is refused (an unknown id too), 2 for all that cannot be
 * done. */
static int flespi_code(int err)
{
    int status = err_http_status(err);
    return status == 401 || status == 403 ? 3 : 2;
}

/* ---- result ---- */

static bool next_field(struct span *rest, struct span *ret)
{
    if (rest->n == 0)
        return false;
    size_t n = span_find(*rest, ',');
    *ret = span_head(*rest, n);
    *rest = span_from(*rest, n + 1);
    return true;
}

static json_t *project(const struct rest_call *call, const json_t *object)
{
    struct span rest = call->fields, name;
    json_t *part = json_object();
    while (next_field(&rest, &name)) {
        json_t *value = json_object_getn(object, (const char *)name.p, name.n);
        if (value)
            (void)json_object_setn(part, (const char *)name.p, name.n, value);
    }
    return part;
}

void rest_reply_add(struct rest_call *call, const json_t *object)
{
    json_t *shown =
        call->fields.n ? project(call, object) : json_incref((json_t *)(uintptr_t)object);
    (void)json_array_append_new(call->result, shown);
}

int rest_reply_check_fields(struct rest_call *call, const char *const *allowed)
{
    struct span rest = call->fields, name;
    while (next_field(&rest, &name)) {
        const char *const *known = allowed;
        while (*known && !span_equal(span_str(*known), name))
            known++;
        if (*known)
            continue;
        char field[64];
        (void)snprintf(field, sizeof(field), "%.*s", SPAN_FMT(span_head(name, sizeof(field) - 1)));
        return rest_reply_refuse(call, err_raise(ERR_REST_FIELDS), 0, field, NULL);
    }
    return 0;
}

void rest_reply_page(struct rest_call *call, uint64_t count, uint64_t *ret_first, uint64_t *ret_end)
{
    uint64_t first = call->offset < count ? call->offset : count;
    uint64_t shown = call->limit < count - first ? call->limit : count - first;
    *ret_first = first;
    *ret_end = first + shown;
    if (!call->has_page)
        return;
    call->pagination =
        json_pack("{s:I, s:I}", "offset", (json_int_t)call->offset, "count", (json_int_t)count);
    if (call->limit != UINT64_MAX)
        (void)json_object_set_new(call->pagination, "limit", json_integer((json_int_t)call->limit));
}

/* ---- errors ---- */

int rest_reply_refuse(struct rest_call *call, int err, uint64_t id, const char *field,
                      const char *reason)
{
    /* The parser quotes what it did not understand, which need not be UTF-8. */
    json_t *text = reason ? json_string(reason) : NULL;
    json_t *error = json_pack("{s:i, s:o}", "code", flespi_code(err), "reason",
                              text ? text : json_string(err_text(err)));
    if (id)
        (void)json_object_set_new(error, "id", json_integer((json_int_t)id));
    if (field && *field)
        (void)json_object_set_new(error, "field", json_string(field)); /* left out if not UTF-8 */
    (void)json_array_append_new(call->errors, error);
    if (!call->first_err)
        call->first_err = err;
    return err;
}

/* ---- the answer ---- */

static int append_text(const char *text, size_t n, void *body)
{
    buf_add(body, text, n);
    return ((struct buf *)body)->is_failed ? -1 : 0;
}

void rest_answer_refuse(struct rest_answer *answer, int err)
{
    buf_clear(&answer->body);
    answer->status = err_http_status(err);
    answer->content_type = "application/json";
    json_t *json = json_pack("{s:[], s:[{s:i, s:s}]}", "result", "errors", "code", flespi_code(err),
                             "reason", err_text(err));
    (void)json_dump_callback(json, append_text, &answer->body, JSON_COMPACT);
    json_decref(json);
}

void rest_reply_finish(struct rest_call *call)
{
    struct rest_answer *answer = call->answer;
    json_t *envelope = json_pack("{s:O}", "result", call->result);
    bool is_empty = json_array_size(call->result) == 0;
    if (json_array_size(call->errors) > 0)
        (void)json_object_set(envelope, "errors", call->errors);
    if (call->pagination)
        (void)json_object_set(envelope, "pagination", call->pagination);
    answer->status = call->first_err && is_empty ? err_http_status(call->first_err) : 200;
    answer->content_type = "application/json";
    int status = json_dump_callback(envelope, append_text, &answer->body, JSON_COMPACT);
    json_decref(envelope);
    if (answer->body.is_failed)
        rest_answer_refuse(answer, err_raise(ERR_REST_ANSWER_TOO_LARGE));
    else if (status != 0)
        rest_answer_refuse(answer, err_raise(ERR_NO_MEMORY));
}
