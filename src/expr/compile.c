/* From text to program, in one pass: a parser that climbs precedences and writes code as it reads.
 * Knows the grammar (README.md); tokens come from token.c, the program's form is code.c's. */
#include "expr/expr_internal.h"

#include "base/mem.h"

struct compiler {
    struct span text;
    size_t at; /* behind `token` */
    struct token token;
    unsigned depth;
    size_t column; /* of the refusal */
    struct code code;
};

/* What a piece of code gives, as far as `&`, `|` and `,` of the former generation ask. */
enum operand_kind {
    OPERAND_VALUE,
    OPERAND_NAME,  /* a name alone: one OP_NAME */
    OPERAND_CLAIM, /* a comparison or the like: yes, no or an error */
    OPERAND_SAFE,  /* a claim that cannot be an error */
};

struct operand {
    enum operand_kind kind;
    size_t start; /* its first op; it ends with the code so far */
};

static int parse_conditional(struct compiler *c, struct operand *ret);
static int parse_binary(struct compiler *c, unsigned precedence, struct operand *ret);
static int parse_unary(struct compiler *c, struct operand *ret);

static int refuse(struct compiler *c, int err)
{
    c->column = c->token.column;
    return err_raise(err);
}

static int next(struct compiler *c)
{
    int rc = expr_token_next(c->text, &c->at, &c->token);
    if (rc < 0)
        c->column = c->token.column;
    return rc;
}

/* Passes over a token of `kind`, or refuses what stands there. */
static int expect(struct compiler *c, enum token_kind kind, int err)
{
    return c->token.kind == kind ? next(c) : refuse(c, err);
}

static int enter(struct compiler *c)
{
    return ++c->depth > EXPR_DEPTH_MAX ? refuse(c, ERR_EXPR_DEPTH) : 0;
}

static int emit(struct compiler *c, enum op_code code, size_t column, unsigned count, unsigned arg)
{
    int rc =
        expr_code_add(&c->code, (struct op){(uint8_t)code, (uint8_t)count, (uint16_t)column, arg});
    if (rc < 0)
        c->column = column;
    return rc;
}

static int emit_constant(struct compiler *c, enum op_code code, size_t column,
                         struct expr_value constant)
{
    int rc = expr_code_add_constant(&c->code, code, column, constant);
    if (rc < 0)
        c->column = column;
    return rc;
}

static int insert(struct compiler *c, size_t at, enum op_code code)
{
    struct op op = {(uint8_t)code, 0, (uint16_t)c->token.column, 0};
    int rc = expr_code_insert(&c->code, at, op);
    if (rc < 0)
        c->column = c->token.column;
    return rc;
}

/* ---- what stands between operators ---- */

static const struct {
    char written, meant;
} escapes[] = {{'\\', '\\'}, {'"', '"'}, {'\'', '\''}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}};

/* Writes the text that `raw` means, which is no longer, and returns its length. Escapes of
 * wildcards stay as they are: only a pattern can tell a star from a star. */
static int unescape(struct compiler *c, struct span raw, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        uint8_t byte = raw.p[i];
        if (byte == '\\') {
            size_t e = 0, count = sizeof(escapes) / sizeof(escapes[0]);
            byte = raw.p[++i];
            while (e < count && byte != (uint8_t)escapes[e].written)
                e++;
            if (e == count && byte != '*' && byte != '?') {
                c->column = c->token.column + i;
                return err_raise(ERR_EXPR_ESCAPE);
            }
            if (e == count)
                out[n++] = '\\';
            else
                byte = (uint8_t)escapes[e].meant;
        }
        out[n++] = byte;
    }
    return (int)n;
}

static int parse_text(struct compiler *c)
{
    uint8_t text[EXPR_TEXT_MAX];
    int n = unescape(c, c->token.text, text);
    if (n < 0)
        return n;
    struct expr_value value = expr_text(span_of(text, (size_t)n));
    int rc = emit_constant(c, OP_CONSTANT, c->token.column, value);
    return rc < 0 ? rc : next(c);
}

