/* Teltonika AVL records of codecs 8, 8 Extended and 16, which differ in the width of ids and counts
 * only, so that one reader walks them all by a layout. Between teltonika.c, which found and checked
 * the frame, and teltonika_avl.c, which names the elements.
 *
 *   batch   codec u8 | quantity u8 | records | quantity u8
 *   record  time ms u64 | priority u8 | longitude i32 1e-7 | latitude i32 1e-7 | altitude i16 m |
 *           direction u16 | satellites u8 | speed u16 km/h | event id | [generation u8] | total |
 *           group of 1-byte elements | of 2 | of 4 | of 8 | [of 16] | [of any size]
 *   group   count | count times (id | value); any size: (id u16 | size u16 | value)
 *
 *            event, ids   counts   generation   any size
 *   8        u8           u8       -            -
 *   8E       u16          u16      -            yes
 *   16       u16          u8       yes          -
 *
 * Some models with codec 8 add a group of 16-byte elements; nothing in the frame says so. */
#include "gateway/protocols/teltonika_internal.h"

#define TIME_MS_MAX INT64_C(253402300799999) /* end of the year 9999 */
#define SPEED_UNKNOWN 0xffff
#define GROUPS_MAX 5

struct layout {
    uint8_t id_bytes;
    uint8_t count_bytes;
    bool has_generation;
    bool has_any_size;
    uint8_t groups; /* sized groups: element sizes 1, 2, 4, 8, 16 */
};

static const struct layout layout_8 = {.id_bytes = 1, .count_bytes = 1, .groups = 4};
static const struct layout layout_8_long = {.id_bytes = 1, .count_bytes = 1, .groups = 5};
static const struct layout layout_8e = {
    .id_bytes = 2, .count_bytes = 2, .has_any_size = true, .groups = 4};
static const struct layout layout_16 = {
    .id_bytes = 2, .count_bytes = 1, .has_generation = true, .groups = 4};

static const uint8_t group_bytes[GROUPS_MAX] = {1, 2, 4, 8, 16};

static void read_position(struct reader *r, struct message *m)
{
    int32_t longitude = rd_i32be(r);
    int32_t latitude = rd_i32be(r);
    int16_t altitude = rd_i16be(r);
    uint16_t direction = rd_u16be(r);
    uint8_t satellites = rd_u8(r);
    uint16_t speed = rd_u16be(r);
    /* Without a fix the device repeats the last place it knew: published, but not as valid. */
    message_add_bool(m, "position.valid", satellites > 0);
    message_add_decimal(m, "position.longitude", longitude, 7);
    message_add_decimal(m, "position.latitude", latitude, 7);
    message_add_int(m, "position.altitude", altitude);
    message_add_int(m, "position.direction", direction);
    message_add_int(m, "position.satellites", satellites);
    if (speed != SPEED_UNKNOWN)
        message_add_int(m, "position.speed", speed);
}

static void read_elements(struct reader *r, const struct layout *layout, struct message *m)
{
    struct teltonika_gathered gathered = {0};
    for (unsigned group = 0; group < layout->groups; group++) {
        uint64_t count = rd_uint_be(r, layout->count_bytes);
        for (uint64_t i = 0; i < count && !r->is_failed; i++) {
            uint16_t id = (uint16_t)rd_uint_be(r, layout->id_bytes);
            struct span bytes = rd_bytes(r, group_bytes[group]);
            if (!r->is_failed)
                teltonika_add_element(m, id, bytes, &gathered);
        }
    }
    uint16_t count = layout->has_any_size ? rd_u16be(r) : 0;
    for (unsigned i = 0; i < count && !r->is_failed; i++) {
        uint16_t id = rd_u16be(r);
        struct span bytes = rd_bytes(r, rd_u16be(r));
        if (!r->is_failed)
            teltonika_add_element(m, id, bytes, &gathered);
    }
    teltonika_add_gathered(m, &gathered);
}

static void read_record(struct reader *r, const void *context, struct message *m)
{
    const struct layout *layout = context;
    uint64_t time_ms = rd_u64be(r);
    /* A clock that is past all calendars is no clock: the server's time stands in. */
    if (time_ms <= TIME_MS_MAX)
        message_set_time(m, (int64_t)time_ms * 1000);
    message_add_int(m, "event.priority.enum", rd_u8(r));
    read_position(r, m);
    message_add_int(m, "event.enum", (int64_t)rd_uint_be(r, layout->id_bytes));
    if (layout->has_generation)
        message_add_int(m, "custom.generation.type.enum", rd_u8(r));
    /* The total repeats the sum of the groups' counts; firmwares disagree whether it counts all. */
    (void)rd_uint_be(r, layout->count_bytes);
    read_elements(r, layout, m);
}

/* Moves `r` past one codec 8 record without looking at it. */
static void skip_record(struct reader *r, const struct layout *layout)
{
    (void)rd_bytes(r, 24 + 2);
    for (unsigned group = 0; group < layout->groups; group++) {
        size_t count = rd_u8(r);
        (void)rd_bytes(r, count * (1U + group_bytes[group]));
    }
}

/* True when records of `layout` fill `data` to the byte. */
static bool layout_fits(struct span data, const struct layout *layout)
{
    struct reader r = reader_of(data);
    (void)rd_u8(&r);
    unsigned quantity = rd_u8(&r);
    for (unsigned i = 0; i < quantity; i++)
        skip_record(&r, layout);
    return !r.is_failed && rd_left(&r) == 1;
}

static const struct layout *find_layout(struct span data)
{
    switch (data.p[0]) {
    case TELTONIKA_CODEC_8E:
        return &layout_8e;
    case TELTONIKA_CODEC_16:
        return &layout_16;
    default:
        return !layout_fits(data, &layout_8) && layout_fits(data, &layout_8_long) ? &layout_8_long
                                                                                  : &layout_8;
    }
}

int teltonika_decode_records(struct span data, bool is_lenient, struct protocol_result *result)
{
    return teltonika_decode_batch(data, is_lenient, read_record, find_layout(data), result);
}

/* Reads the records; returns how many were read before the first error, which goes to `ret_err`. */
static unsigned read_batch(struct span data, teltonika_read_record *read_one, const void *context,
                           struct protocol_result *result, int *ret_err)
{
    struct reader r = reader_of(data);
    uint8_t codec = rd_u8(&r);
    unsigned quantity = rd_u8(&r);
    *ret_err = 0;
    for (unsigned i = 0; i < quantity; i++) {
        struct message *m = protocol_add_message(result);
        if (!m) {
            *ret_err = protocol_add_error(result);
            return i;
        }
        message_add_int(m, "codec.id", codec);
        read_one(&r, context, m);
        if (r.is_failed) {
            result->message_count--;
            *ret_err = err_raise(ERR_TELTONIKA_TRUNCATED);
            return i;
        }
    }
    uint8_t repeated = rd_u8(&r);
    if (r.is_failed || repeated != quantity)
        *ret_err = err_raise(ERR_TELTONIKA_COUNT);
    else if (!rd_is_done(&r))
        *ret_err = err_raise(ERR_TELTONIKA_TRAILING);
    return quantity;
}

int teltonika_decode_batch(struct span data, bool is_lenient, teltonika_read_record *read_one,
                           const void *context, struct protocol_result *result)
{
    int err;
    unsigned accepted = read_batch(data, read_one, context, result, &err);
    if (err == 0 || (is_lenient && accepted > 0))
        return (int)accepted;
    result->message_count = 0;
    return err;
}
