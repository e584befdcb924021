/* Helpers of text protocols: between the bytes of a frame and the message builder. Know no
 * protocol. */
#include "gateway/protocols/text.h"

#include <math.h>
#include <strings.h>

#include "base/reader.h"

#define SCALE_MAX 18
#define EXPONENT_MAX 30

struct span text_cut(struct span *rest, uint8_t separator)
{
    struct span field = span_head(*rest, span_find(*rest, separator));
    *rest = span_from(*rest, field.n + 1);
    return field;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct span text_trim(struct span s)
{
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    while (s.n && is_blank(s.p[0]))
        s = span_from(s, 1);
    return s;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool next_is(const struct reader *r, uint8_t byte)
{
    return rd_left(r) > 0 && *r->p == byte;
}

static bool next_is_digit(const struct reader *r)
{
    return rd_left(r) > 0 && is_digit(*r->p);
}

/* Skips one of the two signs; true for a minus. */
static bool read_sign(struct reader *r)
{
    bool is_negative = next_is(r, '-');
    if (is_negative || next_is(r, '+'))
        (void)rd_u8(r);
    return is_negative;
}

/* A power of ten behind the digits, "e-3"; 0 when there is none, out of range when it is nonsense.
 */
static int read_exponent(struct reader *r)
{
    if (!next_is(r, 'e') && !next_is(r, 'E'))
        return 0;
    (void)rd_u8(r);
    bool is_negative = read_sign(r);
    int exponent = next_is_digit(r) ? 0 : EXPONENT_MAX + 1;
    while (next_is_digit(r) && exponent <= EXPONENT_MAX)
        exponent = exponent * 10 + (rd_u8(r) - '0');
    return is_negative ? -exponent : exponent;
}

static bool append_digit(int64_t *mantissa, uint8_t digit)
{
    return !__builtin_mul_overflow(*mantissa, (int64_t)10, mantissa) &&
           !__builtin_add_overflow(*mantissa, (int64_t)digit, mantissa);
}

/* Brings the scale into 0..SCALE_MAX: digits too small to matter are dropped. */
static bool normalise(struct text_decimal *value, int scale)
{
    for (; scale > SCALE_MAX; scale--)
        value->mantissa /= 10;
    for (; scale < 0; scale++)
        if (!append_digit(&value->mantissa, 0))
            return false;
    value->scale = scale;
    return true;
}

bool text_decimal(struct span s, struct text_decimal *ret_value)
{
    struct reader r = reader_of(s);
    struct text_decimal value = {0};
    bool is_negative = read_sign(&r);
    size_t digits = 0;
    int scale = 0;
    for (; next_is_digit(&r); digits++)
        if (!append_digit(&value.mantissa, (uint8_t)(rd_u8(&r) - '0')))
            return false;
    if (next_is(&r, '.')) {
        (void)rd_u8(&r);
        for (; next_is_digit(&r); digits++) {
            int64_t longer = value.mantissa;
            if (scale < SCALE_MAX && append_digit(&longer, (uint8_t)(*r.p - '0'))) {
                value.mantissa = longer;
                scale++;
            }
            (void)rd_u8(&r);
        }
    }
    int exponent = digits ? read_exponent(&r) : 0;
    if (digits == 0 || !rd_is_done(&r) || exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return false;
    if (!normalise(&value, scale - exponent))
        return false;
    if (is_negative)
        value.mantissa = -value.mantissa;
    *ret_value = value;
    return true;
}

bool text_uint(struct span s, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]) || __builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return false;
    if (s.n == 0)
        return false;
    *ret_value = value;
    return true;
}

static bool is_word(struct span s, const char *word)
{
    return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

bool text_bool(struct span s, bool *ret_value)
{
    bool is_true = is_word(s, "1") || is_word(s, "true");
    if (!is_true && !is_word(s, "0") && !is_word(s, "false"))
        return false;
    *ret_value = is_true;
    return true;
}

static double power_of_ten(int n)
{
    double power = 1;
    while (n-- > 0)
        power *= 10;
    return power;
}

double text_decimal_real(struct text_decimal value)
{
    return (double)value.mantissa / power_of_ten(value.scale);
}

bool text_decimal_scale(struct text_decimal *value, int64_t factor, int shift)
{
    struct text_decimal scaled;
    if (__builtin_mul_overflow(value->mantissa, factor, &scaled.mantissa) ||
        !normalise(&scaled, value->scale + shift))
        return false;
    *value = scaled;
    return true;
}

struct message_value text_decimal_value(struct text_decimal value)
{
    return (struct message_value){
        .type = MESSAGE_DECIMAL,
        .decimal = {.mantissa = value.mantissa, .scale = value.scale},
    };
}

static bool is_leap_year(uint64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint64_t days_of_month(uint64_t year, uint64_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year) ? 1U : 0U);
}

/* Days from 1970-01-01 to the first of January of `year`. */
static uint64_t days_before_year(uint64_t year)
{
    uint64_t past = year - 1;
    return 365 * (year - 1970) + (past / 4 - past / 100 + past / 400) - 477;
}

bool text_civil_us(const struct text_civil *civil, int64_t *ret_us)
{
    if (civil->year < 1970 || civil->year > 9999 || civil->month < 1 || civil->month > 12)
        return false;
    if (civil->day < 1 || civil->day > days_of_month(civil->year, civil->month))
        return false;
    if (civil->hour > 23 || civil->minute > 59 || civil->second > 60 || civil->microsecond > 999999)
        return false;
    uint64_t days = days_before_year(civil->year) + civil->day - 1;
    for (uint64_t month = 1; month < civil->month; month++)
        days += days_of_month(civil->year, month);
    uint64_t seconds = ((days * 24 + civil->hour) * 60 + civil->minute) * 60 + civil->second;
    *ret_us = (int64_t)(seconds * 1000000 + civil->microsecond);
    return true;
}

/* `n` digits as a number. */
static uint64_t read_digits(struct reader *r, size_t n)
{
    uint64_t value = 0;
    if (!text_uint(rd_bytes(r, n), &value))
        r->is_failed = true;
    return value;
}

static void read_mark(struct reader *r, const char *allowed)
{
    uint8_t byte = rd_u8(r);
    if (byte == 0 || !strchr(allowed, byte))
        r->is_failed = true;
}

/* ".862": microseconds, further digits dropped. */
static uint64_t read_fraction(struct reader *r)
{
    uint64_t value = 0;
    int digits = 0;
    if (!next_is(r, '.') && !next_is(r, ','))
        return 0;
    (void)rd_u8(r);
    r->is_failed = r->is_failed || !next_is_digit(r);
    for (; next_is_digit(r); digits++) {
        uint8_t digit = (uint8_t)(rd_u8(r) - '0');
        if (digits < 6)
            value = value * 10 + digit;
    }
    for (; digits < 6; digits++)
        value *= 10;
    return value;
}

/* "Z", "+02:00", "+0200", "-03", or nothing; in microseconds east of UTC. */
static int64_t read_zone(struct reader *r)
{
    if (rd_left(r) == 0)
        return 0;
    if (next_is(r, 'Z') || next_is(r, 'z')) {
        (void)rd_u8(r);
        return 0;
    }
    if (!next_is(r, '+') && !next_is(r, '-')) {
        r->is_failed = true;
        return 0;
    }
    bool is_west = read_sign(r);
    uint64_t hours = read_digits(r, 2), minutes = 0;
    if (next_is(r, ':'))
        (void)rd_u8(r);
    if (rd_left(r) > 0)
        minutes = read_digits(r, 2);
    r->is_failed = r->is_failed || hours > 23 || minutes > 59;
    int64_t us = (int64_t)(hours * 60 + minutes) * 60 * 1000000;
    return is_west ? -us : us;
}

bool text_iso8601(struct span s, int64_t *ret_us)
{
    struct reader r = reader_of(s);
    struct text_civil civil = {0};
    civil.year = read_digits(&r, 4);
    read_mark(&r, "-");
    civil.month = read_digits(&r, 2);
    read_mark(&r, "-");
    civil.day = read_digits(&r, 2);
    read_mark(&r, "Tt ");
    civil.hour = read_digits(&r, 2);
    read_mark(&r, ":");
    civil.minute = read_digits(&r, 2);
    if (next_is(&r, ':')) {
        (void)rd_u8(&r);
        civil.second = read_digits(&r, 2);
    }
    civil.microsecond = read_fraction(&r);
    int64_t zone_us = read_zone(&r), us;
    if (!rd_is_done(&r) || !text_civil_us(&civil, &us))
        return false;
    *ret_us = us - zone_us;
    return true;
}

bool text_custom_name(struct span name, struct text_name *ret_name)
{
    static const char prefix[] = "custom.";
    static const char unfit[] = " #+/,\x7f";
    if (name.n == 0 || name.n > TEXT_NAME_MAX)
        return false;
    memcpy(ret_name->text, prefix, sizeof(prefix) - 1);
    ret_name->n = sizeof(prefix) - 1;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t byte = name.p[i];
        bool is_fit = byte > 0x20 && !strchr(unfit, byte);
        ret_name->text[ret_name->n++] = is_fit ? byte : '_';
    }
    return true;
}
