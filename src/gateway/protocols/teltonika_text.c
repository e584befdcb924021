/* Teltonika codecs 12 to 15: answers to commands, texts from the serial port, pictures. Reached
 * from teltonika.c once the frame was checked; asks for the next part of a picture in the reply.
 *
 *   frame    codec u8 | quantity u8 | quantity times message | quantity u8
 *   message  type u8 | size u32 | body of `size` bytes
 *   body     codec 12: text; 13: time u32 s, text; 14: IMEI 8 bytes BCD, text; 15: time, IMEI, text
 *   type     5 command, 6 answer, 0x11 (codec 14) the command was for another IMEI, 0x0d picture
 *   picture  1: id u32, bytes u32 (announced); 2: id u32, offset u32, size u16, bytes (a part);
 *            the hub's request is 2: id u32, offset u32, size u16 */
#include "gateway/protocols/teltonika_internal.h"

#define TYPE_IMAGE 0x0d
#define IMAGE_ANNOUNCED 1
#define IMAGE_PART 2
#define IMAGE_PART_BYTES 2048
#define IMEI_BYTES 8

static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t byte = s.p[i];
        if (byte > 0x7e || (byte < 0x20 && byte != '\r' && byte != '\n' && byte != '\t'))
            return false;
    }
    return true;
}

/* Devices end lines with CR LF, and some pad with NUL; neither is part of what they say. */
static struct span trim_end(struct span s)
{
    while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\0'))
        s.n--;
    return s;
}

/* 16 BCD digits, of which the first is padding. */
static void add_imei(struct message *m, struct span bytes)
{
    uint8_t digits[2 * IMEI_BYTES];
    for (size_t i = 0; i < bytes.n; i++) {
        digits[2 * i] = (uint8_t)('0' + (bytes.p[i] >> 4));
        digits[2 * i + 1] = (uint8_t)('0' + (bytes.p[i] & 15));
    }
    message_add_text(m, "device.imei", span_of(digits + 1, sizeof(digits) - 1));
}

static int add_text_message(uint8_t codec, uint8_t type, struct span body,
                            struct protocol_result *result)
{
    bool has_time = codec == TELTONIKA_CODEC_13 || codec == TELTONIKA_CODEC_15;
    bool has_imei = codec == TELTONIKA_CODEC_14 || codec == TELTONIKA_CODEC_15;
    struct message *m = protocol_add_message(result);
    if (!m)
        return protocol_add_error(result);
    struct reader r = reader_of(body);
    message_add_int(m, "codec.id", codec);
    message_add_int(m, "message.type.enum", type);
    if (has_time)
        message_set_time(m, (int64_t)rd_u32be(&r) * 1000000);
    struct span imei = rd_bytes(&r, has_imei ? IMEI_BYTES : 0);
    if (r.is_failed) {
        result->message_count--;
        return err_raise(ERR_TELTONIKA_TEXT_HEADER);
    }
    if (has_imei)
        add_imei(m, imei);
    struct span rest = rd_bytes(&r, rd_left(&r));
    struct span text = trim_end(rest);
    if (is_text(text))
        message_add_text(m, "message.content", text);
    else
        message_add_hex(m, "custom.message.hex", rest);
    return 0;
}

static void add_image_request(struct buf *reply, uint32_t id, uint32_t offset, uint16_t size)
{
    struct buf data = buf_make(MEM_GATEWAY, 64);
    buf_add_u8(&data, TELTONIKA_CODEC_12);
    buf_add_u8(&data, 1);
    buf_add_u8(&data, TYPE_IMAGE);
    buf_add_u32be(&data, 1 + 4 + 4 + 2);
    buf_add_u8(&data, IMAGE_PART);
    buf_add_u32be(&data, id);
    buf_add_u32be(&data, offset);
    buf_add_u16be(&data, size);
    buf_add_u8(&data, 1);
    teltonika_add_frame(reply, buf_span(&data));
    buf_fini(&data);
}

