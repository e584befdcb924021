/* The language at work: what expressions of both generations give over a message. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/mem.h"

static const char message[] =
    "{\"ident\":\"352093081452251\",\"device.name\":\"123456789012345\",\"position.speed\":62.5,"
    "\"engine.ignition.status\":true,\"din\":9,\"zero\":0,\"off\":false,\"nothing\":null,"
    "\"empty\":\"\",\"code\":\"301\",\"event_code\":301,\"gsm\":{\"mcc\":257},"
    "\"list\":[1,2,3],\"plate\":\"AB?12*\",\"path\":\"C:\\\\x\",\"\xc3\xb6l.stand\":5,"
    "\"truth\":1,\"if\":7}";

static void test_values(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1", "1"},
        {"1.5", "1.5"},
        {".5", "0.5"},
        {"5.", "5"},
        {"1e3", "1000"},
        {"1.5E-3", "0.0015"},
        {"2e+2", "200"},
        {"0x1F", "31"},
        {"0XfF", "255"},
        {"9007199254740991 - 9007199254740990", "1"},
        {"'a'", "'a'"},
        {"\"a\"", "'a'"},
        {"\"it's\"", "'it's'"},
        {"'say \"hi\"'", "'say \"hi\"'"},
        {"'a\\'b'", "'a'b'"},
        {"'a\\\\b'", "'a\\b'"},
        {"'\\n\\r\\t'", "'\n\r\t'"},
        {"'\\*\\?'", "'\\*\\?'"},
        {"''", "''"},
        {"true", "true"},
        {"false", "false"},
        {"null", "null"},
        {"ident", "'352093081452251'"},
        {"position.speed", "62.5"},
        {"  \t\r\n din \n", "9"},
        {"\xc3\xb6l.stand", "5"},
        {"gsm", "json"},
        {"gsm.mcc", "257"},
        {"list.1", "2"},
        {"nothing", "null"},
        {"if", "7"}, /* a name, where no parenthesis follows */
        {"absent", "ERR_EXPR_ABSENT@1"},
        {"$absent", "null"},
        {"$din", "9"},
        {"$true", "null"}, /* a name, not the keyword */
        {"((din))", "9"},
    };
    ASSERT_ROWS(message, rows);
}

static void test_arithmetic(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1+2*3", "7"},
        {"(1+2)*3", "9"},
        {"10-4-3", "3"},
        {"2*9/3", "6"},
        {"7%4", "3"},
        {"-7%4", "-3"},
        {"7.5%2", "1.5"},
        {"-2*-3", "6"},
        {"--2", "2"},
        {"1 - -1", "2"},
        {"+'12'", "12"},
        {"+-+3", "-3"},
        {"'12'+1", "13"},
        {"' 12 '*2", "24"},
        {"true+true", "2"},
        {"$absent+1", "1"},
        {"nothing-1", "-1"},
        {"din/2", "4.5"},
        {"1/0", "ERR_EXPR_DIVISION@2"},
        {"1%zero", "ERR_EXPR_DIVISION@2"},
        {"1e308*10", "ERR_EXPR_RANGE@6"},
        {"-1e308-1e308", "ERR_EXPR_RANGE@7"},
        {"1e308/1e-10", "ERR_EXPR_RANGE@6"},
        {"1+'x'", "ERR_EXPR_NOT_NUMBER@2"},
        {"-'x'", "ERR_EXPR_NOT_NUMBER@1"},
        {"+empty", "ERR_EXPR_NOT_NUMBER@1"},
        {"1+'inf'", "ERR_EXPR_NOT_NUMBER@2"},
        {"1+'1e999'", "ERR_EXPR_NOT_NUMBER@2"},
        {"1+gsm", "ERR_EXPR_JSON_NUMBER@2"},
        {"list*2", "ERR_EXPR_JSON_NUMBER@5"},
    };
    ASSERT_ROWS(message, rows);
}

