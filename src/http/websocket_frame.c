/* WebSocket frames: from what a client sent to a stream of payload, and the heads of what a server
 * sends. Knows no handshake.
 *
 *   byte 0   FIN 1 | RSV 3 | opcode 4
 *   byte 1   MASK 1 | length 7: 0-125, 126: 16 bits follow, 127: 64 bits follow
 *            length, 2 or 8 bytes
 *            mask, 4 bytes, from clients only
 *            payload, each byte XORed with its mask's (RFC 6455 5.2) */
#include "http/websocket.h"

#include "base/reader.h"
#include "base/utf8.h"

#define FIN 0x80
#define RSV 0x70
#define OPCODE 0x0F
#define MASK 0x80
#define LENGTH 0x7F
#define LENGTH_16 126
#define LENGTH_64 127
#define MASK_BYTES 4
#define START_BYTES 2 /* of a head, which tell how long it is */

/* ---- masks ---- */

/* `to` may be `from` or lie before it: a word is read before its place is written. */
static void unmask(uint8_t *to, const uint8_t *from, size_t n, uint8_t mask[MASK_BYTES])
{
    uint64_t word, key;
    size_t i = 0;
    memcpy(&key, mask, MASK_BYTES);
    memcpy((uint8_t *)&key + MASK_BYTES, mask, MASK_BYTES);
    for (; i + sizeof(word) <= n; i += sizeof(word)) {
        memcpy(&word, from + i, sizeof(word));
        word ^= key;
        memcpy(to + i, &word, sizeof(word));
    }
    for (; i < n; i++)
        to[i] = from[i] ^ mask[i % MASK_BYTES];
    /* The next byte's mask comes first. */
    for (i = 0; i < MASK_BYTES; i++)
        mask[i] = ((const uint8_t *)&key)[i + n % MASK_BYTES];
}

/* ---- heads ---- */

static bool is_control(uint8_t opcode)
{
    return opcode & 0x08;
}

/* Opcodes of RFC 6455 5.2 that a client may use here, and what is wrong with the others. */
static int check_opcode(const struct websocket_reader *r, uint8_t opcode, bool is_final,
                        uint8_t length)
{
    if (opcode == WEBSOCKET_TEXT)
        return ERR_WEBSOCKET_TEXT;
    if (opcode > WEBSOCKET_PONG || (opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE))
        return ERR_WEBSOCKET_OPCODE;
    if (is_control(opcode) && !is_final)
        return ERR_WEBSOCKET_CONTROL_FRAGMENT;
    if (is_control(opcode) && length > WEBSOCKET_CONTROL_MAX)
        return ERR_WEBSOCKET_CONTROL_LENGTH;
    if (opcode == WEBSOCKET_CONTINUATION && !r->is_in_message)
        return ERR_WEBSOCKET_CONTINUATION;
    if (opcode == WEBSOCKET_BINARY && r->is_in_message)
        return ERR_WEBSOCKET_INTERRUPTED;
    return 0;
}

/* The first two bytes, judged as soon as they are there. */
static int check_start(const struct websocket_reader *r)
{
    struct reader rd = reader_of(span_of(r->head, START_BYTES));
    uint8_t first = rd_u8(&rd), second = rd_u8(&rd);
    if (first & RSV)
        return ERR_WEBSOCKET_RSV;
    if (!(second & MASK))
        return ERR_WEBSOCKET_UNMASKED;
    return check_opcode(r, first & OPCODE, first & FIN, second & LENGTH);
}

/* How long the head is, as far as it tells yet. */
static size_t head_size(const struct websocket_reader *r)
{
    if (r->head_n < START_BYTES)
        return START_BYTES;
    uint8_t length = r->head[1] & LENGTH;
    size_t more = length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
    return START_BYTES + more + MASK_BYTES;
}

/* RFC 6455 5.2: in the shortest form, and the highest of 64 bits is 0. */
static int check_length(uint8_t form, uint64_t length)
{
    if (length >> 63)
        return ERR_WEBSOCKET_LENGTH_SIGN;
    bool is_too_long_a_form =
        form == LENGTH_64 ? length <= UINT16_MAX : form == LENGTH_16 && length < LENGTH_16;
    return is_too_long_a_form ? ERR_WEBSOCKET_LENGTH_FORM : 0;
}

/* A whole head. */
static int take_head(struct websocket_reader *r)
{
    struct reader rd = reader_of(span_of(r->head, r->head_n));
    uint8_t first = rd_u8(&rd), form = rd_u8(&rd) & LENGTH;
    r->left = form == LENGTH_64 ? rd_u64be(&rd) : form == LENGTH_16 ? rd_u16be(&rd) : form;
    struct span mask = rd_bytes(&rd, MASK_BYTES);
    memcpy(r->mask, mask.p, mask.n);
    r->opcode = first & OPCODE;
    if (!is_control(r->opcode))
        r->is_in_message = !(first & FIN);
    r->control_n = 0;
    r->has_head = true;
    return check_length(form, r->left);
}

