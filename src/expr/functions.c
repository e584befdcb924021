/* The functions of the language, one table: name, number of arguments, what it gives, and the code.
 * The compiler finds them by name, the machine runs them by index. */
#include "expr/expr_internal.h"

#include <math.h>

/* ---- numbers ---- */

static int set_number(struct call *call, double number)
{
    if (!isfinite(number))
        return ERR_EXPR_FUNCTION_RANGE;
    call->args[0] = expr_number(number);
    return 0;
}

static int call_number(struct call *call)
{
    double x;
    int rc = expr_value_number(&call->args[0], &x);
    return rc < 0 ? rc : set_number(call, call->function->number(x));
}

static int call_pow(struct call *call)
{
    double x, y;
    int rc = expr_value_number(&call->args[0], &x);
    if (rc == 0)
        rc = expr_value_number(&call->args[1], &y);
    return rc < 0 ? rc : set_number(call, pow(x, y));
}

/* The least of the arguments, each multiplied by `sign`. */
static int call_extreme(struct call *call, double sign)
{
    double best = 0;
    for (unsigned i = 0; i < call->count; i++) {
        double x;
        int rc = expr_value_number(&call->args[i], &x);
        if (rc < 0)
            return rc;
        if (i == 0 || x * sign < best * sign)
            best = x;
    }
    return set_number(call, best);
}

static int call_min(struct call *call)
{
    return call_extreme(call, 1);
}

static int call_max(struct call *call)
{
    return call_extreme(call, -1);
}

/* ---- types ---- */

static int call_is_type(struct call *call)
{
    call->args[0] = expr_boolean(call->args[0].type == call->function->type);
    return 0;
}

static int call_tonumber(struct call *call)
{
    double x;
    int rc = expr_value_number(&call->args[0], &x);
    return rc < 0 ? rc : set_number(call, x);
}

static int call_toboolean(struct call *call)
{
    struct expr_value *v = &call->args[0];
    double x;
    if (v->type == EXPR_TEXT && span_equal(v->text, SPAN_LIT("true"))) {
        *v = expr_boolean(true);
    } else if (v->type == EXPR_TEXT && span_equal(v->text, SPAN_LIT("false"))) {
        *v = expr_boolean(false);
    } else {
        if (expr_value_number(v, &x) < 0)
            return ERR_EXPR_NOT_BOOLEAN;
        *v = expr_boolean(x != 0);
    }
    return 0;
}

static int call_tostring(struct call *call)
{
    struct span text;
    int rc = expr_value_text(call->result, &call->args[0], &text);
    if (rc < 0)
        return rc;
    call->args[0] = expr_text(text);
    return 0;
}

static int call_not(struct call *call)
{
    call->args[0] = expr_boolean(!expr_value_is_true(&call->args[0]));
    return 0;
}

static int call_error(struct call *call)
{
    (void)call;
    return ERR_EXPR_RAISED;
}

/* ---- text ---- */

static int call_strlen(struct call *call)
{
    struct span text;
    int rc = expr_value_text(call->result, &call->args[0], &text);
    return rc < 0 ? rc : set_number(call, (double)text.n);
}

/* ASCII only: what a letter's other case is elsewhere depends on the language. */
static int change_case(struct call *call, uint8_t first, uint8_t last)
{
    struct span text;
    int rc = expr_value_text(call->result, &call->args[0], &text);
    if (rc < 0)
        return rc;
    uint8_t *copy = expr_scratch(call->result, text.n);
    if (!copy)
        return ERR_EXPR_SCRATCH_CASE;
    for (size_t i = 0; i < text.n; i++) {
        bool is_letter = text.p[i] >= first && text.p[i] <= last;
        copy[i] = is_letter ? text.p[i] ^ 0x20 : text.p[i];
    }
    call->args[0] = expr_text(span_of(copy, text.n));
    return 0;
}

static int call_lower(struct call *call)
{
    return change_case(call, 'A', 'Z');
}

static int call_upper(struct call *call)
{
    return change_case(call, 'a', 'z');
}

/* `number` as a place in a run of `n` bytes: below zero counts from the end. */
static size_t place_of(double number, size_t n)
{
    if (number < 0)
        number += (double)n;
    if (!(number > 0))
        return 0;
    return number < (double)n ? (size_t)number : n;
}

