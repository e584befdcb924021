/* net/proxy_header.h: what is a header, what is not, and cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/proxy_header.h"

#define SIGNATURE "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
#define V4 "\xc0\x00\x02\x07\xc6\x33\x64\x01\x30\x39\x07\x5b" /* 192.0.2.7:12345 */
#define V6                                                                                         \
    "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"                             \
    "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\xff\xff\x22\xb3"
#define X16 "xxxxxxxxxxxxxxxx"
#define X216 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 "yyyyyyyy"
/* The longest line of version 1 that TCP6 addresses make: 104 bytes and then some. */
#define LONG_V6 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static const struct {
    struct span bytes;
    const char *peer; /* NULL: the connection's own */
} good[] = {
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 12345 1883\r\n"), "192.0.2.7:12345"},
    {SPAN_LIT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
     "255.255.255.255:65535"},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n"), "192.0.2.7:0"},
    {SPAN_LIT("PROXY TCP6 2001:db8::1 2001:db8::2 65535 8883\r\n"), "[2001:db8::1]:65535"},
    {SPAN_LIT("PROXY TCP6 " LONG_V6 " " LONG_V6 " 65535 65535\r\n"), "[" LONG_V6 "]:65535"},
    {SPAN_LIT("PROXY UNKNOWN\r\n"), NULL},
    {SPAN_LIT("PROXY UNKNOWN " LONG_V6 " " LONG_V6 " 65535 65535\r\n"), NULL},
    {SPAN_LIT("PROXY UNKNOWN whatever  this\tis\r\n"), NULL},
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x0c" V4), "192.0.2.7:12345"},
    {SPAN_LIT(SIGNATURE "\x21\x21\x00\x24" V6), "[2001:db8::1]:65535"},
    {SPAN_LIT(SIGNATURE "\x21\x31\x00\xd8" X216), NULL},
    {SPAN_LIT(SIGNATURE "\x21\x00\x00\x00"), NULL},
    {SPAN_LIT(SIGNATURE "\x21\x00\x00\x04\x04\x00\x01\x00"), NULL},
    {SPAN_LIT(SIGNATURE "\x20\x00\x00\x00"), NULL},
    {SPAN_LIT(SIGNATURE "\x20\x11\x00\x0c" V4), NULL},
    {SPAN_LIT(SIGNATURE "\x20\xff\x00\x03\x01\x02\x03"), NULL}, /* LOCAL: not looked at */
    /* Fields: ALPN, NOOP of no length, an unknown one. */
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x1c" V4 "\x01\x00\x04mqtt\x04\x00\x00\xea\x00\x03xyz"),
     "192.0.2.7:12345"},
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x13" V4 "\x03\x00\x04\xac\xf1\x49\x9c"), "192.0.2.7:12345"},
};

static void good_headers_tell_the_peer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct proxy_header h;
        char text[NET_ADDRESS_TEXT_MAX];
        assert_int_equal(proxy_header_parse(good[i].bytes, &h), good[i].bytes.n);
        assert_int_equal(h.has_source, good[i].peer != NULL);
        if (good[i].peer) {
            net_address_text(&h.source, text);
            assert_string_equal(text, good[i].peer);
        }
    }
}

/* However much follows, and however little came. */
static void good_headers_end_where_they_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct proxy_header h;
        uint8_t bytes[1024];
        size_t n = good[i].bytes.n;
        memcpy(bytes, good[i].bytes.p, n);
        memcpy(bytes + n, "\x10\x0c\x00\x04MQTT\r\n\r\n", 12);
        assert_int_equal(proxy_header_parse(span_of(bytes, n + 12), &h), n);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(proxy_header_parse(span_of(bytes, cut), &h), 0);
    }
}

