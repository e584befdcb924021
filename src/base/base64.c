/* Base64: see the header. What comes in is foreign, so decoding is strict. */
#include "base/base64.h"

#define PAD '='

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct span in, char *out)
{
    while (in.n) {
        uint32_t bits = (uint32_t)in.p[0] << 16;
        bits |= in.n > 1 ? (uint32_t)in.p[1] << 8 : 0;
        bits |= in.n > 2 ? in.p[2] : 0;
        out[0] = alphabet[bits >> 18];
        out[1] = alphabet[bits >> 12 & 63];
        out[2] = PAD;
        out[3] = PAD;
        if (in.n > 1)
            out[2] = alphabet[bits >> 6 & 63];
        if (in.n > 2)
            out[3] = alphabet[bits & 63];
        out += 4;
        in = span_from(in, 3);
    }
}

/* The six bits of a character, -1 when it is none. */
static int value_of(uint8_t c)
{
    size_t at = span_find(span_of(alphabet, sizeof(alphabet) - 1), c);
    return at < sizeof(alphabet) - 1 ? (int)at : -1;
}

int base64_decode(struct span in, uint8_t *out, size_t room)
{
    if (in.n % 4)
        return err_raise(ERR_BASE64_LENGTH);
    if (in.n && in.p[in.n - 1] == PAD)
        in.n -= in.p[in.n - 2] == PAD ? 2 : 1;
    size_t bytes = in.n / 4 * 3 + (in.n % 4 ? in.n % 4 - 1 : 0);
    if (bytes > room || bytes > INT32_MAX)
        return err_raise(ERR_BASE64_ROOM);
    uint32_t bits = 0;
    for (size_t i = 0, n = 0; i < in.n; i++) {
        int value = value_of(in.p[i]);
        if (value < 0)
            return err_raise(ERR_BASE64_CHARACTER);
        bits = bits << 6 | (uint32_t)value;
        if (i % 4)
            out[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
    }
    return (int)bytes;
}
