/* net/address.h: text to address and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/address.h"

#include <arpa/inet.h>

static void test_parses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *default_host, *shown, *host;
        uint16_t port;
        bool is_loopback;
    } rows[] = {
        {"1883", "0.0.0.0", "0.0.0.0:1883", "0.0.0.0", 1883, false},
        {"0", "127.0.0.1", "127.0.0.1:0", "127.0.0.1", 0, true},
        {"65535", "::", "[::]:65535", "::", 65535, false},
        {"80", "::1", "[::1]:80", "::1", 80, true},
        {"127.0.0.1:1883", "0.0.0.0", "127.0.0.1:1883", "127.0.0.1", 1883, true},
        {"127.9.9.9:1", "0.0.0.0", "127.9.9.9:1", "127.9.9.9", 1, true},
        {"10.1.2.3:00443", "0.0.0.0", "10.1.2.3:443", "10.1.2.3", 443, false},
        {"[::1]:8883", "0.0.0.0", "[::1]:8883", "::1", 8883, true},
        {"[2001:db8:0:0::7]:9", "0.0.0.0", "[2001:db8::7]:9", "2001:db8::7", 9, false},
        /* A v4 peer of a socket for both families is shown as what it is. */
        {"[::ffff:1.2.3.4]:5", "0.0.0.0", "1.2.3.4:5", "1.2.3.4", 5, false},
        {"[::ffff:127.0.0.1]:5", "0.0.0.0", "127.0.0.1:5", "127.0.0.1", 5, true},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "0.0.0.0",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_address a;
        char text[NET_ADDRESS_TEXT_MAX];
        assert_int_equal(net_address_parse(span_str(rows[i].text), rows[i].default_host, &a), 0);
        assert_int_equal(net_address_text(&a, text), strlen(rows[i].shown));
        assert_string_equal(text, rows[i].shown);
        assert_int_equal(net_address_host_text(&a, text), strlen(rows[i].host));
        assert_string_equal(text, rows[i].host);
        assert_int_equal(net_address_port(&a), rows[i].port);
        assert_int_equal(net_address_is_loopback(&a), rows[i].is_loopback);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int err;
    } rows[] = {
        {"", ERR_NET_ADDRESS_EMPTY},
        {"mqtt", ERR_NET_ADDRESS_PORT},
        {"65536", ERR_NET_ADDRESS_PORT},
        {"-1", ERR_NET_ADDRESS_PORT},
        {"+80", ERR_NET_ADDRESS_PORT},
        {" 80", ERR_NET_ADDRESS_PORT},
        {"000080", ERR_NET_ADDRESS_PORT},
        {"1.2.3.4", ERR_NET_ADDRESS_PORT},
        {"1.2.3.4:", ERR_NET_ADDRESS_PORT},
        {"1.2.3.4:80x", ERR_NET_ADDRESS_PORT},
        {"[::1]:", ERR_NET_ADDRESS_PORT},
        {"[::1]:99999", ERR_NET_ADDRESS_PORT},
        {":80", ERR_NET_ADDRESS_HOST},
        {"1.2.3:80", ERR_NET_ADDRESS_HOST},
        {"1.2.3.256:80", ERR_NET_ADDRESS_HOST},
        {"localhost:80", ERR_NET_ADDRESS_HOST},
        {"::1:80", ERR_NET_ADDRESS_HOST},
        {"[]:80", ERR_NET_ADDRESS_HOST},
        {"[1.2.3.4]:80", ERR_NET_ADDRESS_HOST},
        {"[::1%lo]:80", ERR_NET_ADDRESS_HOST},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80", ERR_NET_ADDRESS_HOST},
        {"[", ERR_NET_ADDRESS_BRACKET},
        {"[::1", ERR_NET_ADDRESS_BRACKET},
        {"[::1]", ERR_NET_ADDRESS_BRACKET},
        {"[::1]80", ERR_NET_ADDRESS_BRACKET},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_address a;
        assert_int_equal(net_address_parse(span_str(rows[i].text), "0.0.0.0", &a), rows[i].err);
    }
    struct net_address a;
    assert_int_equal(net_address_parse(SPAN_LIT("80"), "somewhere", &a), ERR_NET_ADDRESS_HOST);
}

static void test_no_address(void **state)
{
    (void)state;
    struct net_address none = {0};
    char text[NET_ADDRESS_TEXT_MAX] = "x";
    assert_int_equal(net_address_text(&none, text), 0);
    assert_string_equal(text, "");
    assert_false(net_address_is_loopback(&none));
}

static void test_port_can_be_set(void **state)
{
    (void)state;
    struct net_address a;
    assert_int_equal(net_address_parse(SPAN_LIT("[::1]:1"), NULL, &a), 0);
    net_address_set_port(&a, 12000);
    assert_int_equal(net_address_port(&a), 12000);
    assert_int_equal(a.v6.sin6_port, htons(12000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parses),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_port_can_be_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
