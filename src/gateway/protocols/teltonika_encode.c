/* Plays a Teltonika device for the simulator, the demo and round-trip tests: logins and one-record
 * frames of codec 8 Extended, as the head of teltonika.c draws them. */
#include <math.h>

#include "base/crc.h"
#include "gateway/protocols/teltonika_internal.h"

#define PACKET_ID 0xcafe
#define DATA_LIMIT 512
#define HDOP 182
#define HDOP_TENTHS 8

struct element {
    uint16_t id;
    uint64_t value;
};

/* One group of elements of `bytes` bytes each, with its count. */
static void add_group(struct buf *out, size_t bytes, const struct element *elements, uint16_t count)
{
    buf_add_u16be(out, count);
    for (size_t i = 0; i < count; i++) {
        buf_add_u16be(out, elements[i].id);
        for (size_t shift = 8 * bytes; shift > 0; shift -= 8)
            buf_add_u8(out, (uint8_t)(elements[i].value >> (shift - 8)));
    }
}

static uint64_t millivolts(double volts)
{
    return volts > 0 && volts < 65.535 ? (uint64_t)lround(volts * 1000) : 0;
}

static void add_elements(const struct protocol_sample *sample, struct buf *out)
{
    const struct element one_byte[] = {
        {TELTONIKA_AVL_IGNITION, sample->is_ignition_on},
        {TELTONIKA_AVL_MOVEMENT, sample->speed_kmh > 0},
        {TELTONIKA_AVL_GSM_SIGNAL, 4},
        {TELTONIKA_AVL_GNSS_STATUS, sample->satellites > 0 ? 1 : 2},
    };
    const struct element two_bytes[] = {
        {HDOP, HDOP_TENTHS},
        {TELTONIKA_AVL_EXTERNAL_VOLTAGE, millivolts(sample->external_v)},
        {TELTONIKA_AVL_BATTERY_VOLTAGE, millivolts(sample->battery_v)},
    };
    const struct element four_bytes[] = {{TELTONIKA_AVL_MILEAGE, sample->mileage_m}};
    buf_add_u16be(out, 0); /* no event: a periodic record */
    buf_add_u16be(out, 4 + 3 + 1);
    add_group(out, 1, one_byte, 4);
    add_group(out, 2, two_bytes, 3);
    add_group(out, 4, four_bytes, 1);
    add_group(out, 8, NULL, 0);
    buf_add_u16be(out, 0); /* no elements of other sizes */
}

static void add_record(const struct protocol_sample *sample, struct buf *out)
{
    buf_add_u64be(out, (uint64_t)(sample->time_us / 1000));
    buf_add_u8(out, 0); /* low priority */
    buf_add_u32be(out, (uint32_t)lround(sample->longitude * 1e7));
    buf_add_u32be(out, (uint32_t)lround(sample->latitude * 1e7));
    buf_add_u16be(out, (uint16_t)lround(sample->altitude_m));
    buf_add_u16be(out, (uint16_t)lround(sample->direction_deg));
    buf_add_u8(out, (uint8_t)sample->satellites);
    buf_add_u16be(out, (uint16_t)lround(sample->speed_kmh));
    add_elements(sample, out);
}

static void add_data(const struct protocol_sample *sample, struct buf *out)
{
    buf_add_u8(out, TELTONIKA_CODEC_8E);
    buf_add_u8(out, 1);
    add_record(sample, out);
    buf_add_u8(out, 1);
}

void teltonika_add_frame(struct buf *out, struct span data)
{
    buf_add_u32be(out, 0);
    buf_add_u32be(out, (uint32_t)data.n);
    buf_add_span(out, data);
    buf_add_u32be(out, crc16_arc(data));
}

void teltonika_encode_login(const struct protocol_sample *sample, struct buf *out)
{
    buf_add_u16be(out, (uint16_t)sample->ident.n);
    buf_add_span(out, sample->ident);
}

static void add_datagram(const struct protocol_sample *sample, struct span data, struct buf *out)
{
    buf_add_u16be(out, (uint16_t)(2 + 1 + 1 + 2 + sample->ident.n + data.n));
    buf_add_u16be(out, PACKET_ID);
    buf_add_u8(out, 1);
    buf_add_u8(out, (uint8_t)sample->seqnum);
    buf_add_u16be(out, (uint16_t)sample->ident.n);
    buf_add_span(out, sample->ident);
    buf_add_span(out, data);
}

void teltonika_encode_report(const struct protocol_sample *sample,
                             enum protocol_transport transport, struct buf *out)
{
    struct buf data = buf_make(MEM_GATEWAY, DATA_LIMIT);
    add_data(sample, &data);
    if (transport == PROTOCOL_UDP)
        add_datagram(sample, buf_span(&data), out);
    else
        teltonika_add_frame(out, buf_span(&data));
    buf_fini(&data);
}
