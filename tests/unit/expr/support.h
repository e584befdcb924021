/* Shared by the tests of expr/: an expression over a JSON object, its outcome as text. */
#ifndef TRACKWIRE_TESTS_UNIT_EXPR_SUPPORT_H
#define TRACKWIRE_TESTS_UNIT_EXPR_SUPPORT_H

#include "expr/expr.h"

#define OUTCOME_MAX 1024

struct row {
    const char *text;
    const char *outcome; /* null, true, 1.5, 'text', json, or ERR_EXPR_X@column */
};

/* Writes how `text` compiles and evaluates over `source`. Fails the test when a refusal to compile
 * is not counted, or a filter and its value disagree. */
void outcome_of(struct span text, const struct expr_source *source, char outcome[OUTCOME_MAX]);
/* Fails the test with the row's text where an outcome over the JSON object differs. */
void assert_rows(const char *json, const struct row *rows, size_t count);

#define ASSERT_ROWS(json, rows) assert_rows(json, rows, sizeof(rows) / sizeof((rows)[0]))

#endif
