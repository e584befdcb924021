/* Fuzz target of the expression language. The bytes are an expression, a zero byte, and a payload
 * for it. What compiles must run without a fault over any source, give the same twice, and keep its
 * limits; the wildcard matcher must agree with a naive one. */
#include "base/mem.h"
#include "expr/expr_internal.h"
#include "expr/publication.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        __builtin_trap();
}

static bool is_same(const struct expr_value *a, const struct expr_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case EXPR_BOOLEAN:
        return a->is_true == b->is_true;
    case EXPR_NUMBER:
        return a->number == b->number;
    case EXPR_TEXT:
        return span_equal(a->text, b->text);
    default:
        return true;
    }
}

static void check_eval(const struct expr *e, size_t text_n, const struct expr_source *source)
{
    struct expr_result first, second;
    memset(&first, 0xA5, sizeof(first));
    int rc = expr_eval(e, source, &first);
    check(expr_eval(e, source, &second) == rc);
    check(rc <= 0 && first.scratch_used <= EXPR_SCRATCH_MAX);
    if (rc < 0) {
        check(first.column >= 1 && first.column <= text_n + 1);
        check(!expr_is_true(e, source));
        return;
    }
    check(first.value.type < EXPR_TYPE_COUNT_ && is_same(&first.value, &second.value));
    check(first.value.type != EXPR_NUMBER || first.value.number - first.value.number == 0);
    check(expr_is_true(e, source) == expr_value_is_true(&first.value));
}

static int find_nothing(void *context, struct span name, struct expr_value *ret_value)
{
    (void)context;
    (void)ret_value;
    check(name.n > 0 && name.n <= EXPR_NAME_MAX);
    return 0;
}

/* Everything is there, its type drawn from the name. */
static int find_all(void *context, struct span name, struct expr_value *ret_value)
{
    const struct span *payload = context;
    const struct expr_value values[] = {
        {.type = EXPR_NULL}, expr_boolean(true),        expr_number(-1.5),   expr_number(1e300),
        expr_text(*payload), expr_text(SPAN_LIT("12")), {.type = EXPR_JSON},
    };
    *ret_value = values[name.p[0] % (sizeof(values) / sizeof(values[0]))];
    return 1;
}

static int find_property(void *context, struct span name, struct span *ret_value)
{
    *ret_value = *(struct span *)context;
    return name.n % 2 == 0;
}

static void check_sources(const struct expr *e, size_t text_n, struct span bytes)
{
    struct expr_payload payload = expr_payload_of(bytes);
    struct expr_publication publication = {bytes, 7, 1.5, &payload, find_property, &bytes};
    const struct expr_source sources[] = {
        {find_nothing, NULL},
        {find_all, &bytes},
        expr_payload_source(&payload),
        expr_publication_source(&publication),
    };
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        check_eval(e, text_n, &sources[i]);
    expr_payload_fini(&payload);
}

/* Bytes only, by the definition: short inputs, since it is exponential. */
static bool naive_match(struct span p, struct span t)
{
    if (p.n == 0)
        return t.n == 0;
    if (p.p[0] == '*')
        return naive_match(span_from(p, 1), t) || (t.n && naive_match(p, span_from(t, 1)));
    if (t.n == 0)
        return false;
    if (p.p[0] == '?')
        return naive_match(span_from(p, 1), span_from(t, 1));
    size_t literal = p.p[0] == '\\' && p.n > 1;
    return p.p[literal] == t.p[0] && naive_match(span_from(p, literal + 1), span_from(t, 1));
}

static bool is_ascii(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] >= 0x80)
            return false;
    }
    return true;
}

static void check_wildcard(struct span pattern, struct span text)
{
    size_t steps = EXPR_MATCH_STEPS_MAX;
    int fits = expr_wildcard_match(pattern, text, &steps);
    check(fits == 0 || fits == 1 || steps == 0);
    if (pattern.n <= 10 && text.n <= 12 && is_ascii(text))
        check(fits == naive_match(pattern, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size);
    struct span text = span_head(all, span_find(all, 0)), payload = span_from(all, text.n + 1);
    check_wildcard(text, payload);
    struct expr *e = NULL;
    size_t column = 0;
    int rc = expr_compile(text, &e, &column);
    if (rc < 0) {
        check(!e && column >= 1 && column <= text.n + 1);
    } else {
        check(expr_bytes(e) < 64 * 1024);
        check_sources(e, text.n, payload);
        expr_free(&e);
    }
    check(mem_bytes(MEM_EXPR) == 0);
    return 0;
}
