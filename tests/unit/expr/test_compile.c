/* What the compiler refuses, and where; its limits, each at its last value and one past it. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_refusals_name_what_and_where(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "ERR_EXPR_EMPTY@1"},
        {"  ", "ERR_EXPR_EMPTY@3"},
        {"a # b", "ERR_EXPR_CHARACTER@3"},
        {"email=123@gmail.com", "ERR_EXPR_CHARACTER@10"},
        {"a == [1]", "ERR_EXPR_CHARACTER@6"},
        {"a; b", "ERR_EXPR_CHARACTER@2"},
        {"1 + 12abc", "ERR_EXPR_NUMBER@5"},
        {"1.2.3", "ERR_EXPR_NUMBER@1"},
        {"1e", "ERR_EXPR_NUMBER@1"},
        {"0x", "ERR_EXPR_NUMBER@1"},
        {"0x1g", "ERR_EXPR_NUMBER@1"},
        {"0x1.8", "ERR_EXPR_NUMBER@1"},
        {"0x12345678901234567", "ERR_EXPR_NUMBER@1"},
        {"1e999", "ERR_EXPR_NUMBER@1"},
        {"a == 'x", "ERR_EXPR_TEXT_OPEN@6"},
        {"'x\\", "ERR_EXPR_TEXT_OPEN@1"},
        {"'x\\'", "ERR_EXPR_TEXT_OPEN@1"},
        {"\"x'", "ERR_EXPR_TEXT_OPEN@1"},
        {"a == 'b\\q'", "ERR_EXPR_ESCAPE@8"},
        {"$", "ERR_EXPR_DOLLAR@1"},
        {"1+$2", "ERR_EXPR_DOLLAR@3"},
        {"$ a", "ERR_EXPR_DOLLAR@1"},
        {"a ==", "ERR_EXPR_OPERAND@5"},
        {"== a", "ERR_EXPR_OPERAND@1"},
        {"a = = b", "ERR_EXPR_OPERAND@5"},
        {"()", "ERR_EXPR_OPERAND@2"},
        {"a && || b", "ERR_EXPR_OPERAND@6"},
        {"a,", "ERR_EXPR_OPERAND@3"},
        {",a", "ERR_EXPR_OPERAND@1"},
        {"a=", "ERR_EXPR_OPERAND@3"},
        {"abs(,1)", "ERR_EXPR_OPERAND@5"},
        {"-", "ERR_EXPR_OPERAND@2"},
        {"a b", "ERR_EXPR_OPERATOR@3"},
        {"a 'x'", "ERR_EXPR_OPERATOR@3"},
        {"(a) (b)", "ERR_EXPR_OPERATOR@5"},
        {"$a(1)", "ERR_EXPR_OPERATOR@3"},
        {"a : b", "ERR_EXPR_OPERATOR@3"},
        {"a ! b", "ERR_EXPR_OPERATOR@3"},
        {"(a", "ERR_EXPR_PARENTHESIS_OPEN@3"},
        {"((a)", "ERR_EXPR_PARENTHESIS_OPEN@5"},
        {"a)", "ERR_EXPR_PARENTHESIS_CLOSE@2"},
        {"(a))", "ERR_EXPR_PARENTHESIS_CLOSE@4"},
        {"a ? b", "ERR_EXPR_COLON@6"},
        {"a ? b, c", "ERR_EXPR_COLON@6"},
        {"1!=", "ERR_EXPR_EXISTENCE@4"},
        {"$a!=", "ERR_EXPR_EXISTENCE@5"},
        {"a+b!=", "ERR_EXPR_EXISTENCE@6"},
        {"nosuch(1)", "ERR_EXPR_FUNCTION@1"},
        {"1 + abss(1)", "ERR_EXPR_FUNCTION@5"},
        {"abs()", "ERR_EXPR_ARGUMENTS_FEWER@5"},
        {"pow(1)", "ERR_EXPR_ARGUMENTS_FEWER@6"},
        {"abs(1, 2)", "ERR_EXPR_ARGUMENTS_MORE@8"},
        {"error(1)", "ERR_EXPR_ARGUMENTS_MORE@7"},
        {"min(1,2,3,4,5,6,7,8,9)", "ERR_EXPR_ARGUMENTS_MORE@21"},
        {"abs(1", "ERR_EXPR_ARGUMENTS_OPEN@6"},
        {"abs(1 2)", "ERR_EXPR_ARGUMENTS_OPEN@7"},
        {"if(1, 2, 3", "ERR_EXPR_CALL_OPEN@11"},
        {"if(1, 2, 3, 4)", "ERR_EXPR_CALL_OPEN@11"},
        {"exists(a, b)", "ERR_EXPR_CALL_OPEN@9"},
        {"if(1)", "ERR_EXPR_IF@5"},
        {"if()", "ERR_EXPR_OPERAND@4"},
        {"if(1, 2)", "ERR_EXPR_IF_ELSE@8"},
        {"exists('a')", "ERR_EXPR_EXISTS@8"},
        {"exists(1+a)", "ERR_EXPR_EXISTS@8"},
    };
    ASSERT_ROWS("{}", rows);
}

static int find_nothing(void *context, struct span name, struct expr_value *ret_value)
{
    (void)context;
    (void)name;
    (void)ret_value;
    return 0;
}

/* The outcome of `head`, `count` times `piece`, then `tail`. */
static const char *repeat(const char *head, const char *piece, size_t count, const char *tail)
{
    static char outcome[OUTCOME_MAX];
    struct expr_source source = {find_nothing, NULL};
    struct buf text = buf_make(MEM_BASE, 1 << 16);
    buf_add_str(&text, head);
    for (size_t i = 0; i < count; i++)
        buf_add_str(&text, piece);
    buf_add_str(&text, tail);
    outcome_of(buf_span(&text), &source, outcome);
    buf_fini(&text);
    return outcome;
}

