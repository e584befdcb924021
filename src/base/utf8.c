/* UTF-8 validation. Sits under everything that takes text from a peer: MQTT strings, JSON, idents.
 * Topics are nearly always ASCII, so ASCII goes eight bytes at a time and the rest by the table of
 * well-formed sequences. Knows nothing of what the text means. */
#include "base/utf8.h"

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS EVERY_BYTE(0x80)

/* Unicode 15 table 3-7: what may follow a lead byte. The second byte's range is what keeps out
 * overlong forms (E0, F0), surrogates (ED) and characters past U+10FFFF (F4). */
struct lead {
    uint8_t first, last;
    uint8_t second_min, second_max;
    uint8_t length;
};

static const struct lead leads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

/* Bytes of the well-formed character of several bytes at `p`, 0 when it is none. */
static size_t wide_length(const uint8_t *p, size_t left)
{
    const struct lead *lead = leads;
    const struct lead *end = leads + sizeof(leads) / sizeof(leads[0]);
    while (lead < end && lead->last < *p)
        lead++;
    if (lead == end || *p < lead->first || left < lead->length)
        return 0;
    if (p[1] < lead->second_min || p[1] > lead->second_max)
        return 0;
    for (size_t i = 2; i < lead->length; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    return lead->length;
}

/* Bytes at the start of `s`, in steps of eight, that are ASCII; NUL ends them too, and sometimes a
 * 0x01 after a NUL does, which costs only speed. */
static size_t plain_length(const uint8_t *p, size_t n)
{
    size_t at = 0;
    for (; at + 8 <= n; at += 8) {
        uint64_t word;
        memcpy(&word, p + at, sizeof(word));
        if ((word | (word - EVERY_BYTE(1))) & HIGH_BITS)
            break;
    }
    return at;
}

static inline bool is_valid(struct span text, uint8_t least)
{
    size_t at = 0;
    while (at < text.n) {
        if (text.n - at >= 8)
            at += plain_length(text.p + at, text.n - at);
        /* Up to eight characters the slow way, so that text of mixed alphabets does not test a
         * word after every one of them. */
        for (int i = 0; i < 8 && at < text.n; i++) {
            if (text.p[at] < least)
                return false;
            size_t n = text.p[at] < 0x80 ? 1 : wide_length(text.p + at, text.n - at);
            if (n == 0)
                return false;
            at += n;
        }
    }
    return true;
}

bool utf8_is_valid(struct span text)
{
    return is_valid(text, 0);
}

bool utf8_is_valid_mqtt(struct span text)
{
    return is_valid(text, 1);
}
