/* Walks over tables of fields: checking what came from outside, filling objects, telling schemas.
 * Pure. Knows no channel and no device. */
#include "hub/fields.h"

#include "hub/refusal.h"

#include <inttypes.h>
#include <stdio.h>

#define PATH_BYTES 64

static const struct field_rule *find_rule(const struct field_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->rules[i].name, name) == 0)
            return &rules->rules[i];
    return NULL;
}

static void join_path(char *path, const char *prefix, const char *name)
{
    (void)snprintf(path, PATH_BYTES, "%s%s%s", prefix, *prefix ? "." : "", name);
}

/* ---- checking one value ---- */

static int check_text(const struct field_rule *rule, const json_t *value, const char *path,
                      struct hub_refusal *why)
{
    if (!json_is_string(value))
        return hub_refuse(why, ERR_HUB_FIELD_TEXT, path);
    int64_t n = (int64_t)json_string_length(value);
    if (!rule->choice) {
        if (n >= rule->min && n <= rule->max)
            return 0;
        return hub_refuse_because(why, ERR_HUB_FIELD_LENGTH, path,
                                  "field must have %" PRId64 " to %" PRId64 " bytes", rule->min,
                                  rule->max);
    }
    for (const char *const *choice = rule->choice; *choice; choice++)
        if (strcmp(*choice, json_string_value(value)) == 0)
            return 0;
    return hub_refuse(why, ERR_HUB_FIELD_CHOICE, path);
}

static int check_integer(const struct field_rule *rule, const json_t *value, const char *path,
                         struct hub_refusal *why)
{
    if (!json_is_integer(value))
        return hub_refuse(why, ERR_HUB_FIELD_INTEGER, path);
    int64_t number = json_integer_value(value);
    if (number >= rule->min && number <= rule->max)
        return 0;
    return hub_refuse_because(why, ERR_HUB_FIELD_RANGE, path,
                              "field must be from %" PRId64 " to %" PRId64, rule->min, rule->max);
}

static int check_type(const struct field_rule *rule, const json_t *value, const char *path,
                      struct hub_refusal *why)
{
    switch (rule->type) {
    case FIELD_TEXT:
        return check_text(rule, value, path, why);
    case FIELD_INTEGER:
        return check_integer(rule, value, path, why);
    case FIELD_BOOLEAN:
        return json_is_boolean(value) ? 0 : hub_refuse(why, ERR_HUB_FIELD_BOOLEAN, path);
    case FIELD_OBJECT:
        return json_is_object(value) ? 0 : hub_refuse(why, ERR_HUB_FIELD_OBJECT, path);
    case FIELD_ANY:
        break;
    }
    return 0;
}

/* ---- checking a body ---- */

/* `old` is NULL for an object that is being made. Recurses once for each level of the table. */
static int check_members(const struct field_rules *rules, const json_t *body, const json_t *old,
                         const char *prefix, struct hub_refusal *why);

static int check_member(const struct field_rule *rule, const json_t *value, const json_t *old,
                        const char *path, struct hub_refusal *why)
{
    if (old && rule->flags & FIELD_FIXED)
        return json_equal(value, json_object_get(old, rule->name))
                   ? 0
                   : hub_refuse(why, ERR_HUB_FIELD_FIXED, path);
    if (json_is_null(value) && !(rule->flags & FIELD_REQUIRED))
        return 0;
    int err = check_type(rule, value, path, why);
    if (err >= 0 && rule->check)
        err = rule->check(value, path, why);
    /* An inner object is replaced as a whole, so that it is checked as a new one. */
    if (err >= 0 && rule->inner)
        err = check_members(rule->inner, value, NULL, path, why);
    return err;
}

static int check_members(const struct field_rules *rules, const json_t *body, const json_t *old,
                         const char *prefix, struct hub_refusal *why)
{
    char path[PATH_BYTES];
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        const struct field_rule *rule = find_rule(rules, name);
        join_path(path, prefix, name);
        if (!rule || rule->flags & FIELD_DERIVED)
            return hub_refuse(why, ERR_HUB_FIELD_UNKNOWN, path);
        int err = check_member(rule, value, old, path, why);
        if (err < 0)
            return err;
    }
    for (size_t i = 0; i < rules->count && !old; i++) {
        const struct field_rule *rule = &rules->rules[i];
        join_path(path, prefix, rule->name);
        if (rule->flags & FIELD_REQUIRED && !json_object_get(body, rule->name))
            return hub_refuse(why, ERR_HUB_FIELD_MISSING, path);
    }
    return 0;
}

