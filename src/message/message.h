/* One telemetry message while a decoder fills it: a flat set of dotted parameter names and values,
 * which becomes one JSON object with sorted keys. Decoders add parameters in any order; a name
 * added twice keeps its last value. Pure: no clock, no I/O. One thread at a time. */
#ifndef TRACKWIRE_MESSAGE_MESSAGE_H
#define TRACKWIRE_MESSAGE_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Limits of one message; past them message_add_* drops the parameter and sets `is_truncated`,
 * and the caller counts ERR_MESSAGE_LIMIT. */
#define MESSAGE_PARAMETERS_MAX 1024
#define MESSAGE_BYTES_MAX (256 * 1024)

enum message_type {
    MESSAGE_INT,     /* int64 */
    MESSAGE_UINT,    /* uint64, for ids and counters above 2^63 */
    MESSAGE_DECIMAL, /* exact: mantissa * 10^-scale */
    MESSAGE_REAL,    /* double, printed as the shortest text that reads back the same */
    MESSAGE_BOOL,
    MESSAGE_TEXT, /* UTF-8; bytes that are not, and NUL, become U+FFFD */
    MESSAGE_JSON, /* a value that is JSON already: arrays and objects of the http protocol */
};

struct message_value {
    enum message_type type;
    union {
        int64_t i;
        uint64_t u;
        struct {
            int64_t mantissa;
            int scale; /* 0 to 18 */
        } decimal;
        double real;
        bool is_true;
        struct span text;
    };
};

struct message_parameter {
    struct span name;
    struct message_value value;
};

struct message; /* opaque; lives in the arena that message_new was given */

/* An empty message in `arena`, or NULL at the arena's limit. */
struct message *message_new(struct arena *arena);

/* Names given as C strings must be literals (they are not copied); message_add_named copies. */
void message_add_int(struct message *m, const char *name, int64_t value);
void message_add_uint(struct message *m, const char *name, uint64_t value);
/* value = mantissa / 10^scale, e.g. (m, "position.altitude", 1234, 1) is 123.4. */
void message_add_decimal(struct message *m, const char *name, int64_t mantissa, int scale);
void message_add_real(struct message *m, const char *name, double value); /* not finite: left out */
void message_add_bool(struct message *m, const char *name, bool value);
void message_add_text(struct message *m, const char *name, struct span text); /* copied */
/* Any name from outside, e.g. `custom.param.239`; name and text are copied into the arena. In a
 * name that is not UTF-8 the bytes that are not printable ASCII become '?'. */
void message_add_named(struct message *m, struct span name, struct message_value value);
/* Lower-case hexadecimal text of `bytes`. */
void message_add_hex(struct message *m, const char *name, struct span bytes);
void message_add_named_hex(struct message *m, struct span name, struct span bytes);

/* Time of the measurement, microseconds since 1970 UTC; becomes `timestamp` in seconds with up to
 * six decimals. A message without one gets the server's time from the caller. */
void message_set_time(struct message *m, int64_t time_us);
bool message_has_time(const struct message *m);
int64_t message_time_us(const struct message *m);

/* The value under `name`, or NULL; borrowed from the message. */
const struct message_value *message_find(const struct message *m, struct span name);
size_t message_count(const struct message *m);
bool message_is_truncated(const struct message *m);
/* Parameters in order of name, `timestamp` among them, each name once; borrowed, valid until the
 * next add. */
const struct message_parameter *message_sorted(struct message *m, size_t *ret_count);

/* Appends the message as one JSON object, keys sorted, absent parameters absent. ERR_BUF_LIMIT when
 * `out` refused, at its limit or out of memory. */
int message_write_json(struct message *m, struct buf *out) MUST_USE;

#endif
