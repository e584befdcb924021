/* Reading a command line by its table. */
#include "app/options.h"

#include "app/suggest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct option_word option_word(const char *text)
{
    if (text[0] != '-' || text[1] != '-' || !text[2])
        return (struct option_word){NULL, 0, text};
    const char *name = text + 2;
    struct span all = span_str(name);
    size_t n = span_find(all, '=');
    return (struct option_word){name, n, n < all.n ? name + n + 1 : NULL};
}

static const struct option_spec *find(const struct option_table *table, struct span name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (span_equal(name, span_str(table->specs[i].name)))
            return &table->specs[i];
    }
    return NULL;
}

static int unknown(const struct option_table *table, struct span name,
                   struct option_problem *problem)
{
    struct suggestion suggestion = suggestion_for(name);
    for (size_t i = 0; i < table->count; i++)
        suggestion_offer(&suggestion, table->specs[i].name);
    (void)snprintf(problem->text, sizeof(problem->text), "there is no option --%.*s%s%s%s",
                   SPAN_FMT(name), suggestion.best ? "; did you mean --" : "",
                   suggestion.best ? suggestion.best : "", suggestion.best ? "?" : "");
    return ERR_OPTION_UNKNOWN;
}

static int read_number(const struct option_spec *spec, const char *text, void *ret,
                       struct option_problem *problem)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && number >= spec->low &&
        number <= spec->high) {
        *(uint64_t *)ret = number;
        return 0;
    }
    (void)snprintf(problem->text, sizeof(problem->text),
                   "--%s wants a number from %llu to %llu, not \"%s\"", spec->name,
                   (unsigned long long)spec->low, (unsigned long long)spec->high, text);
    return ERR_OPTION_VALUE;
}

static int read_seconds(const struct option_spec *spec, const char *text, void *ret,
                        struct option_problem *problem)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end != text && !*end && isfinite(seconds) && seconds >= (double)spec->low &&
        seconds <= (double)spec->high) {
        *(double *)ret = seconds;
        return 0;
    }
    (void)snprintf(problem->text, sizeof(problem->text),
                   "--%s wants seconds from %llu to %llu, not \"%s\"", spec->name,
                   (unsigned long long)spec->low, (unsigned long long)spec->high, text);
    return ERR_OPTION_VALUE;
}

static int store(const struct option_spec *spec, const char *value, void *ret_values,
                 struct option_problem *problem)
{
    void *place = (char *)ret_values + spec->offset;
    switch (spec->kind) {
    case OPTION_NUMBER:
        return read_number(spec, value, place, problem);
    case OPTION_SECONDS:
        return read_seconds(spec, value, place, problem);
    case OPTION_TEXT:
        *(const char **)place = value;
        return 0;
    case OPTION_FLAG:
        *(bool *)place = true;
        return 0;
    }
    return ERR_OPTION_VALUE;
}

/* The option at argv[*at]; moves *at to the last word that it used. */
static int take(const struct option_table *table, int argc, char **argv, int *at, void *ret_values,
                struct option_problem *problem)
{
    struct option_word word = option_word(argv[*at]);
    struct span name = span_of(word.name, word.name_n);
    const struct option_spec *spec = find(table, name);
    if (!spec)
        return unknown(table, name, problem);
    if (spec->kind == OPTION_FLAG && word.value) {
        (void)snprintf(problem->text, sizeof(problem->text), "--%s takes no value", spec->name);
        return ERR_OPTION_VALUE_UNWANTED;
    }
    if (spec->kind != OPTION_FLAG && !word.value) {
        if (*at + 1 == argc) {
            (void)snprintf(problem->text, sizeof(problem->text), "--%s needs a value: %s",
                           spec->name, spec->argument);
            return ERR_OPTION_VALUE_MISSING;
        }
        word.value = argv[++*at];
    }
    return store(spec, word.value, ret_values, problem);
}

int options_parse(const struct option_table *table, int argc, char **argv, void *ret_values,
                  int *ret_words, struct option_problem *problem)
{
    int words = 0;
    for (int i = 0; i < argc; i++) {
        if (!option_word(argv[i]).name) {
            argv[words++] = argv[i];
            continue;
        }
        int err = take(table, argc, argv, &i, ret_values, problem);
        if (err) {
            problem->err = err;
            return err;
        }
    }
    *ret_words = words;
    return 0;
}

void options_print(const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *spec = &table->specs[i];
        char head[48];
        (void)snprintf(head, sizeof(head), "--%s %s", spec->name, spec->argument);
        printf("  %-24s %s\n", head, spec->help);
    }
}
