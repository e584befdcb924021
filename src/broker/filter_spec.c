/* Conditions of $filter. */
#include "broker/filter_spec.h"

#include "base/arena.h"
#include "http/query.h"

#define CONDITIONS_MAX 16
#define DIGITS_MAX 15

enum condition_kind {
    CONDITION_PAYLOAD,
    CONDITION_MESSAGE,
    CONDITION_CID,
    CONDITION_SINCE,
    CONDITION_COUNT_
};

struct condition {
    enum condition_kind kind;
    struct expr *expr; /* of payload and message */
    uint64_t number;   /* the account, or microseconds since 1970 */
};

struct filter_spec {
    size_t count;
    struct condition conditions[CONDITIONS_MAX];
};

static const struct {
    struct span prefix;
    enum condition_kind kind;
} kinds[] = {
    {{(const uint8_t *)"payload=", 8}, CONDITION_PAYLOAD},
    {{(const uint8_t *)"message=", 8}, CONDITION_MESSAGE},
    {{(const uint8_t *)"cid=", 4}, CONDITION_CID},
    {{(const uint8_t *)"modified_since>", 15}, CONDITION_SINCE},
};

/* A decimal number; with `scale` digits behind the point, cut or filled up. */
static int parse_number(struct span text, unsigned scale, uint64_t *ret)
{
    size_t point = span_find(text, '.');
    struct span whole = span_head(text, point), part = span_from(text, point + 1);
    if (!whole.n || whole.n > DIGITS_MAX || (part.n && !scale))
        return err_raise(ERR_FILTER_SPEC_NUMBER);
    uint64_t value = 0;
    for (size_t i = 0; i < whole.n + scale; i++) {
        uint8_t c = i < whole.n            ? whole.p[i]
                    : i - whole.n < part.n ? part.p[i - whole.n]
                                           : (uint8_t)'0';
        if (c < '0' || c > '9')
            return err_raise(ERR_FILTER_SPEC_NUMBER);
        value = value * 10 + (uint64_t)(c - '0');
    }
    *ret = value;
    return 0;
}

static int parse_value(struct condition *c, struct span value)
{
    size_t column;
    if (c->kind == CONDITION_CID)
        return parse_number(value, 0, &c->number);
    if (c->kind == CONDITION_SINCE)
        return parse_number(value, 6, &c->number);
    return expr_compile(value, &c->expr, &column);
}

static int parse_condition(struct span text, struct arena *arena, struct condition *c)
{
    struct span decoded;
    int err = http_percent_decode(text, HTTP_PLUS_KEEP, arena, &decoded);
    if (err < 0)
        return err;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!span_starts(decoded, kinds[i].prefix))
            continue;
        c->kind = kinds[i].kind;
        return parse_value(c, span_from(decoded, kinds[i].prefix.n));
    }
    return err_raise(ERR_FILTER_SPEC_CONDITION);
}

int filter_spec_parse(struct span text, struct filter_spec **ret)
{
    struct filter_spec *spec = mem_zalloc(MEM_INDEX, sizeof(*spec));
    if (!spec)
        return ERR_NO_MEMORY;
    struct arena arena = arena_make(MEM_INDEX, UINT16_MAX);
    int err = 0;
    while (err == 0) {
        size_t n = span_find(text, '&');
        if (spec->count == CONDITIONS_MAX) {
            err = err_raise(ERR_FILTER_SPEC_COUNT);
            break;
        }
        err = parse_condition(span_head(text, n), &arena, &spec->conditions[spec->count++]);
        if (n == text.n)
            break;
        text = span_from(text, n + 1);
    }
    arena_fini(&arena);
    if (err < 0)
        filter_spec_free(&spec);
    else
        *ret = spec;
    return err;
}

void filter_spec_free(struct filter_spec **spec)
{
    for (size_t i = 0; *spec && i < (*spec)->count; i++)
        expr_free(&(*spec)->conditions[i].expr);
    mem_free(MEM_INDEX, *spec);
    *spec = NULL;
}

static int find_property(void *context, struct span name, struct span *ret_value)
{
    const struct filter_subject *s = context;
    struct span rest = s->p->properties;
    struct mqtt_user_property user;
    while (mqtt_user_property_next(&rest, &user)) {
        if (name.n && !span_equal(user.name, name))
            continue;
        *ret_value = user.value;
        return 1;
    }
    return 0;
}

void filter_subject_init(struct filter_subject *s, const struct publication *p, uint64_t cid)
{
    s->p = p;
    s->payload = expr_payload_of(p->payload);
    s->publication = (struct expr_publication){
        .topic = p->topic,
        .cid = cid,
        .timestamp_s = (double)p->born_us / 1e6,
        .payload = &s->payload,
        .user_property = find_property,
        .context = s,
    };
}

void filter_subject_fini(struct filter_subject *s)
{
    expr_payload_fini(&s->payload);
}

bool filter_spec_matches(const struct filter_spec *spec, struct filter_subject *s)
{
    bool is_match = true;
    for (size_t i = 0; is_match && i < spec->count; i++) {
        const struct condition *c = &spec->conditions[i];
        struct expr_source source = c->kind == CONDITION_MESSAGE
                                        ? expr_publication_source(&s->publication)
                                        : expr_payload_source(&s->payload);
        if (c->kind == CONDITION_CID)
            is_match = s->publication.cid == c->number;
        else if (c->kind == CONDITION_SINCE)
            is_match = s->p->born_us > (int64_t)c->number;
        else
            is_match = expr_is_true(c->expr, &source);
    }
    return is_match;
}