int fields_check(const struct field_rules *rules, const json_t *body, const json_t *old,
                 struct hub_refusal *why)
{
    return json_is_object(body) ? check_members(rules, body, old, "", why)
                                : hub_refuse(why, ERR_HUB_ITEM, NULL);
}

/* ---- filling ---- */

int fields_fill(const struct field_rules *rules, const json_t *body, json_t *object,
                struct hub_refusal *why)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct field_rule *rule = &rules->rules[i];
        json_t *given = json_object_get(body, rule->name);
        bool is_kept = !given && json_object_get(object, rule->name);
        int status = 0;
        if (given && !json_is_null(given))
            status = json_object_set_new(object, rule->name, json_deep_copy(given));
        else if (rule->standard && !is_kept)
            status = json_object_set_new(object, rule->name,
                                         json_loads(rule->standard, JSON_DECODE_ANY, NULL));
        else if (given)
            (void)json_object_del(object, rule->name);
        if (status != 0)
            return hub_refuse(why, ERR_NO_MEMORY, NULL);
    }
    return 0;
}

static json_t *merge_member(const json_t *old, json_t *patch)
{
    json_t *merged = json_deep_copy(old);
    const char *name;
    json_t *value;
    void *next;
    if (!merged || json_object_update_recursive(merged, patch) != 0) {
        json_decref(merged);
        return NULL;
    }
    json_object_foreach_safe(merged, next, name, value)
    {
        if (json_is_null(value))
            (void)json_object_del(merged, name);
    }
    return merged;
}

json_t *fields_merge(const json_t *old, const json_t *patch)
{
    json_t *result = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)patch, name, value)
    {
        json_t *before = json_object_get(old, name);
        bool is_merged = json_is_object(before) && json_is_object(value);
        json_t *after = is_merged ? merge_member(before, value) : json_deep_copy(value);
        if (json_object_set_new(result, name, after) != 0) {
            json_decref(result);
            return NULL;
        }
    }
    return result;
}

/* ---- the schema ---- */

static const char *const type_names[] = {
    [FIELD_TEXT] = "string",
    [FIELD_INTEGER] = "integer",
    [FIELD_BOOLEAN] = "boolean",
    [FIELD_OBJECT] = "object",
};

static json_t *choice_array(const char *const *choice)
{
    json_t *array = json_array();
    for (; *choice; choice++)
        (void)json_array_append_new(array, json_string(*choice));
    return array;
}

static json_t *rule_schema(const struct field_rule *rule)
{
    json_t *schema = rule->inner ? fields_schema(rule->inner) : json_object();
    bool is_text = rule->type == FIELD_TEXT;
    if (rule->type != FIELD_ANY)
        (void)json_object_set_new(schema, "type", json_string(type_names[rule->type]));
    if (rule->info)
        (void)json_object_set_new(schema, "description", json_string(rule->info));
    if (rule->choice)
        (void)json_object_set_new(schema, "enum", choice_array(rule->choice));
    if (rule->max && !rule->choice) {
        (void)json_object_set_new(schema, is_text ? "minLength" : "minimum",
                                  json_integer(rule->min));
        (void)json_object_set_new(schema, is_text ? "maxLength" : "maximum",
                                  json_integer(rule->max));
    }
    if (rule->standard)
        (void)json_object_set_new(schema, "default",
                                  json_loads(rule->standard, JSON_DECODE_ANY, NULL));
    return schema;
}

json_t *fields_schema(const struct field_rules *rules)
{
    json_t *properties = json_object(), *required = json_array();
    for (size_t i = 0; i < rules->count; i++) {
        const struct field_rule *rule = &rules->rules[i];
        (void)json_object_set_new(properties, rule->name, rule_schema(rule));
        if (rule->flags & FIELD_REQUIRED)
            (void)json_array_append_new(required, json_string(rule->name));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", 0);
}
