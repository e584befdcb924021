/* The machine: runs a program over a source. Knows ops and values, no syntax. Every op is bounded,
 * jumps only go forward, so an evaluation ends after at most as many ops as the program has. */
#include "expr/expr_internal.h"

#include <assert.h>
#include <math.h>

struct machine {
    const struct expr *e;
    const struct expr_source *source;
    struct expr_result *result;
    size_t pc;
    size_t match_steps;     /* left */
    struct expr_value *top; /* the value pushed last; stack[0] lies under all */
    struct expr_value stack[EXPR_STACK_MAX + 1];
};

static int push(struct machine *m, struct expr_value value)
{
    *++m->top = value;
    return 0;
}

static int set_number(struct machine *m, double number)
{
    if (!isfinite(number))
        return ERR_EXPR_RANGE;
    *m->top = expr_number(number);
    return 0;
}

/* ---- values ---- */

static int run_constant(struct machine *m, const struct op *op)
{
    return push(m, m->e->constants[op->arg]);
}

static int lookup(struct machine *m, const struct op *op, struct expr_value *ret)
{
    return m->source->lookup(m->source->context, m->e->constants[op->arg].text, ret);
}

static int run_name(struct machine *m, const struct op *op)
{
    struct expr_value value;
    int rc = lookup(m, op, &value);
    if (rc == 0)
        return ERR_EXPR_ABSENT;
    return rc < 0 ? rc : push(m, value);
}

static int run_name_or_null(struct machine *m, const struct op *op)
{
    struct expr_value value = {.type = EXPR_NULL};
    int rc = lookup(m, op, &value);
    return rc < 0 ? rc : push(m, value);
}

/* In a source that cannot be read there is nothing. */
static int run_exists(struct machine *m, const struct op *op)
{
    struct expr_value value;
    return push(m, expr_boolean(lookup(m, op, &value) == 1 && value.type != EXPR_NULL));
}

/* ---- one operand ---- */

static int run_not(struct machine *m, const struct op *op)
{
    (void)op;
    *m->top = expr_boolean(!expr_value_is_true(m->top));
    return 0;
}

static int run_truth(struct machine *m, const struct op *op)
{
    (void)op;
    *m->top = expr_boolean(expr_value_is_true(m->top));
    return 0;
}

static int run_sign(struct machine *m, const struct op *op)
{
    double x;
    int rc = expr_value_number(m->top, &x);
    return rc < 0 ? rc : set_number(m, op->code == OP_NEGATE ? -x : x);
}

/* Whole numbers up to 2^53 are what a double holds exactly; fractions are cut off, as C does. */
static int value_bits(const struct expr_value *v, int64_t *ret)
{
    double x;
    int rc = expr_value_number(v, &x);
    if (rc < 0)
        return rc;
    if (!(fabs(x) <= 9007199254740992.0))
        return ERR_EXPR_BITS;
    *ret = (int64_t)x;
    return 0;
}

static int run_bit_not(struct machine *m, const struct op *op)
{
    (void)op;
    int64_t bits;
    int rc = value_bits(m->top, &bits);
    return rc < 0 ? rc : set_number(m, (double)~bits);
}

/* ---- two operands ---- */

static int run_equal(struct machine *m, const struct op *op)
{
    struct expr_value *right = m->top--;
    *m->top = expr_boolean(expr_value_equal(m->top, right) == (op->code == OP_EQUAL));
    return 0;
}

/* Null, objects and arrays have no text that a pattern could fit. */
static int run_match(struct machine *m, const struct op *op)
{
    struct expr_value *pattern = m->top--;
    struct span text;
    int fits = 0;
    if (pattern->type != EXPR_TEXT)
        return ERR_EXPR_PATTERN;
    if (m->top->type != EXPR_NULL && m->top->type != EXPR_JSON) {
        size_t scratch_used = m->result->scratch_used;
        fits = expr_value_text(m->result, m->top, &text);
        if (fits == 0)
            fits = expr_wildcard_match(pattern->text, text, &m->match_steps);
        m->result->scratch_used = scratch_used;
        if (fits < 0)
            return fits;
    }
    *m->top = expr_boolean((fits > 0) == (op->code == OP_MATCH));
    return 0;
}

static int run_order(struct machine *m, const struct op *op)
{
    struct expr_value *right = m->top--;
    int order;
    int rc = expr_value_order(m->top, right, &order);
    if (rc < 0)
        return rc;
    bool is_less = op->code == OP_LESS || op->code == OP_LESS_EQUAL;
    bool or_equal = op->code == OP_LESS_EQUAL || op->code == OP_GREATER_EQUAL;
    *m->top = expr_boolean(order == 0 ? or_equal : (order < 0) == is_less);
    return 0;
}

/* Takes the upper number off; the lower one stays as the place of the result. */
static int take_numbers(struct machine *m, double *ret_a, double *ret_b)
{
    struct expr_value *right = m->top--;
    int rc = expr_value_number(m->top, ret_a);
    return rc < 0 ? rc : expr_value_number(right, ret_b);
}

static int run_add(struct machine *m, const struct op *op)
{
    double a, b;
    int rc = take_numbers(m, &a, &b);
    return rc < 0 ? rc : set_number(m, op->code == OP_SUBTRACT ? a - b : a + b);
}

static int run_multiply(struct machine *m, const struct op *op)
{
    (void)op;
    double a, b;
    int rc = take_numbers(m, &a, &b);
    return rc < 0 ? rc : set_number(m, a * b);
}

