/* A whole MQTT publication as a source of names. Knows its few names and no packet. */
#include "expr/publication.h"

#include "expr/expr_internal.h"

static int find_topic(struct expr_publication *p, struct span rest, struct expr_value *ret)
{
    (void)rest;
    *ret = expr_text(p->topic);
    return 1;
}

static int find_cid(struct expr_publication *p, struct span rest, struct expr_value *ret)
{
    (void)rest;
    *ret = expr_number((double)p->cid);
    return 1;
}

static int find_timestamp(struct expr_publication *p, struct span rest, struct expr_value *ret)
{
    (void)rest;
    *ret = expr_number(p->timestamp_s);
    return 1;
}

static int find_payload(struct expr_publication *p, struct span rest, struct expr_value *ret)
{
    if (rest.n > 0)
        return expr_payload_find(p->payload, rest, ret);
    *ret = expr_text(p->payload->bytes);
    return 1;
}

static int find_property(struct expr_publication *p, struct span rest, struct expr_value *ret)
{
    struct span value;
    if (!p->user_property || p->user_property(p->context, rest, &value) != 1)
        return 0;
    *ret = rest.n ? expr_text(value) : (struct expr_value){.type = EXPR_JSON};
    return 1;
}

static const struct {
    const char *name;
    bool has_members;
    /* `rest` is what follows the name's dot, empty for the name alone. */
    int (*find)(struct expr_publication *p, struct span rest, struct expr_value *ret);
} names[] = {
    {"topic", false, find_topic},
    {"cid", false, find_cid},
    {"timestamp", false, find_timestamp},
    {"payload", true, find_payload},
    {"user_properties", true, find_property},
};

static int find(void *context, struct span name, struct expr_value *ret_value)
{
    size_t dot = span_find(name, '.');
    struct span head = span_head(name, dot), rest = span_from(name, dot + 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!span_equal(head, span_str(names[i].name)))
            continue;
        if (dot < name.n && (rest.n == 0 || !names[i].has_members))
            return 0;
        return names[i].find(context, rest, ret_value);
    }
    return 0;
}

struct expr_source expr_publication_source(struct expr_publication *publication)
{
    return (struct expr_source){find, publication};
}