/* `condition` is compiled; `separator` stands between the two values, of which one runs. */
static int parse_choice(struct compiler *c, size_t column, enum token_kind separator, int err)
{
    struct operand value;
    size_t otherwise = c->code.op_count;
    int rc = emit(c, OP_JUMP_FALSE, column, 0, 0);
    if (rc == 0)
        rc = parse_conditional(c, &value);
    if (rc == 0)
        rc = expect(c, separator, err);
    size_t end = c->code.op_count;
    if (rc == 0)
        rc = emit(c, OP_JUMP, column, 0, 0);
    if (rc < 0)
        return rc;
    expr_code_reach(&c->code, otherwise);
    c->code.depth--; /* where the second value begins, the first one was not made */
    rc = parse_conditional(c, &value);
    if (rc == 0)
        expr_code_reach(&c->code, end);
    return rc;
}

static int parse_if(struct compiler *c, size_t column)
{
    struct operand condition;
    int rc = parse_conditional(c, &condition);
    if (rc == 0)
        rc = expect(c, TOKEN_COMMA, ERR_EXPR_IF);
    return rc < 0 ? rc : parse_choice(c, column, TOKEN_COMMA, ERR_EXPR_IF_ELSE);
}

static int parse_exists(struct compiler *c)
{
    if (c->token.kind != TOKEN_NAME && c->token.kind != TOKEN_NAME_OR_NULL)
        return refuse(c, ERR_EXPR_EXISTS);
    int rc = emit_constant(c, OP_EXISTS, c->token.column, expr_text(c->token.text));
    return rc < 0 ? rc : next(c);
}

static int parse_arguments(struct compiler *c, size_t column, unsigned index)
{
    const struct expr_function *about = &expr_function_row(index)->about;
    unsigned count = 0;
    int rc = 0;
    while (rc == 0 && c->token.kind != TOKEN_CLOSE) {
        struct operand argument;
        if (count > 0)
            rc = expect(c, TOKEN_COMMA, ERR_EXPR_ARGUMENTS_OPEN);
        if (rc == 0 && count++ == about->args_max)
            return refuse(c, ERR_EXPR_ARGUMENTS_MORE);
        if (rc == 0)
            rc = parse_conditional(c, &argument);
    }
    if (rc == 0 && count < about->args_min)
        return refuse(c, ERR_EXPR_ARGUMENTS_FEWER);
    return rc < 0 ? rc : emit(c, OP_CALL, column, count, index);
}

static int parse_call(struct compiler *c, struct token name, struct operand *ret)
{
    int index = expr_function_find(name.text);
    if (index < 0) {
        c->column = name.column;
        return index;
    }
    const struct function *function = expr_function_row((size_t)index);
    int rc = next(c);
    if (rc < 0)
        return rc;
    if (function->form == FUNCTION_IF)
        rc = parse_if(c, name.column);
    else if (function->form == FUNCTION_EXISTS)
        rc = parse_exists(c);
    else
        rc = parse_arguments(c, name.column, (unsigned)index);
    if (function->is_claim)
        ret->kind = OPERAND_CLAIM;
    return rc < 0 ? rc : expect(c, TOKEN_CLOSE, ERR_EXPR_CALL_OPEN);
}

static bool parse_keyword(struct span name, struct expr_value *ret)
{
    if (span_equal(name, SPAN_LIT("true")))
        *ret = expr_boolean(true);
    else if (span_equal(name, SPAN_LIT("false")))
        *ret = expr_boolean(false);
    else if (span_equal(name, SPAN_LIT("null")))
        *ret = (struct expr_value){.type = EXPR_NULL};
    else
        return false;
    return true;
}

static int parse_name(struct compiler *c, struct operand *ret)
{
    struct token name = c->token;
    struct expr_value keyword;
    int rc = next(c);
    if (rc < 0)
        return rc;
    if (name.kind == TOKEN_NAME_OR_NULL)
        return emit_constant(c, OP_NAME_OR_NULL, name.column, expr_text(name.text));
    if (c->token.kind == TOKEN_OPEN)
        return parse_call(c, name, ret);
    if (parse_keyword(name.text, &keyword))
        return emit_constant(c, OP_CONSTANT, name.column, keyword);
    ret->kind = OPERAND_NAME;
    return emit_constant(c, OP_NAME, name.column, expr_text(name.text));
}

static int parse_list(struct compiler *c, struct operand *ret);

static int parse_primary(struct compiler *c, struct operand *ret)
{
    *ret = (struct operand){OPERAND_VALUE, c->code.op_count};
    int rc;
    switch (c->token.kind) {
    case TOKEN_NUMBER:
        rc = emit_constant(c, OP_CONSTANT, c->token.column, expr_number(c->token.number));
        return rc < 0 ? rc : next(c);
    case TOKEN_TEXT:
        return parse_text(c);
    case TOKEN_NAME:
    case TOKEN_NAME_OR_NULL:
        return parse_name(c, ret);
    case TOKEN_OPEN:
        rc = next(c);
        if (rc == 0)
            rc = parse_list(c, ret);
        return rc < 0 ? rc : expect(c, TOKEN_CLOSE, ERR_EXPR_PARENTHESIS_OPEN);
    default:
        return refuse(c, ERR_EXPR_OPERAND);
    }
}

