/* Assembling a program: ops and constants while the compiler reads, one block when it is done.
 * Knows how ops move the stack, not the language. */
#include "expr/expr_internal.h"

#include <assert.h>

#include "base/mem.h"

_Static_assert(sizeof(struct op) == 8, "the constants behind the ops are aligned");
_Static_assert(EXPR_TEXT_MAX < UINT16_MAX, "a column fits an op");
_Static_assert(EXPR_STACK_MAX < UINT8_MAX, "a depth fits an op");

/* Values more (or fewer) on the stack after an op, where the path goes on to the next one. */
static int stack_effect(struct op op)
{
    if (op.code <= OP_EXISTS)
        return 1;
    if (op.code == OP_CALL)
        return 1 - (int)op.count;
    if (op.code <= OP_TRUTH || op.code == OP_JUMP || op.code == OP_GUARD)
        return 0;
    return -1;
}

void expr_code_init(struct code *c)
{
    c->op_count = c->constant_count = c->text_used = 0;
    c->depth = 0;
}

int expr_code_add(struct code *c, struct op op)
{
    int depth = (int)c->depth + stack_effect(op);
    assert(depth >= 0);
    if (depth > EXPR_STACK_MAX)
        return err_raise(ERR_EXPR_STACK);
    if (c->op_count == EXPR_NODES_MAX)
        return err_raise(ERR_EXPR_NODES);
    c->ops[c->op_count++] = op;
    c->depth = (unsigned)depth;
    return 0;
}

int expr_code_add_constant(struct code *c, enum op_code code, size_t column,
                           struct expr_value constant)
{
    struct op op = {(uint8_t)code, 0, (uint16_t)column, (uint32_t)c->constant_count};
    int rc = expr_code_add(c, op);
    if (rc < 0)
        return rc;
    if (constant.type == EXPR_TEXT) {
        /* Each text is a part of the expression that no other one shares, so all of them fit. */
        assert(constant.text.n <= sizeof(c->text) - c->text_used);
        uint8_t *copy = c->text + c->text_used;
        if (constant.text.n)
            memcpy(copy, constant.text.p, constant.text.n);
        c->text_used += constant.text.n;
        constant.text.p = copy;
    }
    c->constants[c->constant_count++] = constant;
    return 0;
}

int expr_code_insert(struct code *c, size_t at, struct op op)
{
    if (c->op_count == EXPR_NODES_MAX)
        return err_raise(ERR_EXPR_NODES_INSERT);
    memmove(&c->ops[at + 1], &c->ops[at], (c->op_count - at) * sizeof(struct op));
    c->ops[at] = op;
    c->op_count++;
    return 0;
}

void expr_code_reach(struct code *c, size_t at)
{
    c->ops[at].arg = (uint32_t)(c->op_count - at - 1);
}

/* How many values lie below a guarded piece is known when all pieces are in place: while the code
 * is assembled they still move. Every op is reached from before, by the op in front of it or a
 * jump. */
static void set_guard_depths(struct op *ops, size_t count)
{
    unsigned depth_at[EXPR_NODES_MAX + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        unsigned depth = depth_at[i];
        unsigned after = (unsigned)((int)depth + stack_effect(ops[i]));
        size_t target = i + 1 + ops[i].arg;
        if (ops[i].code == OP_GUARD)
            ops[i].count = (uint8_t)depth;
        if (ops[i].code == OP_AND || ops[i].code == OP_OR || ops[i].code == OP_JUMP)
            depth_at[target] = depth;
        else if (ops[i].code == OP_JUMP_FALSE)
            depth_at[target] = after;
        if (ops[i].code != OP_JUMP)
            depth_at[i + 1] = after;
    }
    assert(depth_at[count] == 1);
}

struct expr *expr_code_finish(const struct code *c)
{
    size_t ops_bytes = c->op_count * sizeof(struct op);
    size_t constants_bytes = c->constant_count * sizeof(struct expr_value);
    size_t bytes = sizeof(struct expr) + ops_bytes + constants_bytes + c->text_used;
    struct expr *e = mem_alloc(MEM_EXPR, bytes);
    if (!e)
        return NULL;
    struct expr_value *constants = (struct expr_value *)(e->ops + c->op_count);
    uint8_t *text = (uint8_t *)(constants + c->constant_count);
    memcpy(e->ops, c->ops, ops_bytes);
    memcpy(constants, c->constants, constants_bytes);
    memcpy(text, c->text, c->text_used);
    for (size_t i = 0; i < c->constant_count; i++) {
        if (constants[i].type == EXPR_TEXT)
            constants[i].text.p = text + (c->constants[i].text.p - c->text);
    }
    set_guard_depths(e->ops, c->op_count);
    e->bytes = bytes;
    e->op_count = c->op_count;
    e->constants = constants;
    return e;
}
