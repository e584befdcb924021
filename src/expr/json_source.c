/* JSON as a source of names. Stands between jansson and the machine; knows no expression. */
#include "expr/json_source.h"

#include "expr/expr_internal.h"

/* Bytes of `name` before its last dot, 0 when there is none. */
static size_t shorten(struct span name)
{
    size_t n = name.n;
    while (n > 0 && name.p[n - 1] != '.')
        n--;
    return n ? n - 1 : 0;
}

/* The longest part of `name`, ending before a dot or with it, that is a member. */
static json_t *longest_member(const json_t *object, struct span name, size_t *ret_n)
{
    for (size_t n = name.n; n > 0; n = shorten(span_head(name, n))) {
        json_t *member = json_object_getn(object, (const char *)name.p, n);
        if (member) {
            *ret_n = n;
            return member;
        }
    }
    return NULL;
}

static json_t *element(const json_t *array, struct span name, size_t *ret_n)
{
    size_t n = span_find(name, '.'), index = 0;
    if (n == 0 || n > 6)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (name.p[i] < '0' || name.p[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(name.p[i] - '0');
    }
    *ret_n = n;
    return json_array_get(array, index);
}

static struct expr_value value_of(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_STRING:
        return expr_text(span_of(json_string_value(json), json_string_length(json)));
    case JSON_INTEGER:
    case JSON_REAL:
        return expr_number(json_number_value(json));
    case JSON_TRUE:
        return expr_boolean(true);
    case JSON_FALSE:
        return expr_boolean(false);
    case JSON_NULL:
        return (struct expr_value){.type = EXPR_NULL};
    default:
        return (struct expr_value){.type = EXPR_JSON};
    }
}

int expr_json_find(const json_t *json, struct span name, struct expr_value *ret_value)
{
    for (size_t n = 0; name.n > 0; name = span_from(name, n + 1)) {
        json = json_is_array(json) ? element(json, name, &n) : longest_member(json, name, &n);
        if (!json)
            return 0;
        if (n == name.n) {
            *ret_value = value_of(json);
            return 1;
        }
    }
    return 0;
}

static int find_in_json(void *context, struct span name, struct expr_value *ret_value)
{
    return expr_json_find(context, name, ret_value);
}

struct expr_source expr_json_source(const json_t *object)
{
    return (struct expr_source){find_in_json, (void *)(uintptr_t)object};
}

/* A value alone is JSON as well: it has no members, and is no reason for an error. */
static int parse(struct expr_payload *payload)
{
    if (payload->bytes.n > EXPR_PAYLOAD_MAX)
        return ERR_EXPR_PAYLOAD_LONG;
    payload->json =
        json_loadb((const char *)payload->bytes.p, payload->bytes.n, JSON_DECODE_ANY, NULL);
    return payload->json ? 0 : ERR_EXPR_PAYLOAD_JSON;
}

int expr_payload_find(struct expr_payload *payload, struct span name, struct expr_value *ret_value)
{
    if (!payload->is_parsed) {
        payload->rc = parse(payload);
        payload->is_parsed = true;
    }
    return payload->rc < 0 ? payload->rc : expr_json_find(payload->json, name, ret_value);
}

static int find_in_payload(void *context, struct span name, struct expr_value *ret_value)
{
    return expr_payload_find(context, name, ret_value);
}

struct expr_source expr_payload_source(struct expr_payload *payload)
{
    return (struct expr_source){find_in_payload, payload};
}

void expr_payload_fini(struct expr_payload *payload)
{
    json_decref(payload->json);
    *payload = (struct expr_payload){.bytes = payload->bytes};
}
