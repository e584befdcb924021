/* Teltonika over TCP and UDP: frames, checksums, acknowledgements. The records themselves are read
 * by teltonika_record.c (codecs 8, 8E, 16), teltonika_gh3000.c (7) and teltonika_text.c (12 to 15).
 *
 *   login     size u16 (not 0) | IMEI, ASCII                            -> u8 1 accepted, 0 refused
 *   ping      FF                                                        -> nothing
 *   data      00000000 | size u32 | codec data of `size` bytes | crc u32  -> u32 records accepted
 *   datagram  size u16 of the rest | packet id u16 | 01 | AVL packet id u8 | IMEI size u16 | IMEI |
 *             codec data                  -> 0005 | packet id | 01 | AVL packet id | records
 * accepted
 *
 * The crc is CRC-16/ARC of the codec data. A device sends a batch again until the count in the
 * answer is that of the batch, so what was not understood is answered with 0. Codecs 12 to 15 are
 * not answered. Sources: the vendor's public pages on data sending protocols and on codecs. */
#include "base/crc.h"
#include "gateway/protocols/teltonika_internal.h"

#define PING 0xff
#define HEADER_BYTES 8
#define CRC_BYTES 4
#define FRAME_MAX (32 * 1024)

extern const struct protocol protocol_teltonika;

static int teltonika_frame(const struct protocol_link *link, struct span in)
{
    if (in.n == 0)
        return 0;
    /* Nobody pings before the login: what starts so is noise. */
    if (in.p[0] == PING)
        return link->ident_n ? 1 : err_raise(ERR_TELTONIKA_PING);
    if (in.n < 2)
        return 0;
    struct reader r = reader_of(in);
    uint16_t login_bytes = rd_u16be(&r);
    if (login_bytes > PROTOCOL_IDENT_MAX)
        return err_raise(ERR_TELTONIKA_LOGIN_LENGTH);
    if (login_bytes > 0)
        return in.n < 2U + login_bytes ? 0 : 2 + login_bytes;
    if (in.n < HEADER_BYTES)
        return 0;
    if (rd_u16be(&r) != 0)
        return err_raise(ERR_TELTONIKA_PREAMBLE);
    uint32_t data_bytes = rd_u32be(&r);
    if (data_bytes > FRAME_MAX - HEADER_BYTES - CRC_BYTES)
        return err_raise(ERR_PROTOCOL_FRAME_TOO_LONG);
    size_t total = HEADER_BYTES + data_bytes + CRC_BYTES;
    return in.n < total ? 0 : (int)total;
}

static int decode_login(struct protocol_link *link, struct span frame,
                        struct protocol_result *result)
{
    struct reader r = reader_of(frame);
    struct span imei = rd_bytes(&r, rd_u16be(&r));
    int err =
        rd_is_done(&r) ? protocol_set_ident(link, imei) : err_raise(ERR_TELTONIKA_LOGIN_TRUNCATED);
    if (err < 0) {
        buf_add_u8(&result->reply, 0);
        result->must_close = true;
        return err;
    }
    result->is_login = true;
    buf_add_u8(&result->reply, 1);
    buf_add_u8(&result->reject, 0);
    return 0;
}

static bool is_text_codec(uint8_t codec)
{
    return codec >= TELTONIKA_CODEC_12 && codec <= TELTONIKA_CODEC_15;
}

/* Codec data of AVL records into messages; the number accepted, or a refusal by `unknown` of a
 * codec that has no records. */
static int decode_records(struct span data, bool is_lenient, int unknown,
                          struct protocol_result *result)
{
    uint8_t codec = data.n > 0 ? data.p[0] : 0;
    switch (codec) {
    case TELTONIKA_CODEC_GH3000:
        return teltonika_decode_gh3000(data, is_lenient, result);
    case TELTONIKA_CODEC_8:
    case TELTONIKA_CODEC_8E:
    case TELTONIKA_CODEC_16:
        return teltonika_decode_records(data, is_lenient, result);
    default:
        return err_raise(unknown);
    }
}