static void test_bits(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"din & 0x1", "1"},
        {"din & 2", "0"},
        {"din | 6", "15"},
        {"12 ^ 10", "6"},
        {"~0", "-1"},
        {"~din & 15", "6"},
        {"1<<4", "16"},
        {"256>>4", "16"},
        {"-1>>1", "-1"},
        {"9.9 & 15", "9"},
        {"1|2^3&4", "3"}, /* & before ^ before | */
        {"1+1<<2", "8"},
        {"1<<62 == 4611686018427387904", "true"},
        {"1<<63 < 0", "true"},
        {"1<<64", "ERR_EXPR_SHIFT@2"},
        {"1>>-1", "ERR_EXPR_SHIFT@2"},
        {"1e17 & 1", "ERR_EXPR_BITS@6"},
        {"~1e17", "ERR_EXPR_BITS@1"},
        {"1 | 'x'", "ERR_EXPR_NOT_NUMBER@3"},
        {"~'x'", "ERR_EXPR_NOT_NUMBER@1"},
        {"(9 & 1) == 1", "true"},
    };
    ASSERT_ROWS(message, rows);
}

static void test_comparison(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1<2", "true"},
        {"2<=2", "true"},
        {"2>2", "false"},
        {"2>=2", "true"},
        {"3<2", "false"},
        {"3<=2", "false"},
        {"1>=2", "false"},
        {"1==1.0", "true"},
        {"1!=1", "false"},
        {"'a'<'b'", "true"},
        {"'b'>='ba'", "false"},
        {"'10'<'9'", "true"}, /* texts by their bytes */
        {"'10'<9", "false"},  /* a text and a number as numbers */
        {"'x'<9", "ERR_EXPR_NOT_NUMBER@4"},
        {"9<'x'", "ERR_EXPR_NOT_NUMBER@2"},
        {"gsm<1", "ERR_EXPR_JSON_NUMBER@4"},
        {"ident==352093081452251", "true"},
        {"code==301", "true"},
        {"event_code=='301'", "true"},
        {"ident=='x'", "false"},
        {"'x'==1", "false"},
        {"engine.ignition.status==true", "true"},
        {"engine.ignition.status==1", "true"},
        {"off==0", "true"},
        {"off=='false'", "false"},
        {"nothing==null", "true"},
        {"$absent==null", "true"},
        {"null==0", "false"},
        {"null==false", "false"},
        {"null==''", "false"},
        {"null!=0", "true"},
        {"$absent==0", "false"},
        {"$absent<1", "true"}, /* in an order null counts as 0 */
        {"abs($absent)>=0", "true"},
        {"gsm==1", "false"},
        {"gsm==gsm", "false"},
        {"gsm==null", "false"},
        {"gsm!=null", "true"},
        {"absent==1", "ERR_EXPR_ABSENT@1"},
        {"1==absent", "ERR_EXPR_ABSENT@4"},
        {"1<2==true", "true"},
        {"1<2<3", "true"}, /* (1<2)<3, as in C */
        {"3>2>1", "false"},
    };
    ASSERT_ROWS(message, rows);
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"device.name == \"12*45\"", "true"},
        {"device.name == '12*46'", "false"},
        {"device.name != '12*46'", "true"},
        {"device.name != '12*45'", "false"},
        {"device.name == '????56789012345'", "true"},
        {"device.name == '?????56789012345'", "false"},
        {"'12*45' == device.name", "true"},
        {"'12*45' != device.name", "false"},
        {"'35*' == (din > 5 ? ident : code)", "true"},
        {"device.name ~ '*9012*'", "true"},
        {"device.name ~ '*x*'", "false"},
        {"device.name ~ device.name", "true"},
        {"event_code == '3*'", "true"}, /* a number as it is written */
        {"event_code ~ '?01'", "true"},
        {"0.5 ~ '0.?'", "true"},
        {"off ~ 'f*'", "true"},
        {"plate == 'AB\\?12\\*'", "true"},
        {"plate == 'AB\\?13\\*'", "false"},
        {"device.name == plate", "false"}, /* only what is written is a pattern for == */
        {"plate ~ plate", "true"},
        {"path == 'C:\\\\x'", "true"},
        {"'a*' == 'a*'", "true"},
        {"nothing ~ '*'", "false"},
        {"$absent ~ '*'", "false"},
        {"$absent == '*'", "false"},
        {"$absent != '*'", "true"},
        {"gsm ~ '*'", "false"},
        {"empty ~ '*'", "true"},
        {"absent ~ '*'", "ERR_EXPR_ABSENT@1"},
        {"din ~ 9", "ERR_EXPR_PATTERN@5"},
        {"din ~ null", "ERR_EXPR_PATTERN@5"},
    };
    ASSERT_ROWS(message, rows);
}

