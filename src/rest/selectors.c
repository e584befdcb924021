/* Selectors in paths: parsing, and matching against an item's JSON. Pure. Knows no kind of item. */
#include "rest/selectors.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- parsing ---- */

/* Cuts the first part off at a comma. */
static struct span cut(struct span *rest)
{
    size_t n = span_find(*rest, ',');
    struct span part = span_head(*rest, n);
    *rest = span_from(*rest, n + 1);
    return part;
}

static size_t count_parts(struct span text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] == ',';
    return count;
}

static int parse_id(struct span text, uint64_t *ret)
{
    uint64_t id = 0;
    if (text.n == 0 || text.n > 18)
        return err_raise(ERR_REST_SELECTOR_ID);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return err_raise(ERR_REST_SELECTOR_ID);
        id = id * 10 + (uint64_t)(text.p[i] - '0');
    }
    *ret = id;
    return 0;
}

static int parse_ids(struct span text, struct arena *arena, struct selector *ret)
{
    size_t count = count_parts(text);
    uint64_t *ids = arena_alloc(arena, count * sizeof(*ids));
    if (!ids)
        return err_raise(ERR_NO_MEMORY);
    for (size_t i = 0; i < count; i++) {
        int err = parse_id(cut(&text), &ids[i]);
        if (err < 0)
            return err;
    }
    *ret = (struct selector){.kind = SELECT_IDS, .ids = ids, .count = count};
    return 0;
}

static int parse_filters(struct span text, struct arena *arena, struct selector *ret)
{
    size_t count = count_parts(text);
    struct selector_filter *filters = arena_alloc(arena, count * sizeof(*filters));
    if (!filters)
        return err_raise(ERR_NO_MEMORY);
    for (size_t i = 0; i < count; i++) {
        struct span part = cut(&text);
        size_t equals = span_find(part, '=');
        if (equals == 0 || equals == part.n)
            return err_raise(ERR_REST_SELECTOR);
        filters[i] = (struct selector_filter){span_head(part, equals), span_from(part, equals + 1)};
    }
    *ret = (struct selector){.kind = SELECT_FIELDS, .filters = filters, .count = count};
    return 0;
}

int selector_parse(struct span text, struct arena *arena, struct selector *ret)
{
    if (text.n == 0 || span_equal(text, SPAN_LIT("all"))) {
        *ret = (struct selector){.kind = SELECT_ALL};
        return 0;
    }
    if (span_starts(text, SPAN_LIT("{")))
        return err_raise(ERR_REST_SELECTOR_EXPRESSION);
    if (span_find(text, '=') < text.n)
        return parse_filters(text, arena, ret);
    if (text.n && text.p[0] >= '0' && text.p[0] <= '9')
        return parse_ids(text, arena, ret);
    return err_raise(ERR_REST_SELECTOR);
}

/* ---- matching ---- */

bool selector_fits(struct span pattern, struct span text)
{
    /* After a mismatch the last star swallows one character more: at most pattern.n * text.n
     * steps. */
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

/* The value under a dotted path; a member whose own name is dotted comes first. */
static const json_t *find(const json_t *object, struct span path)
{
    while (json_is_object(object)) {
        const json_t *whole = json_object_getn(object, (const char *)path.p, path.n);
        size_t dot = span_find(path, '.');
        if (whole || dot == path.n)
            return whole;
        object = json_object_getn(object, (const char *)path.p, dot);
        path = span_from(path, dot + 1);
    }
    return NULL;
}

static bool value_fits(struct span pattern, const json_t *value)
{
    char text[32];
    if (json_is_string(value))
        return selector_fits(pattern, span_of(json_string_value(value), json_string_length(value)));
    if (json_is_boolean(value))
        return selector_fits(pattern, span_str(json_is_true(value) ? "true" : "false"));
    if (json_is_integer(value))
        (void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(text, sizeof(text), "%.15g", json_real_value(value));
    else
        return false;
    return selector_fits(pattern, span_str(text));
}

static bool has_id(const struct selector *selector, uint64_t id)
{
    for (size_t i = 0; i < selector->count; i++)
        if (selector->ids[i] == id)
            return true;
    return false;
}

bool selector_matches(const struct selector *selector, const json_t *object)
{
    if (selector->kind == SELECT_ALL)
        return true;
    if (selector->kind == SELECT_IDS)
        return has_id(selector, (uint64_t)json_integer_value(json_object_get(object, "id")));
    for (size_t i = 0; i < selector->count; i++)
        if (!value_fits(selector->filters[i].pattern, find(object, selector->filters[i].path)))
            return false;
    return true;
}