static int decode_text(struct span data, struct protocol_link *link, struct protocol_result *result)
{
    int err = teltonika_decode_text(data, link, result);
    if (err < 0 && !link->options.is_lenient) {
        result->message_count = 0;
        buf_clear(&result->reply);
    }
    return err;
}

/* Size and checksum against the frame as it is. Both are counted even where a lenient channel goes
 * on, with what the frame holds rather than what it says. */
static int check_data_frame(struct span data, uint32_t said_bytes, uint32_t said_crc)
{
    if (said_bytes != data.n)
        return err_raise(ERR_TELTONIKA_LENGTH);
    if (said_crc != crc16_arc(data))
        return err_raise(ERR_TELTONIKA_CRC);
    return 0;
}

static int decode_data(struct protocol_link *link, struct span frame,
                       struct protocol_result *result)
{
    if (link->ident_n == 0) {
        result->must_close = true;
        return err_raise(ERR_PROTOCOL_NO_IDENT);
    }
    if (frame.n < HEADER_BYTES + CRC_BYTES)
        return err_raise(ERR_TELTONIKA_HEADER);
    struct reader r = reader_of(frame);
    (void)rd_u32be(&r);
    uint32_t said_bytes = rd_u32be(&r);
    struct span data = rd_bytes(&r, frame.n - HEADER_BYTES - CRC_BYTES);
    int err = check_data_frame(data, said_bytes, rd_u32be(&r));
    bool is_text = data.n > 0 && is_text_codec(data.p[0]);
    if (err < 0 && !link->options.is_lenient) {
        if (!is_text)
            buf_add_u32be(&result->reply, 0);
        return err;
    }
    if (is_text)
        return decode_text(data, link, result);
    int accepted = decode_records(data, link->options.is_lenient, ERR_TELTONIKA_CODEC, result);
    buf_add_u32be(&result->reply, accepted > 0 ? (uint32_t)accepted : 0);
    return accepted < 0 ? accepted : 0;
}

static void add_datagram_reply(struct buf *reply, uint16_t packet_id, uint8_t avl_packet_id,
                               uint8_t accepted)
{
    buf_add_u16be(reply, 2 + 1 + 1 + 1);
    buf_add_u16be(reply, packet_id);
    buf_add_u8(reply, 1);
    buf_add_u8(reply, avl_packet_id);
    buf_add_u8(reply, accepted);
}

static int decode_datagram(struct protocol_link *link, struct span frame,
                           struct protocol_result *result)
{
    struct reader r = reader_of(frame);
    uint16_t said_bytes = rd_u16be(&r);
    uint16_t packet_id = rd_u16be(&r);
    (void)rd_u8(&r);
    uint8_t avl_packet_id = rd_u8(&r);
    struct span imei = rd_bytes(&r, rd_u16be(&r));
    struct span data = rd_bytes(&r, rd_left(&r));
    if (r.is_failed)
        return err_raise(ERR_TELTONIKA_UDP_HEADER);
    bool is_lenient = link->options.is_lenient;
    if (said_bytes != frame.n - 2) {
        int err = err_raise(ERR_TELTONIKA_UDP_LENGTH);
        if (!is_lenient)
            return err;
    }
    int err = protocol_set_ident(link, imei);
    if (err < 0)
        return err;
    int accepted = decode_records(data, is_lenient, ERR_TELTONIKA_UDP_CODEC, result);
    add_datagram_reply(&result->reply, packet_id, avl_packet_id,
                       accepted > 0 ? (uint8_t)accepted : 0);
    return accepted < 0 ? accepted : 0;
}

static int teltonika_decode(struct protocol_link *link, struct span frame,
                            struct protocol_result *result)
{
    struct reader r = reader_of(frame);
    if (frame.n == 1 && rd_u8(&r) == PING)
        return 0;
    if (link->transport == PROTOCOL_UDP)
        return decode_datagram(link, frame, result);
    r = reader_of(frame);
    return rd_u16be(&r) != 0 ? decode_login(link, frame, result) : decode_data(link, frame, result);
}

