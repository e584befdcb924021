/* What the types of values mean to each other: truth, numbers, text, equality, order. Operators and
 * functions ask here, so that the rules are the same everywhere. */
#include "expr/expr_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_TEXT_MAX 64 /* bytes of a number written out */

static struct span trim(struct span s)
{
    while (s.n && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
        s = span_from(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || (s.p[s.n - 1] >= '\t' && s.p[s.n - 1] <= '\r')))
        s.n--;
    return s;
}

static size_t digits_length(struct span s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

static struct span skip_sign(struct span s)
{
    return s.n && (s.p[0] == '+' || s.p[0] == '-') ? span_from(s, 1) : s;
}

/* Digits, one point among or beside them, an exponent: strtod alone would also take `inf`, `nan`
 * and hexadecimal fractions. */
static bool is_decimal(struct span s)
{
    s = skip_sign(s);
    size_t whole = digits_length(s), fraction = 0;
    s = span_from(s, whole);
    if (s.n && s.p[0] == '.') {
        fraction = digits_length(span_from(s, 1));
        s = span_from(s, 1 + fraction);
    }
    if (whole + fraction == 0)
        return false;
    if (s.n && (s.p[0] | 0x20) == 'e') {
        s = skip_sign(span_from(s, 1));
        size_t exponent = digits_length(s);
        return exponent > 0 && exponent == s.n;
    }
    return s.n == 0;
}

static bool is_hexadecimal(struct span s)
{
    if (s.n < 3 || s.n > 2 + 16 || s.p[0] != '0' || (s.p[1] | 0x20) != 'x')
        return false;
    for (size_t i = 2; i < s.n; i++) {
        uint8_t c = s.p[i] | 0x20;
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

bool expr_number_parse(struct span text, double *ret_number)
{
    char copy[NUMBER_TEXT_MAX];
    text = trim(text);
    if (text.n >= sizeof(copy) || (!is_decimal(text) && !is_hexadecimal(text)))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    double number = strtod(copy, NULL);
    if (!isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

bool expr_value_is_true(const struct expr_value *v)
{
    switch (v->type) {
    case EXPR_BOOLEAN:
        return v->is_true;
    case EXPR_NUMBER:
        return v->number != 0;
    case EXPR_TEXT:
        return v->text.n > 0;
    default:
        return v->type == EXPR_JSON;
    }
}

int expr_value_number(const struct expr_value *v, double *ret_number)
{
    switch (v->type) {
    case EXPR_NULL:
        *ret_number = 0;
        return 0;
    case EXPR_BOOLEAN:
        *ret_number = v->is_true;
        return 0;
    case EXPR_NUMBER:
        *ret_number = v->number;
        return 0;
    case EXPR_TEXT:
        return expr_number_parse(v->text, ret_number) ? 0 : ERR_EXPR_NOT_NUMBER;
    default:
        return ERR_EXPR_JSON_NUMBER;
    }
}

uint8_t *expr_scratch(struct expr_result *result, size_t n)
{
    if (n > sizeof(result->scratch) - result->scratch_used)
        return NULL;
    uint8_t *p = result->scratch + result->scratch_used;
    result->scratch_used += n;
    return p;
}

/* Fifteen digits where they read back the same, else the seventeen that always do. */
static int number_text(struct expr_result *result, double number, struct span *ret_text)
{
    char text[NUMBER_TEXT_MAX];
    int n = snprintf(text, sizeof(text), "%.15g", number == 0 ? 0.0 : number);
    if (strtod(text, NULL) != number)
        n = snprintf(text, sizeof(text), "%.17g", number);
    uint8_t *copy = expr_scratch(result, (size_t)n);
    if (!copy)
        return ERR_EXPR_SCRATCH_NUMBER;
    memcpy(copy, text, (size_t)n);
    *ret_text = span_of(copy, (size_t)n);
    return 0;
}

int expr_value_text(struct expr_result *result, const struct expr_value *v, struct span *ret_text)
{
    switch (v->type) {
    case EXPR_NULL:
        *ret_text = SPAN_LIT("null");
        return 0;
    case EXPR_BOOLEAN:
        *ret_text = v->is_true ? SPAN_LIT("true") : SPAN_LIT("false");
        return 0;
    case EXPR_NUMBER:
        return number_text(result, v->number, ret_text);
    case EXPR_TEXT:
        *ret_text = v->text;
        return 0;
    default:
        return ERR_EXPR_JSON_TEXT;
    }
}

/* Null equals null alone, an object or array nothing. A number equals a text that is this number,
 * because devices and people write idents and codes either way. */
bool expr_value_equal(const struct expr_value *a, const struct expr_value *b)
{
    double x, y;
    if (a->type == EXPR_NULL || b->type == EXPR_NULL)
        return a->type == b->type;
    if (a->type == EXPR_TEXT && b->type == EXPR_TEXT)
        return span_equal(a->text, b->text);
    if (expr_value_number(a, &x) < 0 || expr_value_number(b, &y) < 0)
        return false;
    return x == y;
}

int expr_value_order(const struct expr_value *a, const struct expr_value *b, int *ret_order)
{
    double x, y;
    if (a->type == EXPR_TEXT && b->type == EXPR_TEXT) {
        *ret_order = span_compare(a->text, b->text);
        return 0;
    }
    int rc = expr_value_number(a, &x);
    if (rc == 0)
        rc = expr_value_number(b, &y);
    if (rc < 0)
        return rc;
    *ret_order = (x > y) - (x < y);
    return 0;
}
