/* The text of a subscription taken apart, with what flespi adds to the standard's filters: sticky
 * shared groups and lists of values in a level of flespi/ topics. Pure. */
#ifndef TRACKWIRE_BROKER_FILTER_H
#define TRACKWIRE_BROKER_FILTER_H

#include "base/buf.h"
#include "mqtt/topic.h"

#define FILTER_PATHS_MAX 256 /* that the lists of one filter stand for */

struct filter {
    struct span topic; /* without `$share/name/`; lists still in it */
    /* What sets its subscribers apart from the plain ones at the same place of the index: a shared
     * group's name, or the whole text of a filter with lists. Empty: nothing. */
    struct span branch;
    bool is_shared;
    bool has_lists;
    /* `$share/name:count/` and `$share/name:from:count/`: the member is picked by these levels of
     * the topic; count 0: at random. */
    uint8_t sticky_from, sticky_count;
};

/* 0 and the parts (borrowed from `text`), or why the filter is refused: those of
 * topic_filter_parse, ERR_FILTER_LIST, ERR_FILTER_PATHS. */
int filter_parse(struct span text, struct filter *ret) MUST_USE;
/* Writes the `number`th of the paths that a filter with lists stands for; false past the last. A
 * filter without lists has one. */
bool filter_path(const struct filter *f, uint32_t number, struct buf *out);

#endif