/* Takes what `in` has of the head: the number of bytes, or an error. */
static int read_head(struct websocket_reader *r, struct span in)
{
    size_t used = 0;
    while (used < in.n && !r->has_head) {
        struct span more = span_head(span_from(in, used), head_size(r) - r->head_n);
        memcpy(r->head + r->head_n, more.p, more.n);
        r->head_n = (uint8_t)(r->head_n + more.n);
        used += more.n;
        int err = r->head_n == START_BYTES ? check_start(r) : 0;
        if (err == 0 && r->head_n > START_BYTES && r->head_n == head_size(r))
            err = take_head(r);
        if (err < 0)
            return err_raise(err);
    }
    return (int)used;
}

/* ---- payload ---- */

static size_t read_payload(struct websocket_reader *r, struct span in, uint8_t *out,
                           struct websocket_step *step)
{
    size_t n = in.n < r->left ? in.n : (size_t)r->left;
    if (!is_control(r->opcode)) {
        unmask(out + step->payload_n, in.p, n, r->mask);
        step->payload_n += n;
    } else if (r->opcode != WEBSOCKET_PONG) { /* answers a ping that we never send */
        unmask(r->control + r->control_n, in.p, n, r->mask);
        r->control_n = (uint8_t)(r->control_n + n);
    }
    r->left -= n;
    return n;
}

/* RFC 6455 7.4: what a peer may send. Codes from 3000 on belong to others. */
static bool is_close_code(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static int check_close(struct span control, uint16_t *ret_code)
{
    struct reader rd = reader_of(control);
    if (control.n == 0)
        return 0;
    uint16_t code = rd_u16be(&rd);
    if (rd.is_failed)
        return err_raise(ERR_WEBSOCKET_CLOSE_LENGTH);
    if (!is_close_code(code))
        return err_raise(ERR_WEBSOCKET_CLOSE_CODE);
    if (!utf8_is_valid(span_from(control, 2)))
        return err_raise(ERR_WEBSOCKET_CLOSE_TEXT);
    *ret_code = code;
    return 0;
}

/* The end of a frame: 0, 1 for an event, or an error. */
static int end_frame(struct websocket_reader *r, struct websocket_step *step)
{
    r->has_head = false;
    r->head_n = 0;
    if (r->opcode != WEBSOCKET_PING && r->opcode != WEBSOCKET_CLOSE)
        return 0;
    step->control = span_of(r->control, r->control_n);
    int err = r->opcode == WEBSOCKET_CLOSE ? check_close(step->control, &step->close_code) : 0;
    if (err < 0)
        return err;
    step->event = r->opcode;
    return 1;
}

int websocket_read(struct websocket_reader *r, struct span in, uint8_t *out,
                   struct websocket_step *ret)
{
    *ret = (struct websocket_step){0};
    while (ret->used < in.n) {
        int rc = read_head(r, span_from(in, ret->used));
        if (rc < 0)
            return rc;
        ret->used += (size_t)rc;
        if (!r->has_head)
            return 0;
        ret->used += read_payload(r, span_from(in, ret->used), out, ret);
        rc = r->left == 0 ? end_frame(r, ret) : 0;
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return 0;
}

/* ---- what a server sends ---- */

size_t websocket_write_head(enum websocket_opcode opcode, uint64_t n,
                            uint8_t out[WEBSOCKET_HEAD_MAX])
{
    size_t bytes = n < LENGTH_16 ? 0 : n <= UINT16_MAX ? 2 : 8;
    out[0] = (uint8_t)(FIN | opcode);
    out[1] = bytes == 8 ? LENGTH_64 : bytes == 2 ? LENGTH_16 : (uint8_t)n;
    for (size_t i = 0; i < bytes; i++)
        out[START_BYTES + i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
    return START_BYTES + bytes;
}

size_t websocket_write_close(uint16_t code, uint8_t out[WEBSOCKET_CLOSE_FRAME_MAX])
{
    uint8_t head[WEBSOCKET_HEAD_MAX];
    size_t n = websocket_write_head(WEBSOCKET_CLOSE, code ? 2 : 0, head);
    memcpy(out, head, n);
    if (code == 0)
        return n;
    out[n] = (uint8_t)(code >> 8);
    out[n + 1] = (uint8_t)code;
    return n + 2;
}

uint16_t websocket_close_code(int err)
{
    static const uint16_t of_class[ERR_CLASS_COUNT_] = {
        [ERR_CLASS_INPUT] = 1002, [ERR_CLASS_PROTOCOL] = 1008, [ERR_CLASS_AUTH] = 1008,
        [ERR_CLASS_LIMIT] = 1008, [ERR_CLASS_STORE] = 1011,    [ERR_CLASS_INTERNAL] = 1011,
    };
    if (err == ERR_WEBSOCKET_TEXT)
        return 1003; /* a kind of data that we do not take */
    if (err == ERR_WEBSOCKET_CLOSE_TEXT)
        return 1007; /* text that is no UTF-8 */
    if (err_mqtt_reason(err) == 0x8B)
        return 1001; /* the server goes away */
    uint16_t code = err < 0 ? of_class[err_class(err)] : 0;
    return code ? code : 1000;
}
