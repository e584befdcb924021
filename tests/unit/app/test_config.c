/* Configuration: values, their checks, and what a person is told about a mistake, and where. */
#include "app/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct config config;
static struct config_problem problem;

static int set_up(void **state)
{
    (void)state;
    config_init(&config);
    memset(&problem, 0, sizeof(problem));
    return 0;
}

static int set(const char *name, const char *value)
{
    return config_set(&config, span_str(name), span_str(value), "--set", &problem);
}

static int parse(const char *text)
{
    return config_parse(&config, span_str(text), "trackwire.conf", &problem);
}

/* What config_problem_print says. */
static char *printed(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    config_problem_print(out, &problem);
    (void)fclose(out);
    return text;
}

static void expect_printed(const char *expected)
{
    char *text = printed();
    assert_string_equal(text, expected);
    free(text); /* open_memstream's */
}

static void defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(config.data, "./trackwire-data");
    assert_true(config.mqtt.is_on);
    assert_int_equal(net_address_port(&config.mqtt.address), 1883);
    assert_int_equal(net_address_port(&config.http.address), 80);
    assert_int_equal(net_address_port(&config.mqtts.address), 8883);
    assert_int_equal(net_address_port(&config.https.address), 443);
    assert_false(config.mqtts.is_proxied);
    assert_string_equal(config.tls_cert, "");
    assert_int_equal(config.channels.low, 12000);
    assert_int_equal(config.channels.high, 12999);
    assert_int_equal(config.durability, CONFIG_DISK);
    assert_false(config.is_anonymous);
    assert_int_equal(config_check(&config, &problem), 0);
}

static void every_key_has_a_help_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        assert_true(strlen(config_keys[i].help) > 5);
        assert_ptr_equal(config_key_find(span_str(config_keys[i].name)), &config_keys[i]);
    }
}

static void takes_bytes_with_units(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"1", 1},
                {"5000000000", 5000000000},
                {"1K", 1024},
                {"64M", (uint64_t)64 << 20},
                {"1024G", (uint64_t)1 << 40},
                {"1048576G", (uint64_t)1 << 50}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(set("total-bytes", good[i].value), 0);
        assert_int_equal(config.total_bytes_max, good[i].bytes);
    }
    static const char *const bad[] = {
        "", "K", "1k", "1MB", "-1", "1.5G", "0x10", "1 ", "1T", "1048577G", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(set("total-bytes", bad[i]), ERR_CONFIG_VALUE);
    assert_int_equal(config.total_bytes_max, (uint64_t)1 << 50);
}

static void takes_good_values(void **state)
{
    (void)state;
    assert_int_equal(set("mqtt", "127.0.0.1:1884"), 0);
    assert_true(net_address_is_loopback(&config.mqtt.address));
    assert_int_equal(set("mqtt", "off"), 0);
    assert_false(config.mqtt.is_on);
    assert_int_equal(set("http", "[::1]:8080"), 0);
    assert_int_equal(net_address_port(&config.http.address), 8080);
    assert_int_equal(set("channels", "20000-20010"), 0);
    assert_int_equal(config.channels.high, 20010);
    assert_int_equal(set("shards", "4"), 0);
    assert_int_equal(config.shards, 4);
    assert_int_equal(set("durability", "memory"), 0);
    assert_int_equal(config.durability, CONFIG_MEMORY);
    assert_int_equal(set("anonymous", "true"), 0);
    assert_true(config.is_anonymous);
    assert_int_equal(set("log-level", "debug"), 0);
    assert_int_equal(config.log_level, LOG_DEBUG);
    assert_int_equal(set("data", "/var/lib/trackwire"), 0);
    assert_string_equal(config.data, "/var/lib/trackwire");
}

static void refuses_bad_values_and_keeps_the_old_ones(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"mqtt", "127.0.0.1:99999"},
        {"mqtt", "here:1883"},
        {"mqtt", ""},
        {"http", "-1"},
        {"channels", "20-10"},
        {"channels", "20"},
        {"channels", "0-10"},
        {"channels", "1-70000"},
        {"channels", "-"},
        {"shards", "many"},
        {"shards", "257"},
        {"shards", "-1"},
        {"shards", "4294967297"},
        {"shards", ""},
        {"durability", "ram"},
        {"anonymous", "perhaps"},
        {"channels-host", "host"},
        {"log-level", ""},
        {"login-timeout", "0"},
    };
    struct config before = config;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(set(bad[i][0], bad[i][1]), ERR_CONFIG_VALUE);
        assert_non_null(strstr(problem.text, bad[i][0]));
        assert_non_null(strstr(problem.text, bad[i][1]));
    }
    assert_memory_equal(&before.mqtt, &config.mqtt, sizeof(config.mqtt));
    assert_int_equal(config.channels.low, before.channels.low);
    assert_int_equal(config.shards, before.shards);
}

