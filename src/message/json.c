/* JSON values into a buffer. On the way of every telemetry message, so integers and decimals are
 * written digit by digit rather than through printf. */
#include "message/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

/* Above this a double may stand for several integers, and %g chooses better than a cast. */
#define REAL_EXACT_INT 1e15
#define SCALE_MAX 18

#define REPLACED 'R'
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* What each byte becomes in a string: 0 as it is, 'u' a \u00XX escape, REPLACED the replacement
 * character, else a backslash and this. */
static const char escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', [0x00] = REPLACED, [0x01] = 'u', [0x02] = 'u', [0x03] = 'u',
    [0x04] = 'u', [0x05] = 'u',  [0x06] = 'u',      [0x07] = 'u', ['\b'] = 'b', ['\t'] = 't',
    ['\n'] = 'n', [0x0b] = 'u',  ['\f'] = 'f',      ['\r'] = 'r', [0x0e] = 'u', [0x0f] = 'u',
    [0x10] = 'u', [0x11] = 'u',  [0x12] = 'u',      [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',
    [0x16] = 'u', [0x17] = 'u',  [0x18] = 'u',      [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u',
    [0x1c] = 'u', [0x1d] = 'u',  [0x1e] = 'u',      [0x1f] = 'u', [0x7f] = 'u',
};

/* Length of the well-formed UTF-8 character of two to four bytes at the start of `s`, or 0. */
static size_t character_bytes(struct span s)
{
    uint8_t lead = s.p[0];
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return s.n >= n && utf8_is_valid(span_head(s, n)) ? n : 0;
}

static void add_escape(struct buf *out, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    char how = escapes[byte];
    if (how == 'u') {
        char text[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
        buf_add(out, text, sizeof(text));
    } else {
        char text[2] = {'\\', how};
        buf_add(out, text, sizeof(text));
    }
}

void json_add_text(struct buf *out, struct span text)
{
    buf_add_u8(out, '"');
    size_t from = 0; /* start of the run that is copied as it is */
    size_t at = 0;
    while (at < text.n) {
        uint8_t byte = text.p[at];
        size_t n = byte < 0x80 ? 1 : character_bytes(span_from(text, at));
        if (n > 0 && !escapes[byte]) {
            at += n;
            continue;
        }
        buf_add(out, text.p + from, at - from);
        if (n == 0 || escapes[byte] == REPLACED)
            buf_add_str(out, REPLACEMENT);
        else
            add_escape(out, byte);
        from = ++at;
    }
    if (at > from)
        buf_add(out, text.p + from, at - from);
    buf_add_u8(out, '"');
}

/* Digits of `value` backwards from `end`; returns where they start. */
static char *write_digits(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return end;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void json_add_uint(struct buf *out, uint64_t value)
{
    char text[20];
    char *end = text + sizeof(text);
    char *start = write_digits(end, value);
    buf_add(out, start, (size_t)(end - start));
}

void json_add_int(struct buf *out, int64_t value)
{
    if (value < 0)
        buf_add_u8(out, '-');
    json_add_uint(out, magnitude(value));
}

void json_add_decimal(struct buf *out, int64_t mantissa, int scale)
{
    assert(scale >= 0 && scale <= SCALE_MAX);
    char text[24]; /* sign, up to 19 digits, point, a zero before it */
    char *end = text + sizeof(text);
    char *start = end;
    uint64_t rest = magnitude(mantissa);
    bool has_fraction = false;
    for (int i = 0; i < scale; i++) {
        uint64_t digit = rest % 10;
        rest /= 10;
        if (digit || has_fraction) {
            *--start = (char)('0' + digit);
            has_fraction = true;
        }
    }
    if (has_fraction)
        *--start = '.';
    start = write_digits(start, rest);
    if (mantissa < 0)
        *--start = '-';
    buf_add(out, start, (size_t)(end - start));
}

void json_add_real(struct buf *out, double value)
{
    assert(isfinite(value));
    if (value == trunc(value) && fabs(value) < REAL_EXACT_INT) {
        json_add_int(out, (int64_t)value);
        return;
    }
    char text[32];
    int n = 0;
    for (int precision = 15; precision <= 17; precision++) {
        n = snprintf(text, sizeof(text), "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_add(out, text, (size_t)n);
}
