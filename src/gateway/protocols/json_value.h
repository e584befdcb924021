/* JSON values that pass through a decoder into a message, with their types. */
#ifndef TRACKWIRE_GATEWAY_PROTOCOLS_JSON_VALUE_H
#define TRACKWIRE_GATEWAY_PROTOCOLS_JSON_VALUE_H

#include <jansson.h>

#include "message/message.h"

/* A JSON text, or NULL when it is none or says a name twice. The caller owns the result. */
json_t *json_value_parse(struct span text);
/* Adds `value` under `name`, both copied: objects and arrays as one JSON value, null not at all. */
void json_value_add(struct message *m, struct span name, json_t *value);
/* A scalar as the text a form would send, into `text`; a string is borrowed from `value`. p == NULL
 * for null, objects and arrays. */
struct span json_value_text(json_t *value, char text[32]);

static inline struct span json_value_string(const json_t *string)
{
    return span_of(json_string_value(string), json_string_length(string));
}

#endif
