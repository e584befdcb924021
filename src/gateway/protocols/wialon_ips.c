/* Wialon IPS 1.1, 2.0 and 2.1, over TCP and UDP: lines of text from Gurtam's protocol for trackers,
 * turned into messages and the protocol's own answers.
 *
 *   #TYPE#field;field;...;crc\r\n       TCP; 1.1 has no crc
 *   [version;]ident#TYPE#...\r\n        UDP: every datagram says whose it is
 *
 *   #L#  version;ident;password;crc, in 1.1 ident;password             -> #AL#
 *   #SD# date;time;lat;N;lon;E;speed;course;height;sats                -> #AD#, refused #ASD#
 *   #D#  the same;hdop;inputs;outputs;adc,adc;ibutton;name:type:value,..  -> #AD#
 *   #B#  SD or D bodies between '|', then crc                          -> #AB#count
 *   #P#                                                                -> #AP#
 *   #M#  text of the driver                                            -> #AM#
 *   #I#  size;block;count;date;time;name;crc, then `size` bytes        -> #AI#
 *
 * The checksum is CRC-16/ARC over what stands between "#TYPE#" and itself, last separator included,
 * in hexadecimal. "NA" or nothing is an absent value. Time is UTC. */
#include "base/crc.h"
#include "gateway/protocols/wialon_ips_internal.h"

#define LINE_MAX_BYTES (32 * 1024)
#define PHOTO_MAX_BYTES (64 * 1024)

struct wialon_state {
    uint8_t version; /* 1 or 2, as the login or the datagram said; 0: not known */
};

/* One line while it is decoded. */
struct packet {
    struct protocol_link *link;
    struct protocol_result *result;
    struct wialon_state *state;
    const struct packet_type *type;
    struct span line; /* from the first byte, without line end */
    struct span body; /* behind "#TYPE#" */
};

struct packet_type {
    const char *name;
    const char *answer; /* name of the answer */
    bool needs_ident;
    int (*decode)(struct packet *p);
};

/* ---- checksum ---- */

/* 1 to 4 hexadecimal digits; "0x" before them was seen in the field. */
static bool read_crc(struct span text, uint16_t *ret_crc)
{
    unsigned value = 0;
    text = text_trim(text);
    if (span_starts(text, SPAN_LIT("0x")) || span_starts(text, SPAN_LIT("0X")))
        text = span_from(text, 2);
    if (text.n == 0 || text.n > 4)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        uint8_t letter = c | 0x20;
        if (c >= '0' && c <= '9')
            value = value << 4 | (unsigned)(c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value << 4 | (unsigned)(letter - 'a' + 10);
        else
            return false;
    }
    *ret_crc = (uint16_t)value;
    return true;
}

/* Whether the last field of the body, `text`, is the checksum of all before it. Where a datagram
 * names its device, the documents leave open whether that belongs to the sum: both are taken. */
static int check_crc(const struct packet *p, struct span text)
{
    uint16_t crc;
    if (!read_crc(text, &crc))
        return err_raise(ERR_WIALON_IPS_CRC_TEXT);
    size_t covered = (size_t)(text.p - p->body.p);
    if (crc16_arc(span_head(p->body, covered)) == crc)
        return 0;
    size_t from_start = (size_t)(text.p - p->line.p);
    if (p->line.p[0] != '#' && crc16_arc(span_head(p->line, from_start)) == crc)
        return 0;
    return err_raise(ERR_WIALON_IPS_CRC);
}

/* The rule for all packets: a checksum that is there must be right, version 2.x must have one, and
 * a lenient channel counts what is wrong and goes on. `text` has p == NULL when there is none. */
static int require_crc(const struct packet *p, struct span text)
{
    int rc = 0;
    if (text.p)
        rc = check_crc(p, text);
    else if (p->state->version == 2)
        rc = err_raise(ERR_WIALON_IPS_CRC_ABSENT);
    return p->link->options.is_lenient ? 0 : rc;
}

/* ---- packets ---- */

/* Publishes a record that has the right number of fields, or leaves no message behind. */
static int publish(const struct packet *p, struct wialon_record *r)
{
    r->timezone_s = p->link->options.timezone_s;
    r->m = protocol_add_message(p->result);
    if (!r->m)
        return protocol_add_error(p->result);
    int rc = wialon_record_read(r);
    if (rc < 0)
        p->result->message_count--;
    return rc;
}

static void answer(const struct packet *p, const char *code)
{
    buf_addf(&p->result->reply, "#%s#%s\r\n", p->type->answer, code);
}

