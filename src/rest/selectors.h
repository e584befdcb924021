/* Selectors: which items of a collection a path means. Pure. */
#ifndef TRACKWIRE_REST_SELECTORS_H
#define TRACKWIRE_REST_SELECTORS_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>

enum selector_kind {
    SELECT_ALL,    /* `all` */
    SELECT_IDS,    /* `1,2,3` */
    SELECT_FIELDS, /* `name=a*,configuration.ident=35?`: all of them hold */
};

struct selector_filter {
    struct span path;    /* dotted */
    struct span pattern; /* `*` any run of characters, `?` any one */
};

/* Borrows from the text it was parsed from, and from the arena. */
struct selector {
    enum selector_kind kind;
    const uint64_t *ids;
    const struct selector_filter *filters;
    size_t count; /* of ids or filters */
};

/* Nothing, as in a path without a selector, selects all. ERR_REST_SELECTOR and its kin. */
int selector_parse(struct span text, struct arena *arena, struct selector *ret) MUST_USE;
/* True when the object, with its number under "id", is meant. */
bool selector_matches(const struct selector *selector, const json_t *object);
/* The whole of `text` fits the pattern. */
bool selector_fits(struct span pattern, struct span text);

#endif