static void a_misspelt_key_gets_a_suggestion(void **state)
{
    (void)state;
    static const char *const misspelt[][2] = {
        {"durabilty", "durability"}, {"chanels", "channels"}, {"anonymus", "anonymous"},
        {"log_level", "log-level"},  {"mqt", "mqtt"},         {"dtaa", "data"},
    };
    for (size_t i = 0; i < sizeof(misspelt) / sizeof(misspelt[0]); i++) {
        assert_int_equal(set(misspelt[i][0], "x"), ERR_CONFIG_KEY_UNKNOWN);
        assert_non_null(problem.suggestion);
        assert_string_equal(problem.suggestion, misspelt[i][1]);
    }
    assert_int_equal(set("password_file", "x"), ERR_CONFIG_KEY_UNKNOWN);
    assert_null(problem.suggestion);
}

static void reads_a_file(void **state)
{
    (void)state;
    assert_int_equal(parse("# the hub of the yard\n"
                           "mqtt = 127.0.0.1:1884   # not for others\n"
                           "\n"
                           "\thttp=off\r\n"
                           "data = \"/srv/track #1\"\n"
                           "anonymous = true"),
                     0);
    assert_int_equal(net_address_port(&config.mqtt.address), 1884);
    assert_false(config.http.is_on);
    assert_string_equal(config.data, "/srv/track #1");
    assert_true(config.is_anonymous);
}

static void tells_the_place_of_a_wrong_key(void **state)
{
    (void)state;
    assert_int_equal(parse("mqtt = off\n  chanels = 1-2\n"), ERR_CONFIG_KEY_UNKNOWN);
    assert_int_equal(problem.line, 2);
    assert_int_equal(problem.column, 3);
    expect_printed("trackwire.conf:2:3: there is no key \"chanels\"\n"
                   "      chanels = 1-2\n"
                   "      ^\n"
                   "did you mean `channels`?\n");
}

static void tells_the_place_of_a_wrong_value(void **state)
{
    (void)state;
    assert_int_equal(parse("durability = dsik # or memory"), ERR_CONFIG_VALUE);
    expect_printed("trackwire.conf:1:14: `durability` wants one of disk, memory, not \"dsik\"\n"
                   "    durability = dsik # or memory\n"
                   "                 ^\n"
                   "did you mean `disk`?\n");
    assert_int_equal(parse("shards ="), ERR_CONFIG_VALUE);
    assert_int_equal(problem.column, 8);
}

static void tells_the_place_of_wrong_syntax(void **state)
{
    (void)state;
    assert_int_equal(parse("mqtt off\n"), ERR_CONFIG_SYNTAX);
    assert_int_equal(problem.line, 1);
    assert_int_equal(problem.column, 1);
    assert_int_equal(parse("\n\n = 7\n"), ERR_CONFIG_SYNTAX);
    assert_int_equal(problem.line, 3);
    assert_int_equal(parse("data = \"/srv\n"), ERR_CONFIG_SYNTAX);
    assert_int_equal(problem.column, 8);
    assert_int_equal(parse("data = \"/srv\" x\n"), ERR_CONFIG_SYNTAX);
    assert_int_equal(problem.column, 14);
}

static void a_key_stands_once(void **state)
{
    (void)state;
    assert_int_equal(parse("shards = 1\nmqtt = off\nshards = 2\n"), ERR_CONFIG_KEY_TWICE);
    assert_int_equal(problem.line, 3);
    assert_int_equal(problem.column, 1);
}

static void a_long_line_is_shown_in_part(void **state)
{
    (void)state;
    char text[1200];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(parse(text), ERR_CONFIG_SYNTAX);
    char *said = printed();
    assert_true(strlen(said) < 700);
    free(said);
}