static int run_divide(struct machine *m, const struct op *op)
{
    double a, b;
    int rc = take_numbers(m, &a, &b);
    if (rc < 0)
        return rc;
    if (b == 0)
        return ERR_EXPR_DIVISION;
    return set_number(m, op->code == OP_MODULO ? fmod(a, b) : a / b);
}

static int64_t combine_bits(enum op_code code, int64_t a, int64_t b)
{
    switch (code) {
    case OP_BIT_OR:
        return a | b;
    case OP_BIT_XOR:
        return a ^ b;
    case OP_BIT_AND:
        return a & b;
    case OP_SHIFT_LEFT:
        return (int64_t)((uint64_t)a << b);
    default:
        return a >> b;
    }
}

static int run_bits(struct machine *m, const struct op *op)
{
    struct expr_value *right = m->top--;
    int64_t a, b;
    int rc = value_bits(m->top, &a);
    if (rc == 0)
        rc = value_bits(right, &b);
    if (rc < 0)
        return rc;
    if ((op->code == OP_SHIFT_LEFT || op->code == OP_SHIFT_RIGHT) && (b < 0 || b > 63))
        return ERR_EXPR_SHIFT;
    return set_number(m, (double)combine_bits(op->code, a, b));
}

/* ---- control ---- */

static int run_logical(struct machine *m, const struct op *op)
{
    if (expr_value_is_true(m->top) == (op->code == OP_OR)) {
        *m->top = expr_boolean(op->code == OP_OR);
        m->pc += op->arg;
    } else {
        m->top--;
    }
    return 0;
}

static int run_jump_false(struct machine *m, const struct op *op)
{
    if (!expr_value_is_true(m->top--))
        m->pc += op->arg;
    return 0;
}

static int run_jump(struct machine *m, const struct op *op)
{
    m->pc += op->arg;
    return 0;
}

static int run_guard(struct machine *m, const struct op *op)
{
    (void)m;
    (void)op;
    return 0;
}

static int run_call(struct machine *m, const struct op *op)
{
    const struct function *function = expr_function_row(op->arg);
    struct call call = {function, m->result, m->top + 1 - op->count, op->count};
    int rc = function->call(&call);
    m->top = call.args;
    return rc;
}

static int (*const runs[OP_COUNT_])(struct machine *m, const struct op *op) = {
    [OP_CONSTANT] = run_constant,
    [OP_NAME] = run_name,
    [OP_NAME_OR_NULL] = run_name_or_null,
    [OP_EXISTS] = run_exists,
    [OP_NOT] = run_not,
    [OP_PLUS] = run_sign,
    [OP_NEGATE] = run_sign,
    [OP_BIT_NOT] = run_bit_not,
    [OP_TRUTH] = run_truth,
    [OP_EQUAL] = run_equal,
    [OP_UNEQUAL] = run_equal,
    [OP_MATCH] = run_match,
    [OP_UNMATCH] = run_match,
    [OP_LESS] = run_order,
    [OP_LESS_EQUAL] = run_order,
    [OP_GREATER] = run_order,
    [OP_GREATER_EQUAL] = run_order,
    [OP_BIT_OR] = run_bits,
    [OP_BIT_XOR] = run_bits,
    [OP_BIT_AND] = run_bits,
    [OP_SHIFT_LEFT] = run_bits,
    [OP_SHIFT_RIGHT] = run_bits,
    [OP_ADD] = run_add,
    [OP_SUBTRACT] = run_add,
    [OP_MULTIPLY] = run_multiply,
    [OP_DIVIDE] = run_divide,
    [OP_MODULO] = run_divide,
    [OP_AND] = run_logical,
    [OP_OR] = run_logical,
    [OP_JUMP_FALSE] = run_jump_false,
    [OP_JUMP] = run_jump,
    [OP_GUARD] = run_guard,
    [OP_CALL] = run_call,
};

/* An error of op `at` becomes false where the innermost guard around it ends; `err` without one. */
static int recover(struct machine *m, size_t at, int err)
{
    for (size_t i = at; i-- > 0;) {
        const struct op *op = &m->e->ops[i];
        if (op->code == OP_GUARD && at - i <= op->arg) {
            m->top = m->stack + op->count;
            m->pc = i + 1 + op->arg;
            return push(m, expr_boolean(false));
        }
    }
    return err;
}

int expr_eval(const struct expr *e, const struct expr_source *source,
              struct expr_result *ret_result)
{
    struct machine m;
    m.e = e;
    m.source = source;
    m.result = ret_result;
    m.pc = 0;
    m.match_steps = EXPR_MATCH_STEPS_MAX;
    m.top = m.stack;
    ret_result->scratch_used = 0;
    while (m.pc < e->op_count) {
        size_t at = m.pc++;
        const struct op *op = &e->ops[at];
        int rc = runs[op->code](&m, op);
        if (rc < 0)
            rc = recover(&m, at, rc);
        if (rc < 0) {
            ret_result->column = op->column;
            return rc;
        }
    }
    assert(m.top == m.stack + 1);
    ret_result->value = *m.top;
    return 0;
}

bool expr_is_true(const struct expr *e, const struct expr_source *source)
{
    struct expr_result result;
    return expr_eval(e, source, &result) == 0 && expr_value_is_true(&result.value);
}
