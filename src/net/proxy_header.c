/* See the header.
 *
 *   version 1   PROXY TCP4|TCP6 <source> <destination> <port> <port> CR LF
 *               PROXY UNKNOWN <anything> CR LF
 *
 *   version 2    0  12  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
 *               12   1  version 2 in the high half; command: 0 LOCAL, 1 PROXY
 *               13   1  family in the high half (0 none, 1 IPv4, 2 IPv6, 3 UNIX); 1 stream, 2
 * datagram 14   2  length of the rest 16      source and destination address, source and
 * destination port fields: type (1), length (2), value; type 3 is a CRC32C of the header
 */
#include "net/proxy_header.h"

#include "base/reader.h"

#include <arpa/inet.h>

#define V1_MAX 107
#define V2_HEAD 16
#define UNIX_ADDRESSES 216

static const struct span v1_signature = {(const uint8_t *)"PROXY ", 6};
static const struct span v2_signature = {
    (const uint8_t *)"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a", 12};

/* ---- version 1 ---- */

/* The next word; exactly one blank ends it, unless the line does. False: there is none. */
static bool take_word(struct span *line, struct span *ret)
{
    if (line->n == 0)
        return false;
    size_t end = span_find(*line, ' ');
    *ret = span_head(*line, end);
    if (end + 1 == line->n)
        return false; /* a blank before the line end */
    *line = span_from(*line, end + 1);
    return ret->n > 0;
}

static bool parse_address(struct span word, int family, struct net_address *ret)
{
    char text[INET6_ADDRSTRLEN];
    struct net_address a = {0};
    if (word.n >= sizeof text)
        return false;
    memcpy(text, word.p, word.n);
    text[word.n] = '\0';
    a.n = family == AF_INET ? sizeof a.v4 : sizeof a.v6;
    a.any.sa_family = (sa_family_t)family;
    void *to = family == AF_INET ? (void *)&a.v4.sin_addr : (void *)&a.v6.sin6_addr;
    if (memchr(text, '\0', word.n) || inet_pton(family, text, to) != 1)
        return false;
    *ret = a;
    return true;
}

static bool parse_port(struct span word, uint16_t *ret)
{
    uint32_t port = 0;
    if (word.n > 5 || (word.n > 1 && word.p[0] == '0'))
        return false;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(word.p[i] - '0');
    }
    *ret = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* `line` begins behind the family. */
static int parse_v1_addresses(struct span line, int family, struct proxy_header *ret)
{
    struct span words[4];
    struct net_address source, destination;
    uint16_t source_port, destination_port;
    for (size_t i = 0; i < 4; i++)
        if (!take_word(&line, &words[i]))
            return err_raise(ERR_PROXY_V1_FIELDS);
    if (line.n)
        return err_raise(ERR_PROXY_V1_FIELDS);
    if (!parse_address(words[0], family, &source) || !parse_address(words[1], family, &destination))
        return err_raise(ERR_PROXY_V1_ADDRESS);
    if (!parse_port(words[2], &source_port) || !parse_port(words[3], &destination_port))
        return err_raise(ERR_PROXY_V1_PORT);
    net_address_set_port(&source, source_port);
    *ret = (struct proxy_header){true, source};
    return 0;
}

/* The line without signature and line end. */
static int parse_v1_line(struct span line, struct proxy_header *ret)
{
    struct span family = span_head(line, span_find(line, ' '));
    *ret = (struct proxy_header){0};
    if (span_equal(family, SPAN_LIT("UNKNOWN")))
        return 0;
    bool is_v4 = span_equal(family, SPAN_LIT("TCP4"));
    if (!is_v4 && !span_equal(family, SPAN_LIT("TCP6")))
        return err_raise(ERR_PROXY_V1_FAMILY);
    return parse_v1_addresses(span_from(line, family.n + 1), is_v4 ? AF_INET : AF_INET6, ret);
}

static int parse_v1(struct span in, struct proxy_header *ret)
{
    struct span whole = span_head(in, V1_MAX);
    size_t end = span_find(whole, '\n');
    size_t carriage = span_find(whole, '\r');
    if (end == whole.n && carriage + 1 >= whole.n)
        return in.n < V1_MAX ? 0 : err_raise(ERR_PROXY_V1_LENGTH);
    if (carriage + 1 != end)
        return err_raise(ERR_PROXY_V1_LINE_END);
    int err = parse_v1_line(span_from(span_head(whole, carriage), v1_signature.n), ret);
    return err < 0 ? err : (int)end + 1;
}

/* ---- version 2 ---- */