/* Types of the kinds in teltonika_avl.def. */
#define TYPE_NUMBER "number"
#define TYPE_SIGNED "number"
#define TYPE_BOOL "boolean"
#define TYPE_NOT "boolean"
#define TYPE_DIN "boolean"
#define TYPE_DOUT "boolean"
#define TYPE_TEXT "string"
#define TYPE_HEX "string"
#define TYPE_HOURS "number"
#define TYPE_SIGNAL "number"
#define TYPE_DALLAS "number"
#define TYPE_OPERATOR "string"
#define TYPE_GNSS "number"
#define TYPE_HARSH "boolean"
#define TYPE_ICCID "string"

static const struct protocol_parameter parameters[] = {
    {"codec.id", "number", "", "Codec of the frame: 7, 8, 12 to 16, 142"},
    {"custom.generation.type.enum", "number", "", "Why codec 16 made the record"},
    {"custom.gsm.signal.quality", "number", "", "GSM signal as codec 7 reports it"},
    {"custom.image.id", "number", "", "Picture that an image.part belongs to"},
    {"custom.image.kind.enum", "number", "", "Picture message: 0 none, 1 announced, 2 part"},
    {"custom.image.offset", "number", "bytes", "Place of the part in the picture"},
    {"custom.image.part", "string", "", "Bytes of the part, hexadecimal"},
    {"custom.image.size", "number", "bytes", "Size of the announced picture"},
    {"custom.message.hex", "string", "", "Serial port data that is no text, hexadecimal"},
    {"custom.param.N", "number", "", "AVL element N without a name; hexadecimal text from 2^63"},
    {"device.imei", "string", "", "IMEI in a codec 14 or 15 message"},
    {"din", "number", "", "Digital inputs, bit N-1 is input N"},
    {"dout", "number", "", "Digital outputs, bit N-1 is output N"},
    {"event.enum", "number", "", "AVL id that caused the record, 0 for none"},
    {"event.priority.enum", "number", "", "Priority: 0 low, 1 high, 2 panic"},
    {"gnss.status", "boolean", "", "The GNSS receiver is on"},
    {"gsm.mcc", "number", "", "Mobile country code"},
    {"gsm.mnc", "number", "", "Mobile network code"},
    {"gsm.network.roaming.status", "boolean", "", "Roaming"},
    {"harsh.braking.event", "boolean", "", "Harsh braking"},
    {"harsh.cornering.event", "boolean", "", "Harsh cornering"},
    {"message.content", "string", "", "Answer to a command, or text from the serial port"},
    {"message.type.enum", "number", "", "Type of a codec 12 to 15 message: 5 command, 6 answer"},
    {"position.altitude", "number", "meters", "Altitude"},
    {"position.direction", "number", "degrees", "Course over ground"},
    {"position.latitude", "number", "degrees", "Latitude"},
    {"position.longitude", "number", "degrees", "Longitude"},
    {"position.satellites", "number", "", "Satellites used"},
    {"position.speed", "number", "km/h", "Speed over ground"},
    {"position.valid", "boolean", "", "The position is a fix"},
    {"position.vdop", "number", "", "Vertical dilution of precision"},
    {"timestamp", "number", "seconds", "Time of the record"},
#define AVL(id, bytes, kind, scale, name, unit, info) {name, TYPE_##kind, unit, info},
#define AVL_ALSO(id, bytes, kind, scale, name, unit, info)
#include "gateway/protocols/teltonika_avl.def"
#undef AVL_ALSO
#undef AVL
};

const struct protocol protocol_teltonika = {
    .name = "teltonika",
    .title = "Teltonika",
    .id = 14,
    .transports = PROTOCOL_TCP | PROTOCOL_UDP,
    .default_port = 5027,
    .frame_max = FRAME_MAX,
    .state_size = sizeof(struct teltonika_state),
    .frame = teltonika_frame,
    .decode = teltonika_decode,
    .encode_login = teltonika_encode_login,
    .encode_report = teltonika_encode_report,
    .parameters = parameters,
    .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
};