static int call_substr(struct call *call)
{
    struct span text;
    double from, count = 0;
    int rc = expr_value_text(call->result, &call->args[0], &text);
    if (rc == 0)
        rc = expr_value_number(&call->args[1], &from);
    if (rc == 0 && call->count == 3)
        rc = expr_value_number(&call->args[2], &count);
    if (rc < 0)
        return rc;
    text = span_from(text, place_of(from, text.n));
    if (call->count == 3)
        text = span_head(text, place_of(count, text.n));
    call->args[0] = expr_text(text);
    return 0;
}

static int call_strstr(struct call *call)
{
    struct span text, part;
    int rc = expr_value_text(call->result, &call->args[0], &text);
    if (rc == 0)
        rc = expr_value_text(call->result, &call->args[1], &part);
    if (rc < 0)
        return rc;
    if (part.n == 0)
        return set_number(call, 0);
    const uint8_t *at = text.n ? memmem(text.p, text.n, part.p, part.n) : NULL;
    return set_number(call, at ? (double)(at - text.p) : -1);
}

#define NUMBER(name, function, doc)                                                                \
    {                                                                                              \
        .about = {name, 1, 1, doc}, .call = call_number, .number = function                        \
    }
#define IS_TYPE(name, type_, doc)                                                                  \
    {                                                                                              \
        .about = {name, 1, 1, doc}, .is_claim = true, .call = call_is_type, .type = type_          \
    }
#define PLAIN(name, min, max, function, doc)                                                       \
    {                                                                                              \
        .about = {name, min, max, doc}, .call = function                                           \
    }

static const struct function rows[] = {
    {.about = {"if", 3, 3, "the second argument when the first is true, else the third"},
     .form = FUNCTION_IF},
    {.about = {"exists", 1, 1, "whether the name is there and not null"},
     .form = FUNCTION_EXISTS,
     .is_claim = true},
    {.about = {"not", 1, 1, "true for what is false, and the reverse"},
     .is_claim = true,
     .call = call_not},
    PLAIN("error", 0, 0, call_error, "ends the evaluation as an error"),
    NUMBER("abs", fabs, "the number without its sign"),
    NUMBER("ceil", ceil, "the next whole number above"),
    NUMBER("floor", floor, "the next whole number below"),
    NUMBER("round", round, "the nearest whole number, halves away from zero"),
    NUMBER("trunc", trunc, "the number without its fraction"),
    NUMBER("sqrt", sqrt, "the square root"),
    NUMBER("exp", exp, "e to the power of the number"),
    NUMBER("log", log, "the natural logarithm"),
    NUMBER("log10", log10, "the decimal logarithm"),
    NUMBER("sin", sin, "the sine of radians"),
    NUMBER("cos", cos, "the cosine of radians"),
    NUMBER("tan", tan, "the tangent of radians"),
    PLAIN("pow", 2, 2, call_pow, "the first number to the power of the second"),
    PLAIN("min", 1, 8, call_min, "the least of the numbers"),
    PLAIN("max", 1, 8, call_max, "the greatest of the numbers"),
    IS_TYPE("isnull", EXPR_NULL, "whether the value is null"),
    IS_TYPE("isboolean", EXPR_BOOLEAN, "whether the value is true or false"),
    IS_TYPE("isnumber", EXPR_NUMBER, "whether the value is a number"),
    IS_TYPE("isstring", EXPR_TEXT, "whether the value is a text"),
    IS_TYPE("isjson", EXPR_JSON, "whether the value is an object or array"),
    PLAIN("tonumber", 1, 1, call_tonumber, "the number that a text says; 0 for null and false"),
    PLAIN("toboolean", 1, 1, call_toboolean, "true or false for 'true', 'false' and numbers"),
    PLAIN("tostring", 1, 1, call_tostring, "the value as a text"),
    PLAIN("strlen", 1, 1, call_strlen, "the bytes of the text"),
    PLAIN("length", 1, 1, call_strlen, "the same as strlen"),
    PLAIN("lower", 1, 1, call_lower, "the text with a-z for A-Z"),
    PLAIN("upper", 1, 1, call_upper, "the text with A-Z for a-z"),
    PLAIN("substr", 2, 3, call_substr,
          "the part of the text from a place on (below 0: from the end), of so many bytes"),
    PLAIN("strstr", 2, 2, call_strstr, "the place of the second text in the first, -1 for none"),
};

int expr_function_find(struct span name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (span_equal(name, span_str(rows[i].about.name)))
            return (int)i;
    }
    return err_raise(ERR_EXPR_FUNCTION);
}

const struct function *expr_function_row(size_t i)
{
    return &rows[i];
}

const struct expr_function *expr_function_at(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i].about : NULL;
}
