/* The record of a Wialon IPS data packet: the fields of #SD#, #D# and #B#, each of which has its
 * own refusal, into one message. Called by wialon_ips.c, which knows packets, checksums and
 * answers. */
#include "gateway/protocols/wialon_ips_internal.h"

#include <stdio.h>

#define SATELLITES_OF_A_FIX 3
#define SHORT_STEPS 4

static bool is_absent(struct span field)
{
    return field.n == 0 || span_equal(field, SPAN_LIT("NA"));
}

/* DDMMYY and HHMMSS, in 2.1 HHMMSS.nnnnnnnnn. */
static bool read_civil(struct span date, struct span time, int64_t *ret_us)
{
    uint64_t day, clock;
    struct text_decimal fraction = {0};
    struct span rest = span_from(time, 6);
    if (date.n != 6 || !text_uint(date, &day) || !text_uint(span_head(time, 6), &clock))
        return false;
    if (time.n < 6 || (rest.n && (rest.p[0] != '.' || !text_decimal(rest, &fraction))))
        return false;
    struct text_civil civil = {
        .year = 2000 + day % 100,
        .month = day / 100 % 100,
        .day = day / 10000,
        .hour = clock / 10000,
        .minute = clock / 100 % 100,
        .second = clock % 100,
        .microsecond = (uint64_t)(text_decimal_real(fraction) * 1e6),
    };
    return text_civil_us(&civil, ret_us);
}

static int read_time(struct wialon_record *r)
{
    int64_t us;
    if (is_absent(r->fields[0]) && is_absent(r->fields[1]))
        return 0; /* the server's time counts */
    if (!read_civil(r->fields[0], r->fields[1], &us))
        return err_raise(ERR_WIALON_IPS_TIME);
    message_set_time(r->m, us - (int64_t)r->timezone_s * 1000000);
    return 0;
}

/* DDMM.MMMM and its side of the world, `sides` being "NS" or "EW". Devices that count 60 minutes
 * and more were seen in the field; their sum is right. */
static bool read_angle(struct span text, struct span side, const char *sides, double *ret_degrees)
{
    struct text_decimal value;
    if (!text_decimal(text, &value) || value.mantissa < 0 || side.n != 1)
        return false;
    for (; value.scale > 12; value.scale--)
        value.mantissa /= 10;
    int64_t unit = 1;
    for (int i = 0; i < value.scale; i++)
        unit *= 10;
    double minutes = (double)(value.mantissa % (100 * unit)) / (double)unit;
    double degrees = (double)(value.mantissa / (100 * unit)) + minutes / 60;
    if (side.p[0] != sides[0] && side.p[0] != sides[1])
        return false;
    *ret_degrees = side.p[0] == sides[0] ? degrees : -degrees;
    return true;
}

static int read_coordinates(struct wialon_record *r)
{
    double latitude, longitude;
    if (is_absent(r->fields[2]) && is_absent(r->fields[4]))
        return 0;
    if (!read_angle(r->fields[2], r->fields[3], "NS", &latitude) ||
        !read_angle(r->fields[4], r->fields[5], "EW", &longitude))
        return err_raise(ERR_WIALON_IPS_COORDINATES);
    if (latitude < -90 || latitude > 90 || longitude < -180 || longitude > 180)
        return err_raise(ERR_WIALON_IPS_COORDINATES_RANGE);
    message_add_real(r->m, "position.latitude", latitude);
    message_add_real(r->m, "position.longitude", longitude);
    return 0;
}

/* Adds a decimal field when it is there; false when it is no number or below zero without leave. */
static bool add_number(struct wialon_record *r, size_t at, const char *name, bool may_be_negative)
{
    struct text_decimal value;
    if (is_absent(r->fields[at]))
        return true;
    if (!text_decimal(r->fields[at], &value) || (value.mantissa < 0 && !may_be_negative))
        return false;
    message_add_decimal(r->m, name, value.mantissa, value.scale);
    return true;
}

static int read_motion(struct wialon_record *r)
{
    if (!add_number(r, 6, "position.speed", false) ||
        !add_number(r, 7, "position.direction", false) ||
        !add_number(r, 8, "position.altitude", true))
        return err_raise(ERR_WIALON_IPS_MOTION);
    return 0;
}

/* The protocol has no flag for a fix: the number of satellites has to tell. */
static int read_satellites(struct wialon_record *r)
{
    uint64_t count = 0;
    if (!is_absent(r->fields[9])) {
        if (!text_uint(r->fields[9], &count))
            return err_raise(ERR_WIALON_IPS_SATELLITES);
        message_add_uint(r->m, "position.satellites", count);
    }
    message_add_bool(r->m, "position.valid", count >= SATELLITES_OF_A_FIX);
    return 0;
}

static int read_hdop(struct wialon_record *r)
{
    return add_number(r, 10, "position.hdop", false) ? 0 : err_raise(ERR_WIALON_IPS_HDOP);
}

