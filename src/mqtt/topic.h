/* Topic names and filters (MQTT 5.0 4.7, 4.8.2). Pure. */
#ifndef TRACKWIRE_MQTT_TOPIC_H
#define TRACKWIRE_MQTT_TOPIC_H

#include "mqtt/packet.h"

/* 0, or why a topic name may not be published to: empty, over 65,535 bytes, wildcard, U+0000, too
 * deep. UTF-8 was checked by the decoder. */
int topic_name_check(struct span topic) MUST_USE;

/* A filter taken apart. */
struct topic_filter {
    struct span group;  /* `$share/group/filter`; n == 0 when not shared */
    struct span filter; /* without `$share/group/` */
    bool has_wildcard;
};

/* 0 and the parts, or why the filter is refused (`$share//t`, `$share/g/`, `$share/ab`, a group
 * with wildcards, `a/#/b`, `a+`, U+0000, too long, too deep, empty). UTF-8 was checked by the
 * decoder. */
int topic_filter_parse(struct span filter, struct topic_filter *ret) MUST_USE;

/* Cuts the first level off `rest`; false when nothing is left. "a//b" has an empty level, "" is
 * one; start with `*more = true`. */
static inline bool topic_level_next(struct span *rest, bool *more, struct span *ret_level)
{
    if (!*more)
        return false;
    size_t n = span_find(*rest, '/');
    *ret_level = (struct span){rest->p, n};
    *more = n < rest->n;
    *rest = span_from(*rest, n + 1);
    return true;
}

/* The plain definition, level by level: what the subscription index is tested against. `filter`
 * without `$share`. Wildcards at the first level match no topic that starts with `$`. */
bool topic_matches(struct span filter, struct span topic);

#endif
