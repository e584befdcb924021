/* "Did you mean ...?": the known word that is closest to a misspelt one. Pure. */
#ifndef TRACKWIRE_APP_SUGGEST_H
#define TRACKWIRE_APP_SUGGEST_H

#include "base/span.h"

struct suggestion {
    struct span wrong;
    const char *best; /* NULL: nothing is close */
    size_t distance;
};

/* A search for what `wrong` may have meant; offer it every known word, then read `best`. */
static inline struct suggestion suggestion_for(struct span wrong)
{
    return (struct suggestion){wrong, NULL, 0};
}
/* Offers a word, which must outlive the suggestion. */
void suggestion_offer(struct suggestion *s, const char *word);

#endif
