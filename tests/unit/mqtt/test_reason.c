/* Reason codes: which packet takes which, and what MQTT 3 says instead. */
#include "support.h"

/* MQTT 5.0 tables 3-1 to 3-13, written again from the packets' side. */
static const struct {
    const char *packet; /* the reason code goes where the star is */
    bool from_client;
    const char *codes;
} packets[] = {
    {"20 00 * []", false, "00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f"},
    {"40 0001 *", true, "00 10 80 83 87 90 91 97 99"},
    {"50 0001 *", true, "00 10 80 83 87 90 91 97 99"},
    {"62 0001 *", true, "00 92"},
    {"70 0001 *", true, "00 92"},
    {"90 0001 [] *", false, "00 01 02 80 83 87 8f 91 97 9e a1 a2"},
    {"b0 0001 [] *", false, "00 11 80 83 87 8f 91"},
    {"e0 *", true, "00 04 80 81 82 83 90 93 94 95 96 97 98 99"},
    {"e0 *", false,
     "00 80 81 82 83 87 89 8b 8c 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2"},
    {"f0 * [15 <m>]", true, "00 18 19"},
};

static void check_code(size_t i, unsigned code, bool is_listed)
{
    static const char digits[] = "0123456789abcdef";
    char text[64];
    size_t n = strlen(packets[i].packet);
    char *star;
    struct any_packet p;

    /* Room for the second digit: the star becomes two characters. */
    star = strchr(memcpy(text, packets[i].packet, n + 1), '*');
    memmove(star + 2, star + 1, strlen(star));
    star[0] = digits[code >> 4];
    star[1] = digits[code & 15];

    struct span packet = packet_of(text);
    int got = decode_any(packet, MQTT_5_0, packets[i].from_client, &p);
    if (is_listed != (got > 0))
        fail_msg("%s: %s", text, got > 0 ? "accepted" : err_name(got));
    bytes_free(&packet);
}

static void test_codes_of_every_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct span codes = bytes_of(packets[i].codes);
        for (unsigned code = 0; code < 256; code++)
            check_code(i, code, span_find(codes, (uint8_t)code) < codes.n);
        bytes_free(&codes);
    }
}

/* MQTT 3.1.1 3.2.2.3. */
static void test_return_codes(void **state)
{
    (void)state;
    static const struct {
        uint8_t reason, return_code;
    } cases[] = {
        {MQTT_SUCCESS, 0},
        {MQTT_UNSUPPORTED_VERSION, 1},
        {MQTT_CLIENT_ID_NOT_VALID, 2},
        {MQTT_SERVER_UNAVAILABLE, 3},
        {MQTT_SERVER_BUSY, 3},
        {MQTT_QUOTA_EXCEEDED, 3},
        {MQTT_CONNECTION_RATE_EXCEEDED, 3},
        {MQTT_BAD_USER_NAME, 4},
        {MQTT_NOT_AUTHORIZED, 5},
        {MQTT_BANNED, 5},
        {MQTT_BAD_AUTHENTICATION_METHOD, 5},
        {0xFF, 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(mqtt_return_code(cases[i].reason), cases[i].return_code);
    for (unsigned reason = 0x80; reason < 256; reason++) {
        uint8_t return_code = mqtt_return_code((uint8_t)reason);
        assert_in_range(return_code, 1, 5);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(mqtt_reason_name(MQTT_SUCCESS), "Success");
    assert_string_equal(mqtt_reason_name(MQTT_NOT_AUTHORIZED), "Not authorized");
    assert_string_equal(mqtt_reason_name(MQTT_WILDCARDS_NOT_SUPPORTED),
                        "Wildcard Subscriptions not supported");
    assert_string_equal(mqtt_reason_name(0xFF), "Unknown reason code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_of_every_packet),
        cmocka_unit_test(test_return_codes),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
