/* Teltonika codec 7, the records of the GH3000 family of personal trackers. Reached from
 * teltonika.c like the other AVL codecs; only the records differ: masks say which fields are there.
 *
 *   record    time u32: bits 30-31 priority, 0-29 seconds since 2007-01-01 UTC | global mask u8 |
 *             [0x01 location] [0x02 1-byte elements] [0x04 2-byte] [0x08 4-byte]
 *   location  mask u8 | [0x01 latitude f32, longitude f32] [0x02 altitude u16 m] [0x04 angle u8 of
 *             256] [0x08 speed u8 km/h] [0x10 satellites u8] [0x20 LAC u16, cell u16] [0x40 signal
 *             u8] [0x80 operator u32]
 *   elements  count u8 | count times (id u8 | value) */
#include <math.h>

#include "gateway/protocols/teltonika_internal.h"

#define EPOCH_2007_S INT64_C(1167609600)
#define MICRODEGREES 1e6

enum {
    HAS_LOCATION = 0x01,

    LOCATION_PLACE = 0x01,
    LOCATION_ALTITUDE = 0x02,
    LOCATION_ANGLE = 0x04,
    LOCATION_SPEED = 0x08,
    LOCATION_SATELLITES = 0x10,
    LOCATION_CELL = 0x20,
    LOCATION_SIGNAL = 0x40,
    LOCATION_OPERATOR = 0x80,
};

struct element {
    uint8_t id;
    bool is_boolean;
    uint8_t scale;
    const char *name;
};

static const struct element elements[] = {
    {1, false, 0, "battery.level"},    {2, true, 0, "cable.connected.status"}, /* USB */
    {20, false, 1, "position.hdop"},   {21, false, 1, "position.vdop"},
    {22, false, 1, "position.pdop"},   {222, true, 0, "alarm.event"},
    {240, true, 0, "movement.status"}, {244, true, 0, "gsm.network.roaming.status"},
};

static float read_float(struct reader *r)
{
    uint32_t bits = rd_u32be(r);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* A 32-bit float holds a degree to some millionths: more decimals would be noise. */
static void read_place(struct reader *r, struct message *m)
{
    double latitude = read_float(r);
    double longitude = read_float(r);
    bool is_place = fabs(latitude) <= 90 && fabs(longitude) <= 180; /* false for NaN, too */
    message_add_bool(m, "position.valid", is_place);
    if (!is_place)
        return;
    message_add_decimal(m, "position.latitude", llround(latitude * MICRODEGREES), 6);
    message_add_decimal(m, "position.longitude", llround(longitude * MICRODEGREES), 6);
}

static void read_location(struct reader *r, struct message *m)
{
    uint8_t mask = rd_u8(r);
    if (mask & LOCATION_PLACE)
        read_place(r, m);
    if (mask & LOCATION_ALTITUDE)
        message_add_int(m, "position.altitude", rd_u16be(r));
    if (mask & LOCATION_ANGLE) /* 360 / 256 = 1.40625 degrees a step */
        message_add_decimal(m, "position.direction", rd_u8(r) * 140625, 5);
    if (mask & LOCATION_SPEED)
        message_add_int(m, "position.speed", rd_u8(r));
    if (mask & LOCATION_SATELLITES)
        message_add_int(m, "position.satellites", rd_u8(r));
    if (mask & LOCATION_CELL) {
        message_add_int(m, "gsm.lac", rd_u16be(r));
        message_add_int(m, "gsm.cellid", rd_u16be(r));
    }
    if (mask & LOCATION_SIGNAL)
        message_add_int(m, "custom.gsm.signal.quality", rd_u8(r));
    if (mask & LOCATION_OPERATOR)
        (void)teltonika_add_operator(m, rd_u32be(r));
}

static void add_element(struct message *m, uint8_t id, struct span bytes)
{
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        const struct element *e = &elements[i];
        if (e->id != id)
            continue;
        struct reader r = reader_of(bytes);
        int64_t value = (int64_t)rd_uint_be(&r, bytes.n);
        if (e->is_boolean)
            message_add_bool(m, e->name, value != 0);
        else
            message_add_decimal(m, e->name, value, e->scale);
        return;
    }
    teltonika_add_custom(m, id, bytes);
}

static void read_record(struct reader *r, const void *context, struct message *m)
{
    (void)context;
    uint32_t time = rd_u32be(r);
    message_set_time(m, ((time & 0x3fffffff) + EPOCH_2007_S) * 1000000);
    message_add_int(m, "event.priority.enum", time >> 30);
    uint8_t mask = rd_u8(r);
    if (mask & HAS_LOCATION)
        read_location(r, m);
    for (unsigned group = 0; group < 3; group++) {
        unsigned count = mask & (2U << group) ? rd_u8(r) : 0;
        for (unsigned i = 0; i < count && !r->is_failed; i++) {
            uint8_t id = rd_u8(r);
            struct span bytes = rd_bytes(r, (size_t)1 << group);
            if (!r->is_failed)
                add_element(m, id, bytes);
        }
    }
}

int teltonika_decode_gh3000(struct span data, bool is_lenient, struct protocol_result *result)
{
    return teltonika_decode_batch(data, is_lenient, read_record, NULL, result);
}
