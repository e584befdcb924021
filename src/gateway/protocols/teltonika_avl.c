/* Names of Teltonika's AVL elements: from (id, size) to a flespi parameter, by the table in
 * teltonika_avl.def. Called for each element of each record; loses nothing, what has no name
 * becomes custom.param.<id>. */
#include "gateway/protocols/teltonika_internal.h"

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AVL_ICCID_HIGH 11
#define AVL_ICCID_LOW 14
#define SIGNAL_MAX 5
#define DALLAS_NOT_READY 850 /* 85 degrees: what the sensor holds before its first conversion */
#define DALLAS_MAX 1150      /* above are error codes */

enum avl_kind {
    KIND_NUMBER,   /* unsigned, value / 10^scale */
    KIND_SIGNED,   /* two's complement, value / 10^scale */
    KIND_BOOL,     /* not zero; a value above 1 says more and is published as custom, too */
    KIND_NOT,      /* zero */
    KIND_DIN,      /* boolean of one input, and its bit in din */
    KIND_DOUT,     /* the same for outputs */
    KIND_TEXT,     /* printable ASCII, else custom */
    KIND_HEX,      /* identity of a tag or card */
    KIND_HOURS,    /* minutes */
    KIND_SIGNAL,   /* 0 to 5 bars, 20 percent each */
    KIND_DALLAS,   /* temperature, or an error code */
    KIND_OPERATOR, /* MCC and MNC in one decimal number */
    KIND_GNSS,     /* gnss.state.enum, and gnss.status */
    KIND_HARSH,    /* 1 acceleration, 2 braking, 3 cornering */
    KIND_ICCID,    /* one of two halves */
};

struct avl_row {
    uint16_t id;
    uint8_t bytes; /* 0: any size */
    uint8_t kind;
    uint8_t scale; /* of numbers; the number of an input or output */
    const char *name;
};

static const struct avl_row rows[] = {
#define AVL(id, bytes, kind, scale, name, unit, info) {id, bytes, KIND_##kind, scale, name},
#define AVL_ALSO AVL
#include "gateway/protocols/teltonika_avl.def"
#undef AVL_ALSO
#undef AVL
};

static const struct avl_row *find_row(uint16_t id, size_t bytes)
{
    size_t low = 0;
    size_t high = ARRAY_COUNT(rows);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < ARRAY_COUNT(rows) && rows[low].id == id; low++) {
        bool is_number = rows[low].kind != KIND_TEXT;
        if (rows[low].bytes == bytes || (rows[low].bytes == 0 && !(is_number && bytes > 8)))
            return &rows[low];
    }
    return NULL;
}

static uint64_t unsigned_of(struct span bytes)
{
    struct reader r = reader_of(bytes);
    return rd_uint_be(&r, bytes.n);
}

static int64_t signed_of(struct span bytes)
{
    unsigned unused = 64 - 8 * (unsigned)bytes.n;
    return (int64_t)(unsigned_of(bytes) << unused) >> unused;
}

/* Decimal digits backwards from `end`, at least `width`; returns where they start. */
static uint8_t *write_digits(uint8_t *end, uint64_t value, int width)
{
    do {
        *--end = (uint8_t)('0' + value % 10);
        value /= 10;
        width--;
    } while (value || width > 0);
    return end;
}

void teltonika_add_custom(struct message *m, uint16_t id, struct span bytes)
{
    static const char prefix[] = "custom.param.";
    char name[sizeof(prefix) + 5];
    uint8_t digits[5];
    uint8_t *start = write_digits(digits + sizeof(digits), id, 1);
    size_t digit_count = (size_t)(digits + sizeof(digits) - start);
    memcpy(name, prefix, sizeof(prefix) - 1);
    memcpy(name + sizeof(prefix) - 1, start, digit_count);
    struct span name_span = span_of(name, sizeof(prefix) - 1 + digit_count);
    /* Past 2^63 a number is an identity or a bit mask, and most JSON readers would refuse it. */
    uint64_t value = bytes.n > 0 && bytes.n <= 8 ? unsigned_of(bytes) : UINT64_MAX;
    if (value <= INT64_MAX)
        message_add_named(m, name_span,
                          (struct message_value){.type = MESSAGE_INT, .i = (int64_t)value});
    else
        message_add_named_hex(m, name_span, bytes);
}

bool teltonika_add_operator(struct message *m, uint64_t code)
{
    /* 24602 is MCC 246 and MNC 02; 310260 has an MNC of three digits. */
    if (code < 10000 || code > 999999)
        return false;
    unsigned divisor = code > 99999 ? 1000 : 100;
    uint8_t digits[6];
    uint8_t *start = write_digits(digits + sizeof(digits), code, 1);
    message_add_text(m, "gsm.operator.code",
                     span_of(start, (size_t)(digits + sizeof(digits) - start)));
    message_add_int(m, "gsm.mcc", (int64_t)(code / divisor));
    message_add_int(m, "gsm.mnc", (int64_t)(code % divisor));
    return true;
}

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x20 || s.p[i] > 0x7e)
            return false;
    }
    return s.n > 0;
}

