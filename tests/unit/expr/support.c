/* Shared by the tests of expr/. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "expr/json_source.h"

static void write_value(const struct expr_value *v, char outcome[OUTCOME_MAX])
{
    switch (v->type) {
    case EXPR_NULL:
        (void)snprintf(outcome, OUTCOME_MAX, "null");
        break;
    case EXPR_BOOLEAN:
        (void)snprintf(outcome, OUTCOME_MAX, v->is_true ? "true" : "false");
        break;
    case EXPR_NUMBER:
        (void)snprintf(outcome, OUTCOME_MAX, "%.15g", v->number);
        break;
    case EXPR_TEXT:
        (void)snprintf(outcome, OUTCOME_MAX, "'%.*s'", SPAN_FMT(v->text));
        break;
    default:
        (void)snprintf(outcome, OUTCOME_MAX, "json");
        break;
    }
}

static bool expected_truth(const struct expr_value *v)
{
    return v->type == EXPR_JSON || (v->type == EXPR_BOOLEAN && v->is_true) ||
           (v->type == EXPR_NUMBER && v->number != 0) || (v->type == EXPR_TEXT && v->text.n);
}

static void evaluate(const struct expr *e, const struct expr_source *source,
                     char outcome[OUTCOME_MAX])
{
    struct expr_result result;
    int rc = expr_eval(e, source, &result);
    if (rc < 0)
        (void)snprintf(outcome, OUTCOME_MAX, "%s@%zu", err_name(rc), result.column);
    else
        write_value(&result.value, outcome);
    assert_int_equal(expr_is_true(e, source), rc == 0 && expected_truth(&result.value));
}

void outcome_of(struct span text, const struct expr_source *source, char outcome[OUTCOME_MAX])
{
    struct expr *e;
    size_t column = 0;
    int64_t before = mem_bytes(MEM_EXPR);
    int rc = expr_compile(text, &e, &column);
    if (rc < 0) {
        (void)snprintf(outcome, OUTCOME_MAX, "%s@%zu", err_name(rc), column);
        assert_true(err_count(rc) > 0);
    } else {
        assert_true(mem_bytes(MEM_EXPR) - before >= (int64_t)expr_bytes(e));
        evaluate(e, source, outcome);
        expr_free(&e);
        assert_null(e);
    }
    assert_int_equal(mem_bytes(MEM_EXPR), before);
}

void assert_rows(const char *json, const struct row *rows, size_t count)
{
    json_t *object = json_loads(json, 0, NULL);
    assert_non_null(object);
    struct expr_source source = expr_json_source(object);
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        char outcome[OUTCOME_MAX];
        outcome_of(span_str(rows[i].text), &source, outcome);
        if (strcmp(outcome, rows[i].outcome) != 0) {
            print_error("%s\n    gives %s, not %s\n", rows[i].text, outcome, rows[i].outcome);
            failed++;
        }
    }
    json_decref(object);
    assert_int_equal(failed, 0);
}
