/* What the files of expr/ share: values, tokens, the program and its assembly. */
#ifndef TRACKWIRE_EXPR_EXPR_INTERNAL_H
#define TRACKWIRE_EXPR_EXPR_INTERNAL_H

#include "expr/expr.h"

/* ---- the program: a stack machine's code ----
 *
 *   block   | struct expr | ops ... | constants ... | text of constants and names ... |
 *
 * Jumps are relative and go forward, so that code can be moved while it is assembled. How many
 * values lie on the stack is the same for every way to an op. */

enum op_code {
    OP_CONSTANT,     /* push constant `arg` */
    OP_NAME,         /* push the value of the name that constant `arg` is; error when absent */
    OP_NAME_OR_NULL, /* the same; null when absent */
    OP_EXISTS,       /* push whether that name has a value other than null */
    OP_NOT,          /* the value on top becomes ... */
    OP_PLUS,
    OP_NEGATE,
    OP_BIT_NOT,
    OP_TRUTH,
    OP_EQUAL, /* the two values on top become one */
    OP_UNEQUAL,
    OP_MATCH, /* the upper one is a pattern */
    OP_UNMATCH,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_BIT_OR,
    OP_BIT_XOR,
    OP_BIT_AND,
    OP_SHIFT_LEFT,
    OP_SHIFT_RIGHT,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
    OP_AND,        /* top is false: it becomes `false`, skip `arg` ops; else pop */
    OP_OR,         /* top is true: it becomes `true`, skip `arg` ops; else pop */
    OP_JUMP_FALSE, /* pop; when it was false, skip `arg` ops */
    OP_JUMP,       /* skip `arg` ops */
    OP_GUARD, /* an error within the next `arg` ops becomes `false`; `count` values lie below */
    OP_CALL,  /* function `arg` with `count` arguments, which become its result */
    OP_COUNT_
};

struct op {
    uint8_t code;
    uint8_t count;
    uint16_t column;
    uint32_t arg;
};

struct expr {
    size_t bytes;
    size_t op_count;
    const struct expr_value *constants;
    struct op ops[];
};

/* ---- tokens ---- */

/* A sign of the language that stands between two values, before one, or both. */
struct expr_sign {
    const char *text;
    enum op_code infix;
    enum op_code prefix;
    unsigned precedence; /* as infix: higher binds tighter, 0 for none */
    bool is_prefix;
};

enum token_kind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_TEXT,
    TOKEN_NAME,
    TOKEN_NAME_OR_NULL,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_QUESTION,
    TOKEN_COLON,
    TOKEN_SIGN,
};

struct token {
    enum token_kind kind;
    size_t column;    /* of its first byte, from 1 */
    struct span text; /* a name; or what stands between quotes, with its escapes */
    double number;
    const struct expr_sign *sign;
};

/* Reads the token at `*at` and moves past it. A refusal writes its column into the token. */
int expr_token_next(struct span text, size_t *at, struct token *ret_token) MUST_USE;

/* ---- assembly ---- */

struct code {
    size_t op_count, constant_count, text_used;
    unsigned depth; /* values on the stack when the code so far has run, at the most */
    struct op ops[EXPR_NODES_MAX];
    struct expr_value constants[EXPR_NODES_MAX];
    uint8_t text[EXPR_TEXT_MAX];
};

/* Empty code in memory of the caller; it owns nothing and needs no end. */
void expr_code_init(struct code *c);
/* Appends `op`. Returns 0; refuses at EXPR_NODES_MAX and EXPR_STACK_MAX. */
int expr_code_add(struct code *c, struct op op) MUST_USE;
/* Appends `code` with a new constant as its `arg`; a text is copied. */
int expr_code_add_constant(struct code *c, enum op_code code, size_t column,
                           struct expr_value constant) MUST_USE;
/* Puts `op`, which leaves the stack as it is, before the op at `at`. */
int expr_code_insert(struct code *c, size_t at, struct op op) MUST_USE;
/* Makes the jump or guard at `at` reach to the end of the code so far. */
void expr_code_reach(struct code *c, size_t at);
/* The finished program, one block; NULL out of memory. */
struct expr *expr_code_finish(const struct code *c);

/* ---- values ---- */

/* A decimal or 0x number, spaces around it allowed; false for anything else. */
bool expr_number_parse(struct span text, double *ret_number);
bool expr_value_is_true(const struct expr_value *v);
/* As a number: null and false are 0, true is 1, a text must be one. */
int expr_value_number(const struct expr_value *v, double *ret_number) MUST_USE;
/* As text; what is not text already is written into the result's scratch. */
int expr_value_text(struct expr_result *result, const struct expr_value *v,
                    struct span *ret_text) MUST_USE;
bool expr_value_equal(const struct expr_value *a, const struct expr_value *b);
/* Below, at or above zero: two texts by their bytes, anything else as numbers. */
int expr_value_order(const struct expr_value *a, const struct expr_value *b,
                     int *ret_order) MUST_USE;
/* Room for `n` bytes in the scratch, NULL when there is none. */
uint8_t *expr_scratch(struct expr_result *result, size_t n);

static inline struct expr_value expr_boolean(bool is_true)
{
    return (struct expr_value){.type = EXPR_BOOLEAN, .is_true = is_true};
}

static inline struct expr_value expr_number(double number)
{
    return (struct expr_value){.type = EXPR_NUMBER, .number = number};
}

static inline struct expr_value expr_text(struct span text)
{
    return (struct expr_value){.type = EXPR_TEXT, .text = text};
}

/* ---- wildcards ---- */

/* True when `text` holds `*` or `?`, escaped ones too. */
bool expr_wildcard_is(struct span text);
/* 1 when `text` fits `pattern`, 0 when not. Takes what it does from `*steps` and refuses when they
 * are used up. */
int expr_wildcard_match(struct span pattern, struct span text, size_t *steps) MUST_USE;

/* ---- functions ---- */

struct call {
    const struct function *function;
    struct expr_result *result; /* for its scratch */
    struct expr_value *args;    /* the function's value replaces the first one */
    unsigned count;
};

enum function_form {
    FUNCTION_PLAIN,
    FUNCTION_IF,     /* only one of two arguments is evaluated */
    FUNCTION_EXISTS, /* the argument is a name, not its value */
};

struct function {
    struct expr_function about;
    enum function_form form;
    bool is_claim;                   /* answers yes or no, like a comparison */
    int (*call)(struct call *call);  /* of plain ones; a program runs it */
    double (*number)(double number); /* what expr's generic call of one number applies */
    enum expr_type type;             /* what the generic test of types looks for */
};

/* Index of the function, or ERR_EXPR_FUNCTION. */
int expr_function_find(struct span name) MUST_USE;
const struct function *expr_function_row(size_t i);

#endif
