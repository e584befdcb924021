/* Edit distance of Levenshtein, with a swap of neighbours as one edit, since that is how people
 * mistype. */
#include "app/suggest.h"

#define WORD_MAX 40

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits from `a` to `b`, both at most WORD_MAX long. */
static size_t edit_distance(struct span a, struct span b)
{
    size_t rows[3][WORD_MAX + 1]; /* the row of i, of i - 1 and of i - 2, in turn */
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t change = a.p[i - 1] != b.p[j - 1];
            row[j] = least(above[j - 1] + change, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a.n % 3][b.n];
}

void suggestion_offer(struct suggestion *s, const char *word)
{
    struct span known = span_str(word);
    if (known.n > WORD_MAX || s->wrong.n > WORD_MAX)
        return;
    size_t distance = edit_distance(s->wrong, known);
    /* More than a third wrong is another word. */
    size_t allowed = known.n / 3 + 1;
    if (distance > allowed || distance >= known.n || (s->best && distance >= s->distance))
        return;
    s->best = word;
    s->distance = distance;
}
