/* The parameter dictionary: what the names that messages carry mean, in flespi's names and units.
 * Used for documentation and by REST /gw/channel-protocols; decoders do not consult it. */
#ifndef TRACKWIRE_MESSAGE_DICTIONARY_H
#define TRACKWIRE_MESSAGE_DICTIONARY_H

#include "base/span.h"

struct dictionary_entry {
    const char *name;
    const char *type; /* "number", "boolean", "string", "object" */
    const char *unit; /* "" when none */
    const char *info; /* a phrase for people, without full stop */
};

/* The entry of `name`, or NULL. A numbered name that has no row of its own is found under its
 * family: `ain.3` under `ain.N`. */
const struct dictionary_entry *dictionary_find(struct span name);
/* All entries in order of name. */
const struct dictionary_entry *dictionary_list(size_t *ret_count);

#endif
