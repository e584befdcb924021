/* What the scorer of captures shares with that of vendors' examples. */
#ifndef TRACKWIRE_TESTS_GOLDEN_CAPTURES_H
#define TRACKWIRE_TESTS_GOLDEN_CAPTURES_H

#include "replay.h"

struct score {
    bool is_verbose; /* prints each difference */
    char where[128]; /* the record at hand, for people */
    unsigned records;
    unsigned fields, fields_right;
    unsigned replies, replies_right;
    unsigned idents, idents_right;
    unsigned streams, streams_right; /* frames found, and results that no cut changes */
};

void captures_say(const struct score *score, const char *what, const json_t *wanted,
                  const json_t *got);
/* Counts each field of `wanted`; `got` may be NULL. */
void captures_compare_message(struct score *score, json_t *wanted, const json_t *got);
/* Lists of hexadecimal texts. */
void captures_compare_replies(struct score *score, const json_t *wanted, const json_t *got);
void captures_check_cuts(struct score *score, struct replay_setup setup, struct span stream);
/* The bytes of member `name` into `out`; false when there is none. */
bool captures_unhex(const json_t *record, const char *name, struct buf *out);

/* Scores vendor/NAME.json; false when the vendor has none or its form is not known here. */
bool captures_score_vendor(struct score *score, const struct protocol *protocol,
                           const char *shared);

#endif
