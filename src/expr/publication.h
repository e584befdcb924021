/* A whole MQTT publication as a source of names: `$filter/message=`. */
#ifndef TRACKWIRE_EXPR_PUBLICATION_H
#define TRACKWIRE_EXPR_PUBLICATION_H

#include "expr/json_source.h"

/* What an expression can ask of a publication:
 *
 *   topic, payload               as text
 *   cid, timestamp               as numbers
 *   payload.NAME                 a member of a payload that is JSON
 *   user_properties.NAME         the first user property of that name, as text
 *   user_properties              an object, so that it can be asked whether there are any
 */
struct expr_publication {
    struct span topic;
    uint64_t cid;
    double timestamp_s;
    struct expr_payload *payload; /* may be shared with expr_payload_source */
    /* Called during an evaluation, on its thread: the value of the first property `name`. Returns
     * 1, or 0 when there is none; an empty name asks whether there is any. NULL: there are none. */
    int (*user_property)(void *context, struct span name, struct span *ret_value);
    void *context;
};

/* A source over `publication`, which the caller keeps in place. */
struct expr_source expr_publication_source(struct expr_publication *publication);

#endif
