/* The one table of errors. A function that can fail returns 0 or a positive result, or a negative
 * `enum err`. Every place that refuses something has a code of its own, so that a code in a log
 * names the line that raised it. Rows live in errors/<area>.def, one file per area. */
#ifndef TRACKWIRE_BASE_ERR_H
#define TRACKWIRE_BASE_ERR_H

#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

/* What kind of thing went wrong; decides log level and whether the peer is to blame. */
enum err_class {
    ERR_CLASS_NONE,
    ERR_CLASS_INPUT,    /* the peer sent something malformed */
    ERR_CLASS_PROTOCOL, /* well formed, but not allowed in this state */
    ERR_CLASS_AUTH,     /* not who they say, or not allowed */
    ERR_CLASS_LIMIT,    /* a written limit was reached */
    ERR_CLASS_CONFIG,   /* a setting or command line is wrong */
    ERR_CLASS_NETWORK,  /* sockets */
    ERR_CLASS_STORE,    /* disk and data folder */
    ERR_CLASS_INTERNAL, /* out of memory, impossible states */
    ERR_CLASS_COUNT_
};

enum err_index {
    ERR_INDEX_NONE,
#define X(name, class, mqtt_reason, http_status, text) name##_INDEX,
#include "base/errors/all.def"
#undef X
    ERR_INDEX_COUNT_
};

enum err {
#define X(name, class, mqtt_reason, http_status, text) name = -(int)name##_INDEX,
#include "base/errors/all.def"
#undef X
};

/* Name as in the source ("ERR_MQTT_TOPIC_EMPTY"); "ERR_UNKNOWN" for a number that is none. */
const char *err_name(int err);
/* One sentence for a person, without full stop. */
const char *err_text(int err);
enum err_class err_class(int err);
/* MQTT 5.0 2.4 reason code with which the broker answers; 0x80 where none fits better. */
uint8_t err_mqtt_reason(int err);
/* HTTP status with which REST answers. */
int err_http_status(int err);

/* Counts one occurrence; any thread. Returns `err`, so `return err_raise(ERR_X);` reads well. */
int err_raise(int err);
/* Occurrences since start; any thread. */
uint64_t err_count(int err);

#endif