static int read_version(struct wialon_state *state, struct span version)
{
    bool is_first = span_starts(version, SPAN_LIT("1."));
    if (!is_first && !span_starts(version, SPAN_LIT("2.")))
        return err_raise(ERR_WIALON_IPS_VERSION);
    state->version = is_first ? 1 : 2;
    return 0;
}

static int decode_login(struct packet *p)
{
    struct wialon_record r;
    wialon_record_split(p->body, &r);
    bool is_first = r.count == 2;
    if (!is_first && r.count != 3 && r.count != 4)
        return err_raise(ERR_WIALON_IPS_LOGIN);
    p->state->version = 1;
    int rc = is_first ? 0 : read_version(p->state, r.fields[0]);
    if (rc == 0)
        rc = require_crc(p, r.count == 4 ? r.fields[3] : (struct span){0});
    if (rc == 0)
        rc = protocol_set_ident(p->link, r.fields[is_first ? 0 : 1]);
    if (rc < 0)
        return rc;
    p->result->is_login = true;
    answer(p, "1");
    buf_add_str(&p->result->reject, "#AL#0\r\n");
    return 0;
}

/* #SD# or #D#: `fields` of them, and a checksum or none. */
static int decode_data(struct packet *p, size_t fields)
{
    struct wialon_record r;
    struct span crc = {0};
    wialon_record_split(p->body, &r);
    if (r.count == fields + 1) {
        r.count--;
        if (r.fields[fields].n)
            crc = r.fields[fields];
    }
    if (r.count != fields)
        return err_raise(ERR_WIALON_IPS_FIELDS);
    int rc = require_crc(p, crc);
    if (rc == 0)
        rc = publish(p, &r);
    return rc;
}

/* The document answers short data with "#ASD#1". The recorded exchanges this decoder is held to say
 * "#AD#1", so that is what a device gets; refusals are the document's. */
static int decode_short(struct packet *p)
{
    int rc = decode_data(p, WIALON_SHORT_FIELDS);
    if (rc == 0)
        buf_add_str(&p->result->reply, "#AD#1\r\n");
    return rc;
}

static int decode_long(struct packet *p)
{
    int rc = decode_data(p, WIALON_LONG_FIELDS);
    if (rc == 0)
        answer(p, "1");
    return rc;
}

/* The black box: records that the device could not send in time. The answer counts those taken, so
 * a bad one among good ones costs only itself. */
static int decode_black_box(struct packet *p)
{
    struct span rest = p->body, crc = {0};
    size_t taken = 0;
    int rc = 0, refused = 0;
    const uint8_t *last = memrchr(rest.p, '|', rest.n);
    struct span tail = last ? span_from(rest, (size_t)(last - rest.p) + 1) : (struct span){0};
    if (last && span_find(tail, ';') == tail.n) {
        rest.n -= tail.n;
        crc = text_trim(tail).n ? tail : crc;
    }
    rc = require_crc(p, crc);
    while (rc == 0 && rest.n) {
        struct wialon_record r;
        wialon_record_split(text_cut(&rest, '|'), &r);
        int record_rc = r.count == WIALON_SHORT_FIELDS || r.count == WIALON_LONG_FIELDS
                            ? publish(p, &r)
                            : err_raise(ERR_WIALON_IPS_RECORD_FIELDS);
        if (record_rc == 0) {
            message_add_bool(r.m, "message.buffered.status", true);
            taken++;
        } else if (err_class(record_rc) == ERR_CLASS_INPUT) {
            refused = record_rc;
        } else {
            rc = record_rc;
        }
    }
    if (rc == 0 && taken == 0)
        rc = refused;
    if (rc == 0)
        buf_addf(&p->result->reply, "#AB#%zu\r\n", taken);
    return rc;
}

static int decode_ping(struct packet *p)
{
    answer(p, "");
    return 0;
}

/* Text of the driver. A checksum can only be told from text when the version says there is one. */
static int decode_driver_message(struct packet *p)
{
    struct span text = p->body, crc = {0};
    const uint8_t *last = memrchr(text.p, ';', text.n);
    if (p->state->version == 2 && last) {
        crc = span_from(text, (size_t)(last - text.p) + 1);
        text.n = (size_t)(last - text.p);
    }
    int rc = require_crc(p, crc);
    if (rc < 0)
        return rc;
    if (text_trim(text).n == 0)
        return err_raise(ERR_WIALON_IPS_DRIVER_MESSAGE);
    struct message *m = protocol_add_message(p->result);
    if (!m)
        return protocol_add_error(p->result);
    message_add_text(m, "driver.message", text);
    answer(p, "1");
    return 0;
}

static int decode_photo(struct packet *p)
{
    (void)p;
    return err_raise(ERR_WIALON_IPS_PHOTO);
}

