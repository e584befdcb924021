/* A decoder to copy from: compiled, so that it keeps in step with protocol.h, but not in
 * registry.def, so no channel can use it. What a new protocol costs: this file under the protocol's
 * name, its lines in meson.build and registry.def, its errors in src/base/errors/<name>.def, and a
 * folder of goldens. A real head comment names the devices, the source of the format, and draws the
 * bytes:
 *
 *   frame     size u8 of the rest | ident size u8 | ident | record | xor u8 of all before
 *   record    time u32 s since 1970 UTC | latitude i32 1e-6 | longitude i32 1e-6
 *   reply     06 */
#include "base/reader.h"
#include "gateway/protocols/protocol.h"

#define FRAME_MAX 256
#define ACK 0x06

extern const struct protocol protocol_template;

/* Looks at as few bytes as tell the length; never at anything but the stream. */
static int template_frame(const struct protocol_link *link, struct span in)
{
    (void)link;
    if (in.n == 0)
        return 0;
    size_t total = 1U + in.p[0];
    return in.n < total ? 0 : (int)total;
}

static uint8_t xor_of(struct span s)
{
    uint8_t value = 0;
    for (size_t i = 0; i < s.n; i++)
        value ^= s.p[i];
    return value;
}

static void read_record(struct reader *r, struct message *m)
{
    message_set_time(m, (int64_t)rd_u32be(r) * 1000000);
    message_add_decimal(m, "position.latitude", rd_i32be(r), 6);
    message_add_decimal(m, "position.longitude", rd_i32be(r), 6);
}

/* Checks first, publishes last: a refused frame leaves no message and no reply. */
static int template_decode(struct protocol_link *link, struct span frame,
                           struct protocol_result *result)
{
    struct reader r = reader_of(frame);
    (void)rd_u8(&r);
    struct span ident = rd_bytes(&r, rd_u8(&r));
    int err = protocol_set_ident(link, ident);
    if (err < 0)
        return err;
    struct message *m = protocol_add_message(result);
    if (!m)
        return protocol_add_error(result);
    read_record(&r, m);
    struct span checked = span_head(frame, frame.n - rd_left(&r));
    uint8_t said = rd_u8(&r);
    if (!rd_is_done(&r))
        err = err_raise(ERR_TEMPLATE_LENGTH);
    else if (said != xor_of(checked) && !link->options.is_lenient)
        err = err_raise(ERR_TEMPLATE_CHECKSUM);
    if (err < 0)
        result->message_count = 0;
    else
        buf_add_u8(&result->reply, ACK);
    return err;
}

static const struct protocol_parameter parameters[] = {
    {"position.latitude", "number", "degrees", "Latitude"},
    {"position.longitude", "number", "degrees", "Longitude"},
    {"timestamp", "number", "seconds", "Time of the record"},
};

const struct protocol protocol_template = {
    .name = "template",
    .title = "Template",
    .id = 0,
    .transports = PROTOCOL_TCP,
    .default_port = 0,
    .frame_max = FRAME_MAX,
    .frame = template_frame,
    .decode = template_decode,
    .parameters = parameters,
    .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
};