static void test_logic(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"true && true", "true"},
        {"true && 0", "false"},
        {"0 || 'x'", "true"},
        {"0 || ''", "false"},
        {"7 && 'x'", "true"},
        {"gsm && true", "true"},
        {"null || false", "false"},
        {"!true", "false"},
        {"!0", "true"},
        {"!!din", "true"},
        {"not(din)", "false"},
        {"not($absent)", "true"},
        {"not(gsm)", "false"},
        {"!din == 0", "true"}, /* (!din) == 0 */
        {"true || false && false", "true"},
        {"(true || false) && false", "false"},
        {"false && absent", "false"}, /* what is not reached is no error */
        {"true || absent", "true"},
        {"absent || true", "ERR_EXPR_ABSENT@1"},
        {"true && absent", "ERR_EXPR_ABSENT@9"},
        {"!absent", "ERR_EXPR_ABSENT@2"},
        {"position.speed>60 && engine.ignition.status==true", "true"},
        {"position.speed>70 || din==9", "true"},
        {"($absent==1) || (din==9)", "true"},
        {"1 ? 2 : 3", "2"},
        {"0 ? 2 : 3", "3"},
        {"1 ? 2 : absent", "2"},
        {"0 ? absent : 3", "3"},
        {"0 ? 1 : 0 ? 2 : 3", "3"},
        {"1 ? 0 ? 1 : 2 : 3", "2"},
        {"din > 5 ? 'high' : 'low'", "'high'"},
        {"1 + (1 ? 2 : 3) * 2", "5"},
        {"(0 ? 1 : 2) == 2", "true"},
        {"if(din>5, 'high', 'low')", "'high'"},
        {"if(0, absent, 1)", "1"},
        {"if(1, 1, absent)", "1"},
        {"if(absent, 1, 2)", "ERR_EXPR_ABSENT@4"},
        {"if(position.speed > 100, 1, if(position.speed > 50, 2, 3))", "2"},
        {"if(din > 10, din, error())", "ERR_EXPR_RAISED@19"},
    };
    ASSERT_ROWS(message, rows);
}

static void test_former_generation(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"event_code=301", "true"},
        {"event_code=302", "false"},
        {"event_code='301'", "true"},
        {"type=2", "ERR_EXPR_ABSENT@1"},
        {"device.name='12*45'", "true"},
        {"position.speed>60", "true"},
        {"event_code=1|event_code=301", "true"},
        {"event_code=301&position.speed>60", "true"},
        {"event_code=301&position.speed>70", "false"},
        {"event_code=1|event_code=2|din=9", "true"},
        {"event_code=301,din=9", "true"},
        {"event_code=301,din=8", "false"},
        {"din=8|din=9,event_code=301", "true"}, /* the comma binds loosest */
        {"din=9|din=8&off=true", "true"},       /* & before | */
        {"(din=9|din=8)&off=true", "false"},
        {"absent=1|din=9", "true"}, /* an absent name makes its own claim false only */
        {"din=9|absent=1", "true"},
        {"absent=1|absent=2", "false"},
        {"absent=1&din=9", "false"},
        {"!(absent=1)|din=1", "false"},
        {"din=9&'x'<1", "false"},
        {"din|event_code=1", "true"}, /* a name beside a claim: it is there */
        {"zero|event_code=1", "true"},
        {"event_code=1|zero", "true"},
        {"absent|event_code=301", "true"},
        {"absent&event_code=301", "false"},
        {"nothing&event_code=301", "false"},
        {"zero,off", "true"},
        {"zero,absent", "false"},
        {"(zero)&din=9", "true"},
        {"zero!=", "true"},
        {"absent!=", "false"},
        {"nothing!=", "false"},
        {"absent!=|din=9", "true"},
        {"zero!=&din=9", "true"},
        {"zero!=&&din=9", "true"},
        {"(zero!=),din=9", "true"},
        {"zero!=,din=9", "true"},
        {"not(absent!=)", "true"},
        {"zero", "0"}, /* alone its value counts: where the generations differ, the new one rules */
        {"din&8", "8"},
        {"din|off", "9"},
        {"isnull(nothing)|absent=1", "true"},
        {"isnull(absent)|din=9", "true"},
        {"(din=1?absent:din=9)&din=9", "true"},
        {"(din=9?absent:1)&din=9", "false"},
        {"1+(absent=1|din=9)", "2"},
        {"1+(din=9&absent=1|off=true)", "1"},
        {"2*(1+(din=8|(absent=1|din=9)))", "4"},
        {"1+('f*'==(absent=1|absent=2))", "2"}, /* the pattern is moved behind the join */
        {"1+(din=9&'f*'==(absent=1|absent=2))", "2"},
        {"din=9&din+0", "true"}, /* a value beside a claim becomes one */
        {"din+0&din=9", "true"},
        {"din=9&din-9", "false"},
        {"$absent=1 || $din = 9", "true"},
        {"absent=1 || din=9", "ERR_EXPR_ABSENT@1"},
    };
    ASSERT_ROWS(message, rows);
}

