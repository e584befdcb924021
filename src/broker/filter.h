/* The text of a subscription taken apart, with what flespi adds to the standard's filters: sticky
 * shared groups, lists of values in a level of flespi/ topics, and `$filter/spec/filter`. Pure. */
#ifndef TRACKWIRE_BROKER_FILTER_H
#define TRACKWIRE_BROKER_FILTER_H

#include "base/buf.h"
#include "mqtt/topic.h"

#define FILTER_PATHS_MAX 256 /* that the lists of one filter stand for */

struct filter {
    struct span topic; /* without `$share/name/` and `$filter/spec/`; lists still in it */
    struct span spec;  /* of `$filter/spec/`, percent-encoded; empty: none */
    /* What sets its subscribers apart from the plain ones at the same place of the index: a shared
     * group's name, or the whole text of a filter with lists or a spec. Empty: nothing. */
    struct span branch;
    bool is_shared;
    bool has_lists, has_whole_text; /* `branch` is the whole text */
    /* `$share/name:count/` and `$share/name:from:count/`: the member is picked by these levels of
     * the topic; count 0: at random. */
    uint8_t sticky_from, sticky_count;
};

/* 0 and the parts (borrowed from `text`), or why the filter is refused: those of
 * topic_filter_parse, ERR_FILTER_LIST, ERR_FILTER_PATHS, ERR_FILTER_SPEC_EMPTY. What the spec says
 * is judged by filter_spec_parse. */
int filter_parse(struct span text, struct filter *ret) MUST_USE;
/* Writes the `number`th of the paths that a filter with lists stands for; false past the last. A
 * filter without lists has one. */
bool filter_path(const struct filter *f, uint32_t number, struct buf *out);

#endif