static const struct {
    struct span bytes;
    int err;
} bad[] = {
    {SPAN_LIT("\x10"), ERR_PROXY_SIGNATURE},
    {SPAN_LIT("\x16\x03\x01\x02\x00\x01"), ERR_PROXY_SIGNATURE},
    {SPAN_LIT("GET / HTTP/1.1\r\n"), ERR_PROXY_SIGNATURE},
    {SPAN_LIT("proxy TCP4"), ERR_PROXY_SIGNATURE},
    {SPAN_LIT("PROXX"), ERR_PROXY_SIGNATURE},
    {SPAN_LIT("PROXY\r\n"), ERR_PROXY_SIGNATURE},
    {SPAN_LIT("\r\n\r\n\n"), ERR_PROXY_SIGNATURE},
    {SPAN_LIT("PROXY UNKNOWN\n"), ERR_PROXY_V1_LINE_END},
    {SPAN_LIT("PROXY UNKNOWN\rx"), ERR_PROXY_V1_LINE_END},
    {SPAN_LIT("PROXY UNKNOWN\r\r\n"), ERR_PROXY_V1_LINE_END},
    {SPAN_LIT("PROXY UNKNOWN " LONG_V6 " " LONG_V6 " 65535 65535x\r\n"), ERR_PROXY_V1_LENGTH},
    {SPAN_LIT("PROXY UNKNOWN " LONG_V6 " " LONG_V6 " 65535 65535xx"), ERR_PROXY_V1_LENGTH},
    {SPAN_LIT("PROXY \r\n"), ERR_PROXY_V1_FAMILY},
    {SPAN_LIT("PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_FAMILY},
    {SPAN_LIT("PROXY TCP 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_FAMILY},
    {SPAN_LIT("PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_FAMILY},
    {SPAN_LIT("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_FAMILY},
    {SPAN_LIT("PROXY TCP4\r\n"), ERR_PROXY_V1_FIELDS},
    {SPAN_LIT("PROXY TCP4 \r\n"), ERR_PROXY_V1_FIELDS},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n"), ERR_PROXY_V1_FIELDS},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 1 \r\n"), ERR_PROXY_V1_FIELDS},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n"), ERR_PROXY_V1_FIELDS},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n"), ERR_PROXY_V1_FIELDS},
    {SPAN_LIT("PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_FIELDS},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1  1 2\r\n"), ERR_PROXY_V1_FIELDS},
    {SPAN_LIT("PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_ADDRESS},
    {SPAN_LIT("PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_ADDRESS},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.x 1 2\r\n"), ERR_PROXY_V1_ADDRESS},
    {SPAN_LIT("PROXY TCP4 192.0.2.7\0 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_ADDRESS},
    {SPAN_LIT("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"), ERR_PROXY_V1_ADDRESS},
    {SPAN_LIT("PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_PROXY_V1_ADDRESS},
    {SPAN_LIT("PROXY TCP6 2001:db8::1%eth0 2001:db8::2 1 2\r\n"), ERR_PROXY_V1_ADDRESS},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n"), ERR_PROXY_V1_PORT},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 1 99999\r\n"), ERR_PROXY_V1_PORT},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n"), ERR_PROXY_V1_PORT},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n"), ERR_PROXY_V1_PORT},
    {SPAN_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 1 0x2\r\n"), ERR_PROXY_V1_PORT},
    {SPAN_LIT(SIGNATURE "\x11"), ERR_PROXY_V2_VERSION},
    {SPAN_LIT(SIGNATURE "\x31\x11\x00\x0c" V4), ERR_PROXY_V2_VERSION},
    {SPAN_LIT(SIGNATURE "\x22"), ERR_PROXY_V2_COMMAND},
    {SPAN_LIT(SIGNATURE "\x2f\x11\x00\x0c" V4), ERR_PROXY_V2_COMMAND},
    {SPAN_LIT(SIGNATURE "\x21\x41\x00\x0c" V4), ERR_PROXY_V2_FAMILY},
    {SPAN_LIT(SIGNATURE "\x21\xf1\x00\x00"), ERR_PROXY_V2_FAMILY},
    {SPAN_LIT(SIGNATURE "\x21\x12\x00\x0c" V4), ERR_PROXY_V2_FAMILY},
    {SPAN_LIT(SIGNATURE "\x21\x10\x00\x0c" V4), ERR_PROXY_V2_FAMILY},
    {SPAN_LIT(SIGNATURE "\x21\x32\x00\xd8" X216), ERR_PROXY_V2_FAMILY},
    {SPAN_LIT(SIGNATURE "\x21\x11\x0f\xf1"), ERR_PROXY_V2_TOO_LONG},
    {SPAN_LIT(SIGNATURE "\x20\x00\xff\xff"), ERR_PROXY_V2_TOO_LONG},
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x0b" V4), ERR_PROXY_V2_ADDRESSES},
    {SPAN_LIT(SIGNATURE "\x21\x21\x00\x0c" V4), ERR_PROXY_V2_ADDRESSES},
    {SPAN_LIT(SIGNATURE "\x21\x31\x00\x00"), ERR_PROXY_V2_ADDRESSES},
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x0d" V4 "\x04"), ERR_PROXY_V2_FIELD},
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x0f" V4 "\x04\x00\x01"), ERR_PROXY_V2_FIELD},
    {SPAN_LIT(SIGNATURE "\x21\x00\x00\x05\x04\x00\x01\x00\x04"), ERR_PROXY_V2_FIELD},
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x13" V4 "\x03\x00\x04\xac\xf1\x49\x9d"),
     ERR_PROXY_V2_CHECKSUM},
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x12" V4 "\x03\x00\x03\xac\xf1\x49"), ERR_PROXY_V2_CHECKSUM},
    {SPAN_LIT(SIGNATURE "\x21\x11\x00\x14" V4 "\x03\x00\x05\xac\xf1\x49\x9c\x00"),
     ERR_PROXY_V2_CHECKSUM},
};

/* With nothing behind them, and each prefix is either refused so too or waits for more. */
static void bad_headers_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct proxy_header h;
        uint64_t count = err_count(bad[i].err);
        assert_int_equal(proxy_header_parse(bad[i].bytes, &h), bad[i].err);
        assert_int_equal(err_count(bad[i].err), count + 1);
        bool is_refused = false;
        for (size_t cut = 0; cut < bad[i].bytes.n; cut++) {
            int n = proxy_header_parse(span_head(bad[i].bytes, cut), &h);
            assert_true(n == bad[i].err || (n == 0 && !is_refused));
            is_refused = n < 0;
        }
    }
}

/* The longest that is taken, full of fields. */
static void the_longest_header_is_taken(void **state)
{
    (void)state;
    uint8_t bytes[PROXY_HEADER_MAX] = SIGNATURE "\x21\x00\x0f\xf0\xe0\x0f\xed";
    struct proxy_header h;
    assert_int_equal(proxy_header_parse(span_of(bytes, sizeof bytes), &h), sizeof bytes);
    assert_int_equal(proxy_header_parse(span_of(bytes, sizeof bytes - 1), &h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_headers_tell_the_peer),
        cmocka_unit_test(good_headers_end_where_they_end),
        cmocka_unit_test(bad_headers_are_refused_by_name),
        cmocka_unit_test(the_longest_header_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
