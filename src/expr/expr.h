/* The expression language of filters and selectors: compiled once into an immutable program,
 * evaluated many times without allocation. README.md has the grammar. Pure: a program may be
 * evaluated by any number of threads at once, each with a source and a result of its own. */
#ifndef TRACKWIRE_EXPR_EXPR_H
#define TRACKWIRE_EXPR_EXPR_H

#include "base/err.h"
#include "base/span.h"

#define EXPR_TEXT_MAX 4096           /* bytes of an expression */
#define EXPR_NODES_MAX 512           /* steps of a program: values, operators, jumps */
#define EXPR_DEPTH_MAX 64            /* operators and parentheses within each other */
#define EXPR_STACK_MAX 96            /* values that wait for their operator */
#define EXPR_NAME_MAX 128            /* bytes of a name */
#define EXPR_SCRATCH_MAX 512         /* bytes of text that one evaluation may make */
#define EXPR_MATCH_STEPS_MAX 1048576 /* characters that one evaluation compares with wildcards */

enum expr_type {
    EXPR_NULL,
    EXPR_BOOLEAN,
    EXPR_NUMBER,
    EXPR_TEXT,
    EXPR_JSON, /* an object or array: it can be there, and is no operand */
    EXPR_TYPE_COUNT_
};

struct expr_value {
    enum expr_type type;
    union {
        bool is_true;
        double number;    /* always finite */
        struct span text; /* borrowed: from the source, the program, or the result's scratch */
    };
};

/* Where names get their values. */
struct expr_source {
    /* Called during an evaluation, on its thread, once for each name that is reached. Returns 1 and
     * writes the value, whose text must live until the result is done with; 0 when the name is not
     * there; or a refusal, which ends the evaluation as an error. */
    int (*lookup)(void *context, struct span name, struct expr_value *ret_value);
    void *context;
};

struct expr_result {
    struct expr_value value;
    size_t column; /* after a refusal: where in the expression, from 1, in bytes */
    size_t scratch_used;
    uint8_t scratch[EXPR_SCRATCH_MAX];
};

struct expr;

/* A program for `text`, which is not needed afterwards; the caller frees it. A refusal writes the
 * column (from 1, in bytes) where it arose. */
int expr_compile(struct span text, struct expr **ret_expr, size_t *ret_column) MUST_USE;
void expr_free(struct expr **e);
/* Bytes that the program holds, all in one block. */
size_t expr_bytes(const struct expr *e);

/* Evaluates; `ret_result` need not be initialised and lives as long as its value is used. Errors of
 * an evaluation are not counted: most are absent names, the ordinary way of a filter to say no, and
 * the counters are shared by all threads. */
int expr_eval(const struct expr *e, const struct expr_source *source,
              struct expr_result *ret_result) MUST_USE;
/* What filters ask: errors, null, false, 0 and the empty text are false, all else is true. */
bool expr_is_true(const struct expr *e, const struct expr_source *source);

/* A function that expressions may call. */
struct expr_function {
    const char *name;
    unsigned args_min, args_max;
    const char *doc;
};

/* Row `i` of the table of functions, NULL past its end. */
const struct expr_function *expr_function_at(size_t i);

#endif
