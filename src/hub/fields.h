/* Which fields a kind of object has, as a table: name, type, limits, default, and whether a caller
 * may or must give it. One walk over the table checks a body, another fills an object, a third
 * tells the JSON schema. Only for files of this folder. */
#ifndef TRACKWIRE_HUB_FIELDS_H
#define TRACKWIRE_HUB_FIELDS_H

#include "hub/hub.h"

enum field_type {
    FIELD_TEXT,
    FIELD_INTEGER,
    FIELD_BOOLEAN,
    FIELD_OBJECT,
    FIELD_ANY, /* `check` decides */
};

enum field_flag {
    FIELD_REQUIRED = 1, /* at creation */
    FIELD_FIXED = 2,    /* given at creation only; the same value again is no change */
    FIELD_DERIVED = 4,  /* ours: a caller may never give it */
};

struct field_rule {
    const char *name;
    enum field_type type;
    unsigned flags;
    int64_t min, max;          /* of a number, or of the bytes of a text */
    const char *standard;      /* JSON of the default; NULL: absent unless given */
    const char *const *choice; /* the texts allowed, NULL at the end; NULL: any */
    /* More to say about a value of the right type; `path` is its dotted name. NULL: nothing. */
    int (*check)(const json_t *value, const char *path, struct hub_refusal *why);
    const struct field_rules *inner; /* members of an object; NULL: any */
    const char *info;                /* a phrase for people, in the schema */
};

struct field_rules {
    const struct field_rule *rules;
    size_t count;
};

#define FIELD_RULES(table)                                                                         \
    {                                                                                              \
        table, sizeof(table) / sizeof((table)[0])                                                  \
    }

/* Checks the body of a POST (`old` is NULL) or of a PUT to `old`. */
int fields_check(const struct field_rules *rules, const json_t *body, const json_t *old,
                 struct hub_refusal *why) MUST_USE;
/* Sets in `object` what `body` gives; then the default of what is absent. A null in the body asks
 * for the default. */
int fields_fill(const struct field_rules *rules, const json_t *body, json_t *object,
                struct hub_refusal *why) MUST_USE;
/* A JSON schema of an object with these members; a new reference, NULL out of memory. */
json_t *fields_schema(const struct field_rules *rules);
/* `patch` with each object in it merged into the one of `old`: a PATCH as the PUT that does the
 * same. A new reference, NULL out of memory. */
json_t *fields_merge(const json_t *old, const json_t *patch);

#endif