static bool add_bits(struct wialon_record *r, size_t at, const char *name)
{
    uint64_t bits;
    if (is_absent(r->fields[at]))
        return true;
    if (!text_uint(r->fields[at], &bits))
        return false;
    message_add_uint(r->m, name, bits);
    return true;
}

static int read_io(struct wialon_record *r)
{
    return add_bits(r, 11, "din") && add_bits(r, 12, "dout") ? 0 : err_raise(ERR_WIALON_IPS_IO);
}

static int read_adc(struct wialon_record *r)
{
    struct span rest = r->fields[13];
    if (is_absent(rest))
        return 0;
    for (size_t number = 1; rest.n; number++) {
        struct span field = text_trim(text_cut(&rest, ','));
        struct text_decimal value;
        char name[32];
        if (is_absent(field))
            continue;
        if (!text_decimal(field, &value))
            return err_raise(ERR_WIALON_IPS_ADC);
        (void)snprintf(name, sizeof(name), "ain.%zu", number);
        message_add_named(r->m, span_str(name), text_decimal_value(value));
    }
    return 0;
}

static int read_ibutton(struct wialon_record *r)
{
    if (!is_absent(r->fields[14]))
        message_add_text(r->m, "ibutton.code", r->fields[14]);
    return 0;
}

/* Additional parameters that have a name of their own in the dictionary. */
static const struct known_param {
    const char *name;
    const char *parameter;
    bool is_bool;
} known_params[] = {
    {"SOS", "alarm.event", true},
    {"cell_id", "gsm.cellid", false},
    {"ign", "engine.ignition.status", true},
    {"ignition", "engine.ignition.status", true},
    {"lac", "gsm.lac", false},
    {"mcc", "gsm.mcc", false},
    {"mnc", "gsm.mnc", false},
    {"motion", "movement.status", true},
    {"pwr_ext", "external.powersource.voltage", false},
    {"pwr_int", "battery.voltage", false},
    {"wln_accel_max", "absolute.acceleration", false},
    {"wln_brk_max", "absolute.deceleration", false},
};

static const struct known_param *find_known(struct span name)
{
    for (size_t i = 0; i < sizeof(known_params) / sizeof(known_params[0]); i++)
        if (span_equal(name, span_str(known_params[i].name)))
            return &known_params[i];
    return NULL;
}

/* Adds a parameter under its dictionary name, or false when it has none or another kind of value.
 */
static bool add_known(struct wialon_record *r, struct span name, struct span text,
                      const struct message_value *value)
{
    bool is_true;
    const struct known_param *known = find_known(name);
    if (!known)
        return false;
    if (known->is_bool && text_bool(text, &is_true)) {
        message_add_bool(r->m, known->parameter, is_true);
        return true;
    }
    if (known->is_bool || value->type != MESSAGE_DECIMAL)
        return false;
    message_add_named(r->m, span_str(known->parameter), *value);
    return true;
}

static int read_param(struct wialon_record *r, struct span param)
{
    struct span text = param;
    struct span name = text_trim(text_cut(&text, ':'));
    struct span type = text_trim(text_cut(&text, ':'));
    struct message_value value = {.type = MESSAGE_TEXT, .text = text};
    struct text_name custom;
    bool is_text = span_equal(type, SPAN_LIT("3"));
    bool is_number = span_equal(type, SPAN_LIT("1")) || span_equal(type, SPAN_LIT("2"));
    if ((!is_text && !is_number) || !text_custom_name(name, &custom))
        return err_raise(ERR_WIALON_IPS_PARAM);
    if (is_absent(text))
        return 0;
    if (is_number) {
        struct text_decimal number;
        if (!text_decimal(text_trim(text), &number))
            return err_raise(ERR_WIALON_IPS_PARAM_VALUE);
        value = text_decimal_value(number);
    }
    if (!add_known(r, name, text, &value))
        message_add_named(r->m, text_name_span(&custom), value);
    return 0;
}

static int read_params(struct wialon_record *r)
{
    struct span rest = r->fields[15];
    int rc = 0;
    if (is_absent(rest))
        return 0;
    while (rc == 0 && rest.n) {
        struct span param = text_trim(text_cut(&rest, ','));
        if (param.n)
            rc = read_param(r, param);
    }
    return rc;
}

static int (*const steps[])(struct wialon_record *r) = {
    read_time, read_coordinates, read_motion, read_satellites, /* all of #SD# */
    read_hdop, read_io,          read_adc,    read_ibutton,    read_params,
};

void wialon_record_split(struct span text, struct wialon_record *r)
{
    r->count = 0;
    struct span rest = text;
    bool is_last = false;
    while (!is_last && r->count < WIALON_FIELDS_MAX) {
        is_last = span_find(rest, ';') == rest.n;
        r->fields[r->count++] = text_trim(text_cut(&rest, ';'));
    }
}

int wialon_record_read(struct wialon_record *r)
{
    size_t count = r->count == WIALON_SHORT_FIELDS ? SHORT_STEPS : sizeof(steps) / sizeof(steps[0]);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = steps[i](r);
    return rc;
}