/* Bytes of a file follow its packets, so the connection cannot go on. */
static int decode_tachograph(struct packet *p)
{
    p->result->must_close = true;
    return err_raise(ERR_WIALON_IPS_TACHOGRAPH);
}

static const struct packet_type types[] = {
    {"L", "AL", false, decode_login},     {"SD", "ASD", true, decode_short},
    {"D", "AD", true, decode_long},       {"B", "AB", true, decode_black_box},
    {"P", "AP", false, decode_ping},      {"M", "AM", true, decode_driver_message},
    {"I", "AI", true, decode_photo},      {"IT", "AIT", true, decode_tachograph},
    {"T", "AT", true, decode_tachograph},
};

/* What the protocol answers to a refusal, by type; where nothing stands, nothing is answered and
 * the device sends again. */
static const struct refusal {
    int err;
    const char *login, *short_data, *data, *black_box, *other;
} refusals[] = {
    {ERR_IDENT_EMPTY, "0", NULL, NULL, NULL, NULL},
    {ERR_IDENT_TOO_LONG, "0", NULL, NULL, NULL, NULL},
    {ERR_IDENT_CHARACTER, "0", NULL, NULL, NULL, NULL},
    {ERR_WIALON_IPS_LOGIN, "0", NULL, NULL, NULL, NULL},
    {ERR_WIALON_IPS_VERSION, "0", NULL, NULL, NULL, NULL},
    {ERR_WIALON_IPS_CRC, "10", "13", "16", "", "01"},
    {ERR_WIALON_IPS_CRC_TEXT, "10", "13", "16", "", "01"},
    {ERR_WIALON_IPS_CRC_ABSENT, "10", "13", "16", "", "01"},
    {ERR_WIALON_IPS_FIELDS, NULL, "-1", "-1", NULL, NULL},
    {ERR_WIALON_IPS_RECORD_FIELDS, NULL, NULL, NULL, "0", NULL},
    {ERR_WIALON_IPS_TIME, NULL, "0", "0", "0", NULL},
    {ERR_WIALON_IPS_COORDINATES, NULL, "10", "10", "0", NULL},
    {ERR_WIALON_IPS_COORDINATES_RANGE, NULL, "10", "10", "0", NULL},
    {ERR_WIALON_IPS_MOTION, NULL, "11", "11", "0", NULL},
    {ERR_WIALON_IPS_SATELLITES, NULL, "12", "12", "0", NULL},
    {ERR_WIALON_IPS_HDOP, NULL, NULL, "12", "0", NULL},
    {ERR_WIALON_IPS_IO, NULL, NULL, "13", "0", NULL},
    {ERR_WIALON_IPS_ADC, NULL, NULL, "14", "0", NULL},
    {ERR_WIALON_IPS_PARAM, NULL, NULL, "15", "0", NULL},
    {ERR_WIALON_IPS_PARAM_VALUE, NULL, NULL, "15", "0", NULL},
    {ERR_WIALON_IPS_DRIVER_MESSAGE, NULL, NULL, NULL, NULL, "0"},
    {ERR_WIALON_IPS_PHOTO, NULL, NULL, NULL, NULL, "0"},
    {ERR_WIALON_IPS_TACHOGRAPH, NULL, NULL, NULL, NULL, "0"},
};

static const char *refusal_code(const struct refusal *row, int (*decode)(struct packet *p))
{
    if (decode == decode_login)
        return row->login;
    if (decode == decode_short)
        return row->short_data;
    if (decode == decode_long)
        return row->data;
    return decode == decode_black_box ? row->black_box : row->other;
}

static void answer_refusal(const struct packet *p, int err)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const char *code = refusal_code(&refusals[i], p->type->decode);
        if (refusals[i].err == err && code)
            answer(p, code);
    }
}

/* ---- contract ---- */

static int wialon_frame(const struct protocol_link *link, struct span in)
{
    (void)link;
    if (in.n == 0)
        return 0;
    if (in.p[0] == 0xff)
        return err_raise(ERR_WIALON_IPS_COMPRESSED);
    /* An empty line does no harm; anything else is another protocol, whose line may never end. */
    if (in.p[0] != '#' && in.p[0] != '\r' && in.p[0] != '\n')
        return err_raise(ERR_WIALON_IPS_NOISE);
    struct span window = span_head(in, LINE_MAX_BYTES);
    size_t n = span_find(window, '\n');
    if (n == window.n)
        return n == LINE_MAX_BYTES ? err_raise(ERR_WIALON_IPS_LINE_TOO_LONG) : 0;
    n++;
    if (span_starts(in, SPAN_LIT("#I#"))) {
        struct span fields = span_from(span_head(in, n), 3);
        uint64_t size;
        if (!text_uint(text_cut(&fields, ';'), &size) || size > PHOTO_MAX_BYTES)
            return err_raise(ERR_WIALON_IPS_PHOTO_SIZE);
        n += size;
    }
    return n <= in.n ? (int)n : 0;
}