static int parse_prefixed(struct compiler *c, struct operand *ret)
{
    struct token sign = c->token;
    int rc = next(c);
    if (rc == 0)
        rc = parse_unary(c, ret);
    if (rc < 0)
        return rc;
    ret->kind = sign.sign->prefix == OP_NOT ? OPERAND_CLAIM : OPERAND_VALUE;
    return emit(c, sign.sign->prefix, sign.column, 0, 0);
}

static int parse_unary(struct compiler *c, struct operand *ret)
{
    int rc = enter(c);
    if (rc == 0)
        rc = c->token.kind == TOKEN_SIGN && c->token.sign->is_prefix ? parse_prefixed(c, ret)
                                                                     : parse_primary(c, ret);
    c->depth--;
    return rc;
}

/* ---- the former generation: `&`, `|` and `,` join claims, a name among them is there or not ----
 */

static bool is_claim(struct operand o)
{
    return o.kind == OPERAND_CLAIM || o.kind == OPERAND_SAFE;
}

/* The error of an operand, which ends before the op at `end`, counts as false. */
static int guard(struct compiler *c, struct operand o, size_t end)
{
    if (o.kind == OPERAND_SAFE)
        return 0;
    if (o.kind == OPERAND_NAME) {
        c->code.ops[o.start].code = OP_EXISTS;
        return 0;
    }
    int rc = insert(c, o.start, OP_GUARD);
    if (rc == 0)
        c->code.ops[o.start].arg = (uint32_t)(end - o.start);
    return rc;
}

/* Both operands are compiled, `right` behind `left`, with nothing between. */
static int join(struct compiler *c, enum op_code code, struct operand *left, struct operand right)
{
    int rc = guard(c, right, c->code.op_count);
    if (rc == 0 && right.kind == OPERAND_VALUE)
        rc = emit(c, OP_TRUTH, c->token.column, 0, 0);
    if (rc == 0)
        rc = insert(c, right.start, code);
    if (rc < 0)
        return rc;
    expr_code_reach(&c->code, right.start);
    c->code.depth--;
    rc = guard(c, *left, right.start);
    left->kind = OPERAND_SAFE;
    return rc;
}

/* `name!=` with nothing behind it: the name is there. */
static bool ends_operand(const struct token *t)
{
    if (t->kind == TOKEN_SIGN)
        return t->sign->precedence > 0 && t->sign->precedence < 6;
    return t->kind == TOKEN_END || t->kind == TOKEN_CLOSE || t->kind == TOKEN_COMMA;
}

static int parse_existence(struct compiler *c, struct operand *left)
{
    if (left->kind != OPERAND_NAME)
        return refuse(c, ERR_EXPR_EXISTENCE);
    c->code.ops[left->start].code = OP_EXISTS;
    left->kind = OPERAND_SAFE;
    return 0;
}

/* ---- operators ---- */

static bool is_pattern(const struct compiler *c, size_t start, size_t end)
{
    const struct op *op = &c->code.ops[start];
    if (end - start != 1 || op->code != OP_CONSTANT)
        return false;
    const struct expr_value *v = &c->code.constants[op->arg];
    return v->type == EXPR_TEXT && expr_wildcard_is(v->text);
}

/* `==` and `!=` with a written text that has wildcards are matches, on whichever side it stands. */
static enum op_code equality_code(struct compiler *c, enum op_code code, const struct operand *left,
                                  const struct operand *right)
{
    size_t end = c->code.op_count;
    if (code != OP_EQUAL && code != OP_UNEQUAL)
        return code;
    if (is_pattern(c, left->start, right->start) && !is_pattern(c, right->start, end)) {
        struct op pattern = c->code.ops[left->start];
        memmove(&c->code.ops[left->start], &c->code.ops[right->start],
                (end - right->start) * sizeof(struct op));
        c->code.ops[end - 1] = pattern;
    } else if (!is_pattern(c, right->start, end)) {
        return code;
    }
    return code == OP_EQUAL ? OP_MATCH : OP_UNMATCH;
}