/* Castagnoli, reflected, as in RFC 3720 B.4; the checksum itself counts as zeros. A header comes
 * once in a connection's life: no table. */
static uint32_t crc32c(struct span s, size_t zeros_at)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= i >= zeros_at && i < zeros_at + 4 ? 0 : s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82F63B78 & (0 - (crc & 1)));
    }
    return ~crc;
}

/* The fields behind the addresses; `r` stands there, at the end of `whole` is the header's end. */
static int check_fields(struct reader *r, struct span whole)
{
    while (rd_left(r)) {
        uint8_t type = rd_u8(r);
        struct span value = rd_bytes(r, rd_u16be(r));
        if (r->is_failed)
            return err_raise(ERR_PROXY_V2_FIELD);
        if (type != 3)
            continue;
        struct reader sum = reader_of(value);
        uint32_t told = rd_u32be(&sum);
        if (!rd_is_done(&sum) || told != crc32c(whole, (size_t)(value.p - whole.p)))
            return err_raise(ERR_PROXY_V2_CHECKSUM);
    }
    return 0;
}

/* Address families: bytes of both addresses and ports. */
enum {
    FAMILY_NONE,
    FAMILY_V4,
    FAMILY_V6,
    FAMILY_UNIX,
    FAMILY_COUNT_
};
static const size_t address_bytes[FAMILY_COUNT_] = {0, 12, 36, UNIX_ADDRESSES};

static struct net_address source_of(struct span addresses, int family)
{
    struct reader r = reader_of(addresses);
    struct net_address a = {0};
    if (family == FAMILY_V4) {
        a.n = sizeof a.v4;
        a.v4.sin_family = AF_INET;
        memcpy(&a.v4.sin_addr, rd_bytes(&r, 8).p, 4);
    } else {
        a.n = sizeof a.v6;
        a.v6.sin6_family = AF_INET6;
        memcpy(&a.v6.sin6_addr, rd_bytes(&r, 32).p, 16);
    }
    net_address_set_port(&a, rd_u16be(&r));
    return a;
}

/* What a proxy says of the client. `kind` is byte 13. */
static int parse_v2_proxied(struct span whole, uint8_t kind, struct proxy_header *ret)
{
    struct reader r = reader_of(span_from(whole, V2_HEAD));
    int family = kind >> 4;
    bool is_stream = (kind & 15) == 1;
    if (family >= FAMILY_COUNT_ || (family != FAMILY_NONE && !is_stream))
        return err_raise(ERR_PROXY_V2_FAMILY);
    struct span addresses = rd_bytes(&r, address_bytes[family]);
    if (r.is_failed)
        return err_raise(ERR_PROXY_V2_ADDRESSES);
    int err = check_fields(&r, whole);
    if (err < 0)
        return err;
    if (family == FAMILY_V4 || family == FAMILY_V6)
        *ret = (struct proxy_header){true, source_of(addresses, family)};
    return 0;
}

static int parse_v2(struct span in, struct proxy_header *ret)
{
    struct reader r = reader_of(in);
    (void)rd_bytes(&r, v2_signature.n);
    if (rd_left(&r) > 0 && r.p[0] >> 4 != 2)
        return err_raise(ERR_PROXY_V2_VERSION);
    int command = rd_u8(&r) & 15;
    if (command > 1)
        return err_raise(ERR_PROXY_V2_COMMAND);
    uint8_t kind = rd_u8(&r);
    size_t length = V2_HEAD + (size_t)rd_u16be(&r);
    if (r.is_failed)
        return 0;
    if (length > PROXY_HEADER_MAX)
        return err_raise(ERR_PROXY_V2_TOO_LONG);
    if (length > in.n)
        return 0;
    *ret = (struct proxy_header){0};
    /* LOCAL is the proxy itself, looking whether we live: the rest is to be skipped unread. */
    int err = command == 1 ? parse_v2_proxied(span_head(in, length), kind, ret) : 0;
    return err < 0 ? err : (int)length;
}

/* ---- both ---- */

static bool may_become(struct span in, struct span signature)
{
    size_t n = in.n < signature.n ? in.n : signature.n;
    return span_equal(span_head(in, n), span_head(signature, n));
}

int proxy_header_parse(struct span in, struct proxy_header *ret)
{
    bool is_v1 = may_become(in, v1_signature), is_v2 = may_become(in, v2_signature);
    if (!is_v1 && !is_v2)
        return err_raise(ERR_PROXY_SIGNATURE);
    if (in.n < v1_signature.n || (is_v2 && in.n < v2_signature.n))
        return 0;
    return is_v1 ? parse_v1(in, ret) : parse_v2(in, ret);
}