static int refuse_lookup(void *context, struct span name, struct expr_value *ret_value)
{
    (void)context;
    (void)name;
    (void)ret_value;
    return ERR_NO_MEMORY;
}

static void test_a_source_may_refuse(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a", "ERR_NO_MEMORY@1"}, {"1 && $a", "ERR_NO_MEMORY@6"}, {"exists(a)", "false"},
        {"a=1|true&1=1", "true"}, {"$a!=null|1=1", "true"},       {"a|1=2", "false"},
        {"1 ? 2 : a", "2"},
    };
    struct expr_source source = {refuse_lookup, NULL};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char outcome[OUTCOME_MAX];
        outcome_of(span_str(rows[i].text), &source, outcome);
        assert_string_equal(outcome, rows[i].outcome);
    }
}

/* A text of a result may lie in the program: the constant outlives the source's text. */
static void test_a_program_owns_its_text(void **state)
{
    (void)state;
    char text[] = "if(1, 'kept', name)";
    struct expr *e;
    size_t column;
    struct expr_result result;
    struct expr_source source = {refuse_lookup, NULL};
    assert_int_equal(expr_compile(span_str(text), &e, &column), 0);
    memset(text, '#', sizeof(text));
    assert_int_equal(expr_eval(e, &source, &result), 0);
    assert_true(span_equal(result.value.text, SPAN_LIT("kept")));
    expr_free(&e);
}

static void test_evaluation_allocates_nothing(void **state)
{
    (void)state;
    struct expr *e;
    size_t column;
    struct expr_source source = {refuse_lookup, NULL};
    assert_int_equal(
        expr_compile(SPAN_LIT("upper('a') ~ 'A*' && tostring(1.5) == 'x'"), &e, &column), 0);
    int64_t before[MEM_TAG_COUNT_];
    for (unsigned tag = 0; tag < MEM_TAG_COUNT_; tag++)
        before[tag] = mem_bytes(tag);
    struct expr_result result;
    assert_int_equal(expr_eval(e, &source, &result), 0);
    for (unsigned tag = 0; tag < MEM_TAG_COUNT_; tag++)
        assert_int_equal(mem_bytes(tag), before[tag]);
    expr_free(&e);
}

static void test_errors_of_evaluation_are_not_counted(void **state)
{
    (void)state;
    static const struct row rows[] = {{"absent", "ERR_EXPR_ABSENT@1"}};
    uint64_t before = err_count(ERR_EXPR_ABSENT);
    ASSERT_ROWS("{}", rows);
    assert_int_equal(err_count(ERR_EXPR_ABSENT), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_logic),
        cmocka_unit_test(test_former_generation),
        cmocka_unit_test(test_a_source_may_refuse),
        cmocka_unit_test(test_a_program_owns_its_text),
        cmocka_unit_test(test_evaluation_allocates_nothing),
        cmocka_unit_test(test_errors_of_evaluation_are_not_counted),
    };
    return cmocka_run_group_tests_name("expr/eval", tests, NULL, NULL);
}