static int parse_logical(struct compiler *c, struct token sign, struct operand *left)
{
    struct operand right;
    size_t jump = c->code.op_count;
    int rc = emit(c, sign.sign->infix, sign.column, 0, 0);
    if (rc == 0)
        rc = parse_binary(c, sign.sign->precedence + 1, &right);
    if (rc == 0)
        rc = emit(c, OP_TRUTH, sign.column, 0, 0);
    if (rc == 0)
        expr_code_reach(&c->code, jump);
    left->kind = OPERAND_CLAIM;
    return rc;
}

/* `left` and the sign are read; afterwards `left` is the whole. */
static int parse_infix(struct compiler *c, struct token sign, struct operand *left)
{
    enum op_code code = sign.sign->infix;
    if (code == OP_AND || code == OP_OR)
        return parse_logical(c, sign, left);
    if (code == OP_UNEQUAL && ends_operand(&c->token))
        return parse_existence(c, left);
    struct operand right;
    int rc = parse_binary(c, sign.sign->precedence + 1, &right);
    if (rc < 0)
        return rc;
    if ((code == OP_BIT_OR || code == OP_BIT_AND) && (is_claim(*left) || is_claim(right)))
        return join(c, code == OP_BIT_OR ? OP_OR : OP_AND, left, right);
    code = equality_code(c, code, left, &right);
    left->kind = code >= OP_EQUAL && code <= OP_GREATER_EQUAL ? OPERAND_CLAIM : OPERAND_VALUE;
    return emit(c, code, sign.column, 0, 0);
}

static int parse_binary(struct compiler *c, unsigned precedence, struct operand *ret)
{
    int rc = enter(c);
    if (rc == 0)
        rc = parse_unary(c, ret);
    while (rc == 0 && c->token.kind == TOKEN_SIGN && c->token.sign->precedence >= precedence) {
        struct token sign = c->token;
        rc = next(c);
        if (rc == 0)
            rc = parse_infix(c, sign, ret);
    }
    c->depth--;
    return rc;
}

static int parse_conditional(struct compiler *c, struct operand *ret)
{
    int rc = enter(c);
    if (rc == 0)
        rc = parse_binary(c, 1, ret);
    if (rc == 0 && c->token.kind == TOKEN_QUESTION) {
        size_t column = c->token.column;
        ret->kind = OPERAND_VALUE;
        rc = next(c);
        if (rc == 0)
            rc = parse_choice(c, column, TOKEN_COLON, ERR_EXPR_COLON);
    }
    c->depth--;
    return rc;
}

static int parse_list(struct compiler *c, struct operand *ret)
{
    int rc = parse_conditional(c, ret);
    while (rc == 0 && c->token.kind == TOKEN_COMMA) {
        struct operand right;
        rc = next(c);
        if (rc == 0)
            rc = parse_conditional(c, &right);
        if (rc == 0)
            rc = join(c, OP_AND, ret, right);
    }
    return rc;
}

static int parse_whole(struct compiler *c)
{
    struct operand whole;
    int rc = next(c);
    if (rc == 0 && c->token.kind == TOKEN_END)
        return refuse(c, ERR_EXPR_EMPTY);
    if (rc == 0)
        rc = parse_list(c, &whole);
    if (rc == 0 && c->token.kind == TOKEN_CLOSE)
        return refuse(c, ERR_EXPR_PARENTHESIS_CLOSE);
    return rc < 0 ? rc : expect(c, TOKEN_END, ERR_EXPR_OPERATOR);
}

int expr_compile(struct span text, struct expr **ret_expr, size_t *ret_column)
{
    if (text.n > EXPR_TEXT_MAX) {
        *ret_column = EXPR_TEXT_MAX + 1;
        return err_raise(ERR_EXPR_TEXT_LONG);
    }
    struct compiler c;
    c.text = text;
    c.at = c.depth = 0;
    c.column = 1;
    expr_code_init(&c.code);
    int rc = parse_whole(&c);
    if (rc < 0) {
        *ret_column = c.column;
        return rc;
    }
    struct expr *e = expr_code_finish(&c.code);
    if (!e) {
        *ret_column = 1;
        return err_raise(ERR_NO_MEMORY);
    }
    *ret_expr = e;
    return 0;
}

void expr_free(struct expr **e)
{
    mem_free(MEM_EXPR, *e);
    *e = NULL;
}

size_t expr_bytes(const struct expr *e)
{
    return e->bytes;
}