static void test_text_limit(void **state)
{
    (void)state;
    assert_string_equal(repeat("1", " ", EXPR_TEXT_MAX - 1, ""), "1");
    assert_string_equal(repeat("1", " ", EXPR_TEXT_MAX, ""), "ERR_EXPR_TEXT_LONG@4097");
    assert_string_equal(repeat("strlen('", "x", EXPR_TEXT_MAX - 10, "')"), "4086");
}

static void test_name_limit(void **state)
{
    (void)state;
    assert_string_equal(repeat("", "n", EXPR_NAME_MAX, ""), "ERR_EXPR_ABSENT@1");
    assert_string_equal(repeat("", "n", EXPR_NAME_MAX + 1, ""), "ERR_EXPR_NAME_LONG@1");
    assert_string_equal(repeat("1+$", "n", EXPR_NAME_MAX, ""), "1");
    assert_string_equal(repeat("1+$", "n", EXPR_NAME_MAX + 1, ""), "ERR_EXPR_NAME_LONG@3");
}

/* Half of the nodes are values, half operators. */
static void test_nodes_limit(void **state)
{
    (void)state;
    assert_string_equal(repeat("1", "+1", EXPR_NODES_MAX / 2 - 1, ""), "256");
    assert_string_equal(repeat("-1", "+1", EXPR_NODES_MAX / 2 - 1, ""), "254");
    assert_string_equal(repeat("--1", "+1", EXPR_NODES_MAX / 2 - 1, ""), "ERR_EXPR_NODES@512");
}

/* The first comparison is four nodes with its guard, each further one five with its jump. */
static void test_nodes_limit_of_joins(void **state)
{
    (void)state;
    assert_string_equal(repeat("1=1", "&1=1", 101, ""), "true");
    assert_string_equal(repeat("1=1", "|1=1", 102, ""), "ERR_EXPR_NODES_INSERT@412");
}

static void test_depth_limit(void **state)
{
    (void)state;
    assert_string_equal(repeat("", "!", 61, "0"), "true");
    assert_string_equal(repeat("", "!", 62, "0"), "ERR_EXPR_DEPTH@63");
    assert_string_equal(repeat("", "(", 1000, ""), "ERR_EXPR_DEPTH@22");
    assert_string_equal(repeat("", "not(", 1000, ""), "ERR_EXPR_DEPTH@85");
    assert_string_equal(repeat("", "1?", 1000, ""), "ERR_EXPR_DEPTH@125");
    assert_string_equal(repeat("", "1?1:", 1000, "1"), "ERR_EXPR_DEPTH@247");
    assert_string_equal(repeat("", "if(1,1,", 500, ""), "ERR_EXPR_DEPTH@144");
}

/* Each call holds seven arguments back while its last one is compiled. */
static void test_stack_limit(void **state)
{
    (void)state;
    assert_string_equal(repeat("", "max(1,1,1,1,1,1,1,", 13, "1))))))))))))))"),
                        "ERR_EXPR_PARENTHESIS_CLOSE@249");
    assert_string_equal(repeat("", "max(1,1,1,1,1,1,1,", 13, "1)))))))))))))"), "1");
    assert_string_equal(repeat("", "max(1,1,1,1,1,1,1,", 14, "1"), "ERR_EXPR_STACK@249");
}

static void test_size_is_small(void **state)
{
    (void)state;
    struct expr *e;
    size_t column;
    assert_int_equal(expr_compile(SPAN_LIT("position.speed>60"), &e, &column), 0);
    assert_in_range(expr_bytes(e), 1, 128);
    expr_free(&e);
    expr_free(&e); /* NULL by now, and allowed */
}

static void test_a_refusal_writes_no_program(void **state)
{
    (void)state;
    struct expr *e = NULL;
    size_t column = 0;
    assert_int_equal(expr_compile(SPAN_LIT("1 +"), &e, &column), ERR_EXPR_OPERAND);
    assert_null(e);
    assert_int_equal(column, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_name_what_and_where),
        cmocka_unit_test(test_text_limit),
        cmocka_unit_test(test_name_limit),
        cmocka_unit_test(test_nodes_limit),
        cmocka_unit_test(test_nodes_limit_of_joins),
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_stack_limit),
        cmocka_unit_test(test_size_is_small),
        cmocka_unit_test(test_a_refusal_writes_no_program),
    };
    return cmocka_run_group_tests_name("expr/compile", tests, NULL, NULL);
}
