/* The text of an expression, token by token: the first step of compiling. Knows characters and
 * signs, not what may stand beside what. */
#include "expr/expr_internal.h"

/* Precedence is C's. Comparisons bind tighter than `&` and `|`, which is what lets the former
 * generation's `a=1|b=2` be read by the same rules. Longer signs stand before their beginnings. */
static const struct expr_sign signs[] = {
    {.text = "||", .infix = OP_OR, .precedence = 1},
    {.text = "&&", .infix = OP_AND, .precedence = 2},
    {.text = "==", .infix = OP_EQUAL, .precedence = 6},
    {.text = "!=", .infix = OP_UNEQUAL, .precedence = 6},
    {.text = "<=", .infix = OP_LESS_EQUAL, .precedence = 7},
    {.text = ">=", .infix = OP_GREATER_EQUAL, .precedence = 7},
    {.text = "<<", .infix = OP_SHIFT_LEFT, .precedence = 8},
    {.text = ">>", .infix = OP_SHIFT_RIGHT, .precedence = 8},
    {.text = "|", .infix = OP_BIT_OR, .precedence = 3},
    {.text = "^", .infix = OP_BIT_XOR, .precedence = 4},
    {.text = "&", .infix = OP_BIT_AND, .precedence = 5},
    {.text = "=", .infix = OP_EQUAL, .precedence = 6},
    {.text = "~", .infix = OP_MATCH, .precedence = 6, .prefix = OP_BIT_NOT, .is_prefix = true},
    {.text = "<", .infix = OP_LESS, .precedence = 7},
    {.text = ">", .infix = OP_GREATER, .precedence = 7},
    {.text = "+", .infix = OP_ADD, .precedence = 9, .prefix = OP_PLUS, .is_prefix = true},
    {.text = "-", .infix = OP_SUBTRACT, .precedence = 9, .prefix = OP_NEGATE, .is_prefix = true},
    {.text = "*", .infix = OP_MULTIPLY, .precedence = 10},
    {.text = "/", .infix = OP_DIVIDE, .precedence = 10},
    {.text = "%", .infix = OP_MODULO, .precedence = 10},
    {.text = "!", .prefix = OP_NOT, .is_prefix = true},
};

static const struct {
    char c;
    enum token_kind kind;
} marks[] = {
    {'(', TOKEN_OPEN},     {')', TOKEN_CLOSE}, {',', TOKEN_COMMA},
    {'?', TOKEN_QUESTION}, {':', TOKEN_COLON},
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of UTF-8 beyond ASCII are letters: vendors name parameters in their own language. */
static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static size_t name_length(struct span s)
{
    size_t n = 0;
    while (n < s.n && (is_letter(s.p[n]) || is_digit(s.p[n]) || s.p[n] == '.'))
        n++;
    return n;
}

/* Letters are taken too, so that 12abc is one wrong number and not two tokens. */
static size_t number_length(struct span s)
{
    bool is_hex = s.n > 1 && (s.p[1] | 0x20) == 'x';
    size_t n = 0;
    for (; n < s.n; n++) {
        bool is_exponent_sign =
            !is_hex && n > 0 && (s.p[n] == '+' || s.p[n] == '-') && (s.p[n - 1] | 0x20) == 'e';
        if (!is_letter(s.p[n]) && !is_digit(s.p[n]) && s.p[n] != '.' && !is_exponent_sign)
            break;
    }
    return n;
}

static int read_number(struct span rest, struct token *token)
{
    struct span digits = span_head(rest, number_length(rest));
    if (!expr_number_parse(digits, &token->number))
        return err_raise(ERR_EXPR_NUMBER);
    token->kind = TOKEN_NUMBER;
    return (int)digits.n;
}

static int read_name(struct span rest, struct token *token)
{
    token->text = span_head(rest, name_length(rest));
    if (token->text.n > EXPR_NAME_MAX)
        return err_raise(ERR_EXPR_NAME_LONG);
    token->kind = TOKEN_NAME;
    return (int)token->text.n;
}

static int read_dollar_name(struct span rest, struct token *token)
{
    struct span name = span_from(rest, 1);
    if (name.n == 0 || !is_letter(name.p[0]))
        return err_raise(ERR_EXPR_DOLLAR);
    int n = read_name(name, token);
    if (n < 0)
        return n;
    token->kind = TOKEN_NAME_OR_NULL;
    return n + 1;
}

static int read_text(struct span rest, struct token *token)
{
    size_t n = 1;
    while (n < rest.n && rest.p[n] != rest.p[0])
        n += rest.p[n] == '\\' ? 2 : 1;
    if (n >= rest.n)
        return err_raise(ERR_EXPR_TEXT_OPEN);
    token->kind = TOKEN_TEXT;
    token->text = span_of(rest.p + 1, n - 1);
    return (int)n + 1;
}

static int read_mark(struct span rest, struct token *token)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (rest.p[0] == (uint8_t)marks[i].c) {
            token->kind = marks[i].kind;
            return 1;
        }
    }
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (span_starts(rest, span_str(signs[i].text))) {
            token->kind = TOKEN_SIGN;
            token->sign = &signs[i];
            return (int)strlen(signs[i].text);
        }
    }
    return err_raise(ERR_EXPR_CHARACTER);
}

static int read_token(struct span rest, struct token *token)
{
    uint8_t c = rest.p[0];
    if (is_digit(c) || (c == '.' && rest.n > 1 && is_digit(rest.p[1])))
        return read_number(rest, token);
    if (is_letter(c))
        return read_name(rest, token);
    if (c == '$')
        return read_dollar_name(rest, token);
    if (c == '"' || c == '\'')
        return read_text(rest, token);
    return read_mark(rest, token);
}

int expr_token_next(struct span text, size_t *at, struct token *ret_token)
{
    while (*at < text.n && is_space(text.p[*at]))
        ++*at;
    *ret_token = (struct token){.kind = TOKEN_END, .column = *at + 1};
    struct span rest = span_from(text, *at);
    if (rest.n == 0)
        return 0;
    int n = read_token(rest, ret_token);
    if (n < 0)
        return n;
    *at += (size_t)n;
    return 0;
}