static uint16_t part_bytes(uint32_t left)
{
    return left < IMAGE_PART_BYTES ? (uint16_t)left : IMAGE_PART_BYTES;
}

/* How much to ask for after `next` bytes of picture `id`. Of a picture that was not announced on
 * this connection a full part means that more follows, a short one that it was the last. */
static uint16_t next_part(const struct teltonika_state *state, uint32_t id, uint32_t next,
                          size_t size)
{
    if (state->image_bytes == 0 || state->image_id != id)
        return size == IMAGE_PART_BYTES ? IMAGE_PART_BYTES : 0;
    return next < state->image_bytes ? part_bytes(state->image_bytes - next) : 0;
}

static int decode_image_announced(struct reader *r, struct message *m, struct protocol_link *link,
                                  struct protocol_result *result)
{
    struct teltonika_state *state = link->state;
    uint32_t id = rd_u32be(r);
    uint32_t bytes = rd_u32be(r);
    if (r->is_failed)
        return err_raise(ERR_TELTONIKA_IMAGE);
    state->image_id = id;
    state->image_bytes = bytes;
    message_add_int(m, "custom.image.id", id);
    message_add_int(m, "custom.image.size", bytes);
    if (bytes > 0)
        add_image_request(&result->reply, id, 0, part_bytes(bytes));
    return 0;
}

static int decode_image_part(struct reader *r, struct message *m, struct protocol_link *link,
                             struct protocol_result *result)
{
    struct teltonika_state *state = link->state;
    uint32_t id = rd_u32be(r);
    uint32_t offset = rd_u32be(r);
    struct span part = rd_bytes(r, rd_u16be(r));
    if (r->is_failed)
        return err_raise(ERR_TELTONIKA_IMAGE);
    message_add_int(m, "custom.image.id", id);
    message_add_int(m, "custom.image.offset", offset);
    message_add_hex(m, "custom.image.part", part);
    uint32_t next = offset + (uint32_t)part.n;
    uint16_t size = next_part(state, id, next, part.n);
    if (size > 0)
        add_image_request(&result->reply, id, next, size);
    else if (state->image_id == id)
        state->image_bytes = 0;
    return 0;
}

/* Pictures are published in the parts in which they come: a hub that assembled them would hold as
 * much memory as devices announce. */
static int decode_image(struct span body, struct protocol_link *link,
                        struct protocol_result *result)
{
    struct reader r = reader_of(body);
    uint8_t kind = rd_u8(&r);
    struct message *m = protocol_add_message(result);
    if (!m)
        return protocol_add_error(result);
    message_add_int(m, "codec.id", TELTONIKA_CODEC_12);
    message_add_int(m, "message.type.enum", TYPE_IMAGE);
    message_add_int(m, "custom.image.kind.enum", kind);
    int err = 0;
    if (kind == IMAGE_ANNOUNCED)
        err = decode_image_announced(&r, m, link, result);
    else if (kind == IMAGE_PART)
        err = decode_image_part(&r, m, link, result);
    if (err < 0)
        result->message_count--;
    return err;
}

int teltonika_decode_text(struct span data, struct protocol_link *link,
                          struct protocol_result *result)
{
    struct reader r = reader_of(data);
    uint8_t codec = rd_u8(&r);
    unsigned quantity = rd_u8(&r);
    for (unsigned i = 0; i < quantity; i++) {
        uint8_t type = rd_u8(&r);
        struct span body = rd_bytes(&r, rd_u32be(&r));
        if (r.is_failed)
            return err_raise(ERR_TELTONIKA_TEXT_TRUNCATED);
        bool is_image = codec == TELTONIKA_CODEC_12 && type == TYPE_IMAGE;
        int err = is_image ? decode_image(body, link, result)
                           : add_text_message(codec, type, body, result);
        if (err < 0)
            return err;
    }
    uint8_t repeated = rd_u8(&r);
    if (!rd_is_done(&r) || repeated != quantity)
        return err_raise(ERR_TELTONIKA_TEXT_COUNT);
    return 0;
}
