/* Options of a command line: `--name value`, `--name=value`, `--flag`, words between them. Each
 * command has a table of its own; parsing and help come from it. */
#ifndef TRACKWIRE_APP_OPTIONS_H
#define TRACKWIRE_APP_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_FLAG,    /* bool; takes no value */
    OPTION_TEXT,    /* const char *, borrowed from argv */
    OPTION_NUMBER,  /* uint64_t, whole */
    OPTION_SECONDS, /* double, not negative */
};

struct option_spec {
    const char *name; /* without the dashes */
    enum option_kind kind;
    size_t offset; /* in the command's struct */
    const char *argument, *help;
    uint64_t low, high; /* of numbers, and of seconds */
};

struct option_table {
    const struct option_spec *specs;
    size_t count;
};

struct option_problem {
    int err;
    char text[256]; /* for a person */
};

/* One option as it was typed. */
struct option_word {
    const char *name; /* after the dashes, not terminated at the `=`; NULL for a plain word */
    size_t name_n;
    const char *value; /* after `=`, else NULL; for a plain word, the word */
};

/* Takes apart `text`; `--` alone and plain words have no name. */
struct option_word option_word(const char *text);

/* Reads argv into `ret_values`. Plain words are moved to the front of argv, in order, and counted
 * in `ret_words`. ERR_OPTION_*, and `problem` says more. */
int options_parse(const struct option_table *table, int argc, char **argv, void *ret_values,
                  int *ret_words, struct option_problem *problem) MUST_USE;
/* A line for each option, to standard output. */
void options_print(const struct option_table *table);

#endif
