/* Texts that many trackers send: fields between separators, decimal numbers, dates, free names.
 * Shared by decoders of text protocols. Pure; nothing here fails but by saying so. */
#ifndef TRACKWIRE_GATEWAY_PROTOCOLS_TEXT_H
#define TRACKWIRE_GATEWAY_PROTOCOLS_TEXT_H

#include "message/message.h"

/* A number as it was written: mantissa / 10^scale, scale 0 to 18. */
struct text_decimal {
    int64_t mantissa;
    int scale;
};

#define TEXT_NAME_MAX 128 /* bytes of a name from outside */

/* Cuts the next field off `rest`, up to `separator` (dropped) or the end. An empty `rest` gives an
 * empty field: callers loop while rest->n, or for a known number of fields. */
struct span text_cut(struct span *rest, uint8_t separator);
/* `s` without white space around it. */
struct span text_trim(struct span s);

/* "12", "-0.50", "+3.", "1.5e-3": the whole of `s` must be a number. Digits of the fraction beyond
 * 18 are dropped. False for anything else, and for what does not fit. */
bool text_decimal(struct span s, struct text_decimal *ret_value) MUST_USE;
/* Decimal digits only, at most 64 bits. */
bool text_uint(struct span s, uint64_t *ret_value) MUST_USE;
/* "true", "false", "1", "0", ignoring case. */
bool text_bool(struct span s, bool *ret_value) MUST_USE;

/* The nearest double. */
double text_decimal_real(struct text_decimal value);
/* value * factor / 10^shift, exact; false when it does not fit. */
bool text_decimal_scale(struct text_decimal *value, int64_t factor, int shift) MUST_USE;
/* The same number as a parameter's value. */
struct message_value text_decimal_value(struct text_decimal value);

/* A point in UTC as microseconds since 1970. Refuses what no calendar has; second 60 is taken as
 * the first of the next minute. Years 1970 to 9999. */
struct text_civil {
    uint64_t year, month, day, hour, minute, second, microsecond;
};
bool text_civil_us(const struct text_civil *civil, int64_t *ret_us) MUST_USE;
/* "2025-06-15T13:45:12.862Z", with a blank for the T, without fraction, with "+02:00" for the Z or
 * without any zone (then UTC). */
bool text_iso8601(struct span s, int64_t *ret_us) MUST_USE;

/* "custom." and a name from outside, fit to be a parameter: what would break a topic or a selector
 * (blanks, controls, `# + / ,`) becomes '_'. */
struct text_name {
    uint8_t text[TEXT_NAME_MAX + 8];
    size_t n;
};
/* False when `name` is empty or longer than TEXT_NAME_MAX. */
bool text_custom_name(struct span name, struct text_name *ret_name) MUST_USE;
static inline struct span text_name_span(const struct text_name *name)
{
    return (struct span){name->text, name->n};
}

#endif
