/* Patterns with `*` (any run of characters) and `?` (one character), for `~` and `==`. Knows texts
 * only. */
#include "expr/expr_internal.h"

bool expr_wildcard_is(struct span text)
{
    return span_find(text, '*') < text.n || span_find(text, '?') < text.n;
}

/* Past the UTF-8 character at `at`; a byte that begins none counts as one. */
static size_t next_character(struct span s, size_t at)
{
    at++;
    while (at < s.n && (s.p[at] & 0xC0) == 0x80)
        at++;
    return at;
}

/* Places in pattern and text. */
struct place {
    size_t p, t;
};

/* Moves over one character that fits; false when none does. */
static bool match_one(struct span pattern, struct span text, struct place *at)
{
    if (at->p >= pattern.n)
        return false;
    uint8_t c = pattern.p[at->p];
    if (c == '?') {
        at->p++;
        at->t = next_character(text, at->t);
        return true;
    }
    size_t literal = at->p;
    if (c == '\\' && literal + 1 < pattern.n)
        c = pattern.p[++literal];
    if (c != text.p[at->t])
        return false;
    at->p = literal + 1;
    at->t++;
    return true;
}

/* When a character does not fit, only the last star is asked to take one more: what earlier stars
 * took can stay, since any run suits them. So the steps are at most the product of the lengths,
 * never exponential, and `*steps` bounds that product. */
int expr_wildcard_match(struct span pattern, struct span text, size_t *steps)
{
    struct place at = {0, 0}, star = {0, 0};
    bool has_star = false;
    while (at.t < text.n) {
        if (*steps == 0)
            return ERR_EXPR_MATCH_STEPS;
        --*steps;
        if (at.p < pattern.n && pattern.p[at.p] == '*') {
            star = (struct place){++at.p, at.t};
            has_star = true;
            if (at.p == pattern.n)
                return 1;
        } else if (!match_one(pattern, text, &at)) {
            if (!has_star)
                return 0;
            star.t = next_character(text, star.t);
            at = star;
        }
    }
    while (at.p < pattern.n && pattern.p[at.p] == '*')
        at.p++;
    return at.p == pattern.n;
}
