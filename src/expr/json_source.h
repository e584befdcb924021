/* JSON as a source of names: an object that is already parsed, or the bytes of a payload, parsed
 * when a name is first asked for. A name is a member as written (`position.speed`), or a path: at
 * every level the longest member that is there is taken, then the rest of the name goes on in it.
 * Members of arrays are numbers from 0. Each object belongs to one thread. */
#ifndef TRACKWIRE_EXPR_JSON_SOURCE_H
#define TRACKWIRE_EXPR_JSON_SOURCE_H

#include <jansson.h>

#include "expr/expr.h"

#define EXPR_PAYLOAD_MAX (256 * 1024) /* bytes of a payload that expressions look into */

/* The member of `json` that `name` leads to, as `lookup` of struct expr_source; text is borrowed
 * from `json`. */
int expr_json_find(const json_t *json, struct span name, struct expr_value *ret_value) MUST_USE;
/* A source over an object of the caller, who keeps it as long as the source is used. */
struct expr_source expr_json_source(const json_t *object);

/* A payload that may be JSON. Several expressions share one, so that it is parsed once. */
struct expr_payload {
    struct span bytes; /* borrowed */
    json_t *json;
    int rc;
    bool is_parsed;
};

static inline struct expr_payload expr_payload_of(struct span bytes)
{
    return (struct expr_payload){.bytes = bytes};
}

/* Frees what was parsed. */
void expr_payload_fini(struct expr_payload *payload);
/* The member that `name` leads to, as `lookup` of struct expr_source. Refuses when the payload is
 * too long or no JSON. */
int expr_payload_find(struct expr_payload *payload, struct span name,
                      struct expr_value *ret_value) MUST_USE;
/* A source over the payload's members: `$filter/payload=`. The caller keeps `payload` in place. */
struct expr_source expr_payload_source(struct expr_payload *payload);

#endif