/* What stands before the first '#' of a datagram: "ident" or "version;ident". */
static int read_prefix(struct packet *p, struct span prefix)
{
    struct span ident = prefix;
    struct span version = text_cut(&ident, ';');
    p->state->version = 1;
    if (span_find(prefix, ';') == prefix.n)
        return protocol_set_ident(p->link, prefix);
    int rc = read_version(p->state, version);
    return rc < 0 ? rc : protocol_set_ident(p->link, ident);
}

/* Splits the line into prefix, type and body. */
static int open_packet(struct packet *p)
{
    size_t start = span_find(p->line, '#');
    struct span rest = span_from(p->line, start + 1);
    struct span type = span_head(rest, span_find(rest, '#'));
    if (start == p->line.n || type.n == rest.n)
        return err_raise(ERR_WIALON_IPS_START);
    p->body = span_from(rest, type.n + 1);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (span_equal(type, span_str(types[i].name)))
            p->type = &types[i];
    if (!p->type)
        return err_raise(ERR_WIALON_IPS_TYPE);
    return start ? read_prefix(p, span_head(p->line, start)) : 0;
}

static int wialon_decode(struct protocol_link *link, struct span frame,
                         struct protocol_result *result)
{
    struct packet p = {.link = link, .result = result, .state = link->state};
    p.line = text_trim(span_head(frame, span_find(frame, '\n')));
    if (p.line.n == 0)
        return 0;
    int rc = open_packet(&p);
    if (rc < 0)
        return rc;
    if (p.type->needs_ident && link->ident_n == 0)
        return err_raise(ERR_PROTOCOL_NO_IDENT);
    rc = p.type->decode(&p);
    if (rc < 0) {
        result->message_count = 0;
        answer_refusal(&p, rc);
    }
    return rc;
}

static const struct protocol_parameter parameters[] = {
    {"absolute.acceleration", "number", "g", "largest acceleration, parameter wln_accel_max"},
    {"absolute.deceleration", "number", "g", "hardest braking, parameter wln_brk_max"},
    {"ain.N", "number", "volts", "analog input N"},
    {"alarm.event", "boolean", "", "alarm button, parameter SOS"},
    {"battery.voltage", "number", "volts", "battery, parameter pwr_int"},
    {"din", "number", "", "bits of the digital inputs"},
    {"dout", "number", "", "bits of the digital outputs"},
    {"driver.message", "string", "", "text of the driver, packet #M#"},
    {"engine.ignition.status", "boolean", "", "ignition, parameters ign and ignition"},
    {"external.powersource.voltage", "number", "volts", "power supply, parameter pwr_ext"},
    {"gsm.cellid", "number", "", "cell, parameter cell_id"},
    {"gsm.lac", "number", "", "location area, parameter lac"},
    {"gsm.mcc", "number", "", "country of the network, parameter mcc"},
    {"gsm.mnc", "number", "", "network, parameter mnc"},
    {"ibutton.code", "string", "", "key of the driver"},
    {"message.buffered.status", "boolean", "", "the record came from the black box"},
    {"movement.status", "boolean", "", "the device moves, parameter motion"},
    {"position.altitude", "number", "meters", "height"},
    {"position.direction", "number", "degrees", "course"},
    {"position.hdop", "number", "", "horizontal dilution of precision"},
    {"position.latitude", "number", "degrees", "latitude, WGS 84"},
    {"position.longitude", "number", "degrees", "longitude, WGS 84"},
    {"position.satellites", "number", "", "satellites in use"},
    {"position.speed", "number", "km/h", "speed"},
    {"position.valid", "boolean", "", "three satellites or more"},
};

/* flespi's number is not known to us: numbers from 10001 on are our own. */
const struct protocol protocol_wialon_ips = {
    .name = "wialon-ips",
    .title = "Wialon IPS",
    .id = 10003,
    .transports = PROTOCOL_TCP | PROTOCOL_UDP,
    .default_port = 20332,
    .frame_max = LINE_MAX_BYTES + PHOTO_MAX_BYTES,
    .state_size = sizeof(struct wialon_state),
    .frame = wialon_frame,
    .decode = wialon_decode,
    .encode_login = wialon_encode_login,
    .encode_report = wialon_encode_report,
    .parameters = parameters,
    .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
};
