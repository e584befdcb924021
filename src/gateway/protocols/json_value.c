/* Between jansson and the message builder, for decoders of protocols that carry JSON. Knows no
 * parameter. */
#include "gateway/protocols/json_value.h"

#include <stdio.h>

#include "message/json.h"

json_t *json_value_parse(struct span text)
{
    return json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

static void write_value(json_t *value, struct buf *out);

static void write_array(json_t *array, struct buf *out)
{
    size_t i;
    json_t *value;
    buf_add_u8(out, '[');
    json_array_foreach(array, i, value)
    {
        if (i > 0)
            buf_add_u8(out, ',');
        write_value(value, out);
    }
    buf_add_u8(out, ']');
}

/* In the sender's order. */
static void write_object(json_t *object, struct buf *out)
{
    void *at = json_object_iter(object);
    buf_add_u8(out, '{');
    for (bool is_first = true; at; is_first = false) {
        if (!is_first)
            buf_add_u8(out, ',');
        json_add_text(out, span_str(json_object_iter_key(at)));
        buf_add_u8(out, ':');
        write_value(json_object_iter_value(at), out);
        at = json_object_iter_next(object, at);
    }
    buf_add_u8(out, '}');
}

/* Not json_dumps, which writes 0.1 as 0.10000000000000001. As deep as jansson parses (2048). */
static void write_value(json_t *value, struct buf *out)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(value, out);
        break;
    case JSON_ARRAY:
        write_array(value, out);
        break;
    case JSON_STRING:
        json_add_text(out, json_value_string(value));
        break;
    case JSON_INTEGER:
        json_add_int(out, json_integer_value(value));
        break;
    case JSON_REAL:
        json_add_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        buf_add_str(out, "true");
        break;
    case JSON_FALSE:
        buf_add_str(out, "false");
        break;
    case JSON_NULL:
        buf_add_str(out, "null");
        break;
    }
}

static void add_container(struct message *m, struct span name, json_t *value)
{
    struct buf text = buf_make(MEM_JSON, MESSAGE_BYTES_MAX);
    write_value(value, &text);
    if (!text.is_failed)
        message_add_named(m, name,
                          (struct message_value){.type = MESSAGE_JSON, .text = buf_span(&text)});
    buf_fini(&text);
}

void json_value_add(struct message *m, struct span name, json_t *value)
{
    struct message_value scalar = {0};
    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        add_container(m, name, value);
        return;
    case JSON_NULL:
        return;
    case JSON_STRING:
        scalar = (struct message_value){.type = MESSAGE_TEXT, .text = json_value_string(value)};
        break;
    case JSON_INTEGER:
        scalar = (struct message_value){.type = MESSAGE_INT, .i = json_integer_value(value)};
        break;
    case JSON_REAL:
        scalar = (struct message_value){.type = MESSAGE_REAL, .real = json_real_value(value)};
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        scalar = (struct message_value){.type = MESSAGE_BOOL, .is_true = json_is_true(value)};
        break;
    }
    message_add_named(m, name, scalar);
}

struct span json_value_text(json_t *value, char text[32])
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_value_string(value);
    case JSON_INTEGER:
        (void)snprintf(text, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return span_str(text);
    case JSON_REAL:
        (void)snprintf(text, 32, "%.15g", json_real_value(value));
        return span_str(text);
    case JSON_TRUE:
        return SPAN_LIT("true");
    case JSON_FALSE:
        return SPAN_LIT("false");
    default:
        return (struct span){0};
    }
}