static void add_pin(struct message *m, const struct avl_row *row, bool is_on, uint32_t *bits,
                    bool *has_bits)
{
    message_add_bool(m, row->name, is_on);
    *bits |= (uint32_t)is_on << (row->scale - 1);
    *has_bits = true;
}

static bool add_harsh(struct message *m, uint64_t value)
{
    static const char *const names[] = {NULL, "harsh.acceleration.event", "harsh.braking.event",
                                        "harsh.cornering.event"};
    if (value == 0 || value >= ARRAY_COUNT(names))
        return false;
    message_add_bool(m, names[value], true);
    return true;
}

static bool add_dallas(struct message *m, const struct avl_row *row, int64_t value)
{
    if (value == DALLAS_NOT_READY || value > DALLAS_MAX)
        return false;
    message_add_decimal(m, row->name, value, row->scale);
    return true;
}

static bool add_numeric(struct message *m, const struct avl_row *row, struct span bytes)
{
    uint64_t value = unsigned_of(bytes);
    switch (row->kind) {
    case KIND_NUMBER:
        if (value > INT64_MAX)
            return false;
        message_add_decimal(m, row->name, (int64_t)value, row->scale);
        return true;
    case KIND_SIGNED:
        message_add_decimal(m, row->name, signed_of(bytes), row->scale);
        return true;
    case KIND_HOURS:
        message_add_real(m, row->name, (double)value / 60);
        return true;
    case KIND_SIGNAL:
        if (value <= SIGNAL_MAX)
            message_add_int(m, row->name, (int64_t)value * (100 / SIGNAL_MAX));
        return value <= SIGNAL_MAX;
    case KIND_DALLAS:
        return add_dallas(m, row, signed_of(bytes));
    case KIND_OPERATOR:
        return teltonika_add_operator(m, value);
    case KIND_GNSS:
        message_add_int(m, row->name, (int64_t)value);
        message_add_bool(m, "gnss.status", value == 1 || value == 2);
        return true;
    default:
        return false;
    }
}

/* False when the value is none that the name can hold. */
static bool add_named(struct message *m, const struct avl_row *row, struct span bytes,
                      struct teltonika_gathered *gathered)
{
    uint64_t value = bytes.n <= 8 ? unsigned_of(bytes) : 0;
    switch (row->kind) {
    case KIND_BOOL:
        message_add_bool(m, row->name, value != 0);
        return value <= 1;
    case KIND_NOT:
        message_add_bool(m, row->name, value == 0);
        return value <= 1;
    case KIND_DIN:
        add_pin(m, row, value != 0, &gathered->din, &gathered->has_din);
        return true;
    case KIND_DOUT:
        add_pin(m, row, value != 0, &gathered->dout, &gathered->has_dout);
        return true;
    case KIND_TEXT:
        if (is_printable(bytes))
            message_add_text(m, row->name, bytes);
        return is_printable(bytes);
    case KIND_HEX:
        message_add_hex(m, row->name, bytes);
        return true;
    case KIND_HARSH:
        return add_harsh(m, value);
    case KIND_ICCID:
        *(row->id == AVL_ICCID_HIGH ? &gathered->iccid_high : &gathered->iccid_low) = bytes;
        return true;
    default:
        return add_numeric(m, row, bytes);
    }
}

void teltonika_add_element(struct message *m, uint16_t id, struct span bytes,
                           struct teltonika_gathered *gathered)
{
    const struct avl_row *row = find_row(id, bytes.n);
    if (!row || !add_named(m, row, bytes, gathered))
        teltonika_add_custom(m, id, bytes);
}

/* The device sends the ICCID as two decimal numbers, the low one of 9 digits or, in ICCIDs of 20
 * digits, 10; a half that came alone is published as it is. */
static void add_iccid(struct message *m, const struct teltonika_gathered *gathered)
{
    uint8_t text[20 + 20];
    uint8_t *end = text + sizeof(text);
    uint8_t *start = write_digits(end, unsigned_of(gathered->iccid_low), 9);
    start = write_digits(start, unsigned_of(gathered->iccid_high), 1);
    message_add_text(m, "gsm.sim.iccid", span_of(start, (size_t)(end - start)));
}

void teltonika_add_gathered(struct message *m, const struct teltonika_gathered *gathered)
{
    if (gathered->has_din)
        message_add_int(m, "din", gathered->din);
    if (gathered->has_dout)
        message_add_int(m, "dout", gathered->dout);
    if (gathered->iccid_high.n > 0 && gathered->iccid_low.n > 0)
        add_iccid(m, gathered);
    else if (gathered->iccid_high.n > 0)
        teltonika_add_custom(m, AVL_ICCID_HIGH, gathered->iccid_high);
    else if (gathered->iccid_low.n > 0)
        teltonika_add_custom(m, AVL_ICCID_LOW, gathered->iccid_low);
}