static void reads_from_disk(void **state)
{
    (void)state;
    char path[] = "/tmp/trackwire-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "shards = 3\n", 11), 11);
    close(fd);
    assert_int_equal(config_read(&config, path, &problem), 0);
    assert_int_equal(config.shards, 3);
    unlink(path);
    assert_int_equal(config_read(&config, path, &problem), ERR_CONFIG_FILE);
    assert_non_null(strstr(problem.text, "No such file"));
    assert_int_equal(config_read(&config, "/tmp", &problem), ERR_CONFIG_FILE);
}

static void anonymous_is_for_loopback_only(void **state)
{
    (void)state;
    assert_int_equal(set("anonymous", "true"), 0);
    assert_int_equal(config_check(&config, &problem), ERR_CONFIG_VALUE);
    assert_non_null(strstr(problem.text, "--mqtt 127.0.0.1:1883"));
    assert_int_equal(set("mqtt", "127.0.0.1:1883"), 0);
    assert_int_equal(config_check(&config, &problem), ERR_CONFIG_VALUE);
    assert_non_null(strstr(problem.text, "--mqtts 127.0.0.1:8883"));
    assert_int_equal(set("mqtts", "[::1]:8883"), 0);
    assert_int_equal(config_check(&config, &problem), ERR_CONFIG_VALUE);
    assert_non_null(strstr(problem.text, "--http 127.0.0.1:80"));
    assert_int_equal(set("http", "off"), 0);
    assert_int_equal(config_check(&config, &problem), ERR_CONFIG_VALUE);
    assert_non_null(strstr(problem.text, "--https 127.0.0.1:443"));
    assert_int_equal(set("https", "off"), 0);
    assert_int_equal(config_check(&config, &problem), 0);
}

static void settings_of_tls_belong_together(void **state)
{
    (void)state;
    assert_int_equal(set("tls-key", "/etc/key.pem"), 0);
    assert_int_equal(config_check(&config, &problem), ERR_CONFIG_VALUE);
    assert_non_null(strstr(problem.text, "`tls-cert`"));
    assert_int_equal(set("tls-cert", "/etc/certificate.pem"), 0);
    assert_int_equal(config_check(&config, &problem), 0);
    assert_int_equal(set("tls-client-required", "true"), 0);
    assert_int_equal(config_check(&config, &problem), ERR_CONFIG_VALUE);
    assert_non_null(strstr(problem.text, "`tls-client-ca`"));
    assert_int_equal(set("tls-client-ca", "/etc/ca.pem"), 0);
    assert_int_equal(config_check(&config, &problem), 0);
}

/* Two keys, in any order, and `off` and back keeps it. */
static void an_endpoint_and_its_proxy_are_two_keys(void **state)
{
    (void)state;
    assert_int_equal(set("mqtts-proxy", "true"), 0);
    assert_int_equal(set("mqtts", "127.0.0.1:8884"), 0);
    assert_true(config.mqtts.is_proxied);
    assert_false(config.mqtt.is_proxied || config.http.is_proxied || config.https.is_proxied);
    assert_int_equal(set("mqtts", "off"), 0);
    assert_int_equal(set("mqtts", "8883"), 0);
    assert_true(config.mqtts.is_proxied);
    assert_int_equal(set("mqtts-proxy", "maybe"), ERR_CONFIG_VALUE);
    assert_true(config_key_is_flag(config_key_find(SPAN_LIT("https-proxy"))));
}

#define FRESH(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(defaults_are_those_of_the_contract),
        FRESH(every_key_has_a_help_text),
        FRESH(takes_good_values),
        FRESH(takes_bytes_with_units),
        FRESH(refuses_bad_values_and_keeps_the_old_ones),
        FRESH(a_misspelt_key_gets_a_suggestion),
        FRESH(reads_a_file),
        FRESH(tells_the_place_of_a_wrong_key),
        FRESH(tells_the_place_of_a_wrong_value),
        FRESH(tells_the_place_of_wrong_syntax),
        FRESH(a_key_stands_once),
        FRESH(a_long_line_is_shown_in_part),
        FRESH(reads_from_disk),
        FRESH(anonymous_is_for_loopback_only),
        FRESH(settings_of_tls_belong_together),
        FRESH(an_endpoint_and_its_proxy_are_two_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
