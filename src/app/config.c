/* The table of configuration keys and the types of their values. */
#include "app/config.h"

#include "app/suggest.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>

static int complain(struct config_problem *why, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(struct config_problem *why, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    why->err = err;
    return err;
}

/* ---- types ---- */

static int parse_text(const struct config_key *key, struct span value, void *ret,
                      struct config_problem *why)
{
    char *text = ret;
    if (value.n >= CONFIG_TEXT_MAX || span_find(value, 0) < value.n)
        return complain(why, ERR_CONFIG_VALUE, "`%s` is longer than %d bytes, or holds a NUL",
                        key->name, CONFIG_TEXT_MAX - 1);
    if (value.n)
        memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    return 0;
}

static int parse_host(const struct config_key *key, struct span value, void *ret,
                      struct config_problem *why)
{
    int err = parse_text(key, value, ret, why);
    struct net_address address;
    if (err)
        return err;
    if (net_address_parse(SPAN_LIT("0"), ret, &address))
        return complain(why, ERR_CONFIG_VALUE,
                        "`%s` wants a numeric address, like 0.0.0.0 or ::, not \"%.*s\"", key->name,
                        SPAN_FMT(value));
    return 0;
}

static int parse_endpoint(const struct config_key *key, struct span value, void *ret,
                          struct config_problem *why)
{
    struct config_endpoint endpoint = *(struct config_endpoint *)ret;
    endpoint.is_on = !span_equal(value, SPAN_LIT("off"));
    if (endpoint.is_on) {
        int err = net_address_parse(value, "0.0.0.0", &endpoint.address);
        if (err)
            return complain(why, ERR_CONFIG_VALUE,
                            "`%s` wants [ADDR:]PORT or off, not \"%.*s\": %s", key->name,
                            SPAN_FMT(value), err_text(err));
    }
    *(struct config_endpoint *)ret = endpoint;
    return 0;
}

#define WHOLE_MAX ((uint64_t)1 << 50)

/* A decimal number without sign, up to `max`, which is at most WHOLE_MAX. */
static bool parse_whole(struct span value, uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9' || number > max)
            return false;
        number = number * 10 + (uint64_t)(value.p[i] - '0');
    }
    *ret = number;
    return value.n > 0 && number <= max;
}

static bool parse_digits(struct span value, uint32_t *ret)
{
    uint64_t number;
    if (!parse_whole(value, UINT32_MAX, &number))
        return false;
    *ret = (uint32_t)number;
    return true;
}

static int parse_number(const struct config_key *key, struct span value, void *ret,
                        struct config_problem *why)
{
    uint32_t number;
    if (!parse_digits(value, &number) || number < key->low || number > key->high)
        return complain(why, ERR_CONFIG_VALUE, "`%s` wants a number from %u to %u, not \"%.*s\"",
                        key->name, key->low, key->high, SPAN_FMT(value));
    *(uint32_t *)ret = number;
    return 0;
}

/* A number of bytes, with K, M or G for the binary multiples. */
static int parse_bytes(const struct config_key *key, struct span value, void *ret,
                       struct config_problem *why)
{
    static const char units[] = "KMG";
    const char *unit = value.n ? memchr(units, value.p[value.n - 1], sizeof(units) - 1) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    uint64_t number;
    if (!parse_whole(span_head(value, value.n - (unit ? 1 : 0)), WHOLE_MAX >> shift, &number))
        return complain(why, ERR_CONFIG_VALUE,
                        "`%s` wants a number of bytes, as 500000000, 64M or 2G, not \"%.*s\"",
                        key->name, SPAN_FMT(value));
    *(uint64_t *)ret = number << shift;
    return 0;
}

static int parse_range(const struct config_key *key, struct span value, void *ret,
                       struct config_problem *why)
{
    size_t dash = span_find(value, '-');
    struct config_range range;
    if (!parse_digits(span_head(value, dash), &range.low) ||
        !parse_digits(span_from(value, dash + 1), &range.high) || range.low > range.high ||
        range.low < key->low || range.high > key->high)
        return complain(why, ERR_CONFIG_VALUE, "`%s` wants LOW-HIGH within %u and %u, not \"%.*s\"",
                        key->name, key->low, key->high, SPAN_FMT(value));
    *(struct config_range *)ret = range;
    return 0;
}

static int parse_choice(const struct config_key *key, struct span value, void *ret,
                        struct config_problem *why)
{
    struct suggestion suggestion = suggestion_for(value);
    for (uint32_t i = 0; i < CONFIG_CHOICES_MAX && key->choices[i]; i++) {
        if (span_equal(value, span_str(key->choices[i]))) {
            *(uint32_t *)ret = i;
            return 0;
        }
        suggestion_offer(&suggestion, key->choices[i]);
    }
    why->suggestion = suggestion.best;
    char list[128] = "";
    size_t n = 0;
    for (size_t i = 0; i < CONFIG_CHOICES_MAX && key->choices[i] && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", key->choices[i]);
    return complain(why, ERR_CONFIG_VALUE, "`%s` wants one of %s, not \"%.*s\"", key->name, list,
                    SPAN_FMT(value));
}

static int parse_flag(const struct config_key *key, struct span value, void *ret,
                      struct config_problem *why)
{
    bool is_on = span_equal(value, SPAN_LIT("true")) || span_equal(value, SPAN_LIT("on"));
    bool is_off = span_equal(value, SPAN_LIT("false")) || span_equal(value, SPAN_LIT("off"));
    if (!is_on && !is_off)
        return complain(why, ERR_CONFIG_VALUE, "`%s` wants true or false, not \"%.*s\"", key->name,
                        SPAN_FMT(value));
    *(bool *)ret = is_on;
    return 0;
}

static const struct config_type type_dir = {"DIR", parse_text};
static const struct config_type type_file = {"FILE", parse_text};
static const struct config_type type_name = {"HOST", parse_text};
static const struct config_type type_host = {"ADDR", parse_host};
static const struct config_type type_endpoint = {"[ADDR:]PORT|off", parse_endpoint};
static const struct config_type type_number = {"N", parse_number};
static const struct config_type type_bytes = {"N[K|M|G]", parse_bytes};
static const struct config_type type_range = {"LOW-HIGH", parse_range};
static const struct config_type type_choice = {"WORD", parse_choice};
static const struct config_type type_flag = {"", parse_flag};

/* ---- the table ---- */

/* Rows by type: KEY for what has no bounds, NUMBER with the least and the greatest value, CHOICE
 * with the words in order of their enum. */
#define KEY(name, type, member, value, help)                                                       \
    {                                                                                              \
        name, &type, offsetof(struct config, member), value, help, 0, 0,                           \
        {                                                                                          \
            NULL                                                                                   \
        }                                                                                          \
    }
#define NUMBER(name, type, member, value, low, high, help)                                         \
    {                                                                                              \
        name, &type, offsetof(struct config, member), value, help, low, high,                      \
        {                                                                                          \
            NULL                                                                                   \
        }                                                                                          \
    }
#define CHOICE(name, member, value, help, ...)                                                     \
    {                                                                                              \
        name, &type_choice, offsetof(struct config, member), value, help, 0, 0,                    \
        {                                                                                          \
            __VA_ARGS__, NULL                                                                      \
        }                                                                                          \
    }

const struct config_key config_keys[] = {
    KEY("data", type_dir, data, "./trackwire-data", "the data folder; made when it is not there"),
    KEY("mqtt", type_endpoint, mqtt, "1883", "MQTT over TCP"),
    KEY("mqtts", type_endpoint, mqtts, "8883", "MQTT over TLS"),
    KEY("http", type_endpoint, http, "80", "the REST API"),
    KEY("https", type_endpoint, https, "443", "the REST API over TLS"),
    KEY("tls-cert", type_file, tls_cert, "",
        "certificate and its chain, PEM; none: a self-signed one is made"),
    KEY("tls-key", type_file, tls_key, "", "its private key, PEM; none: it is in tls-cert's file"),
    KEY("tls-client-ca", type_file, tls_client_ca, "",
        "who signs client certificates, PEM; none: clients are asked for none"),
    KEY("tls-client-required", type_flag, is_tls_client_required, "false",
        "clients without a certificate of tls-client-ca are refused"),
    KEY("mqtt-proxy", type_flag, mqtt.is_proxied, "false",
        "connections to mqtt begin with a PROXY header"),
    KEY("mqtts-proxy", type_flag, mqtts.is_proxied, "false", "the same for mqtts, before TLS"),
    KEY("http-proxy", type_flag, http.is_proxied, "false", "the same for http"),
    KEY("https-proxy", type_flag, https.is_proxied, "false", "the same for https, before TLS"),
    NUMBER("channels", type_range, channels, "12000-12999", 1, 65535,
           "ports for channels that name none"),
    KEY("channels-host", type_host, channels_host, "0.0.0.0", "address that channels listen on"),
    KEY("public-host", type_name, public_host, "",
        "host in a channel's `uri`; else the one the request came to"),
    NUMBER("shards", type_number, shards, "0", 0, 256, "worker threads; 0: as many as cores"),
    CHOICE("durability", durability, "disk",
           "disk|memory; messages wait in memory in both as yet, the rest is on disk", "disk",
           "memory"),
    KEY("anonymous", type_flag, is_anonymous, "false",
        "let clients in whose user name is no token; loopback only"),
    NUMBER("channel-connections", type_number, channel_connections, "20000", 1, 1000000,
           "connections that one channel may have"),
    NUMBER("login-timeout", type_number, login_timeout_s, "60", 1, 86400,
           "seconds in which a tracker must say its ident"),
    NUMBER("connect-timeout", type_number, connect_timeout_s, "10", 1, 3600,
           "seconds in which an MQTT client must send CONNECT"),
    NUMBER("packet-max", type_number, packet_bytes_max, "16777216", 1024, 268435455,
           "bytes of the largest MQTT packet that clients may send"),
    NUMBER("session-expiry-max", type_number, session_expiry_max_s, "2592000", 0, UINT32_MAX,
           "seconds that a session may outlive its connection; 4294967295: for ever"),
    NUMBER("keep-alive-max", type_number, keep_alive_max_s, "0", 0, 65535,
           "longest keep alive of an MQTT 5 client, seconds; 0: any"),
    NUMBER("receive-maximum", type_number, receive_maximum, "1024", 1, 65535,
           "QoS 2 messages that a client may have open"),
    NUMBER("inflight-max", type_number, inflight_max, "2048", 1, 65535,
           "QoS 1 and 2 messages on their way to one client"),
    NUMBER("topic-alias-max", type_number, topic_alias_maximum, "64", 0, 65535,
           "topic aliases that a client may set"),
    NUMBER("subscriptions-max", type_number, subscriptions_max, "100000", 1, 10000000,
           "subscriptions of one session"),
    NUMBER("queue-bytes", type_number, queue_bytes_max, "268435456", 0, UINT32_MAX,
           "bytes that wait for one session; then the oldest message goes"),
    NUMBER("queue-messages", type_number, queue_count_max, "1000000", 1, 100000000,
           "messages that wait for one session; then the oldest goes"),
    NUMBER("output-bytes", type_number, output_bytes_max, "16777216", 65536, UINT32_MAX,
           "bytes that wait for one connection; past it QoS 0 messages go"),
    KEY("account-bytes", type_bytes, account_bytes_max, "0",
        "bytes that wait for all clients of an account; 0: only total-bytes limits them"),
    KEY("total-bytes", type_bytes, total_bytes_max, "0",
        "bytes that wait for all clients together; 0: half of the machine's memory"),
    NUMBER("connect-rate", type_number, connect_rate, "0", 0, 1000000,
           "MQTT connections that one address may make in a second; 0: any"),
    NUMBER("connect-burst", type_number, connect_burst, "100", 1, 1000000,
           "connections that one address may make at once, with connect-rate"),
    NUMBER("packet-rate", type_number, packet_rate, "0", 0, 1000000,
           "messages that one client may publish in a second; 0: any"),
    NUMBER("sys-interval", type_number, sys_interval_s, "10", 0, 86400,
           "seconds between figures under $SYS, while somebody listens; 0: none"),
    NUMBER("retained-max", type_number, retained_max, "1000000", 0, 100000000,
           "topics with a retained message"),
    KEY("reserved-prefix", type_flag, is_prefix_reserved, "true",
        "clients cannot publish under flespi/; false for load tests"),
    CHOICE("metrics-open", metrics_open, "loopback",
           "who may read /metrics without a token: loopback|all|none", "loopback", "all", "none"),
    CHOICE("log-level", log_level, "info", "error|warning|notice|info|debug", "error", "warning",
           "notice", "info", "debug"),
    CHOICE("log", log_format, "text", "text|json", "text", "json"),
};

const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);

const struct config_key *config_key_find(struct span name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (span_equal(name, span_str(config_keys[i].name)))
            return &config_keys[i];
    }
    return NULL;
}

/* ---- setting ---- */

void config_init(struct config *config)
{
    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < config_key_count; i++) {
        struct config_problem problem;
        int err = config_set(config, span_str(config_keys[i].name), span_str(config_keys[i].value),
                             "default", &problem);
        assert(err == 0);
    }
}

int config_set(struct config *config, struct span name, struct span value, const char *source,
               struct config_problem *problem)
{
    memset(problem, 0, sizeof(*problem));
    (void)snprintf(problem->source, sizeof(problem->source), "%s", source);
    const struct config_key *key = config_key_find(name);
    if (key)
        return key->type->parse(key, value, (char *)config + key->offset, problem);
    struct suggestion suggestion = suggestion_for(name);
    for (size_t i = 0; i < config_key_count; i++)
        suggestion_offer(&suggestion, config_keys[i].name);
    problem->suggestion = suggestion.best;
    return complain(problem, ERR_CONFIG_KEY_UNKNOWN, "there is no key \"%.*s\"",
                    (int)(name.n < 80 ? name.n : 80), (const char *)name.p);
}

/* ---- what no single key can tell ---- */

static int check_tls(const struct config *config, struct config_problem *problem)
{
    if (config->tls_key[0] && !config->tls_cert[0])
        return complain(problem, ERR_CONFIG_VALUE,
                        "`tls-key` is the key of a certificate, so `tls-cert` must name that");
    if (config->is_tls_client_required && !config->tls_client_ca[0])
        return complain(problem, ERR_CONFIG_VALUE,
                        "`tls-client-required` needs `tls-client-ca`, which tells whose "
                        "certificates are good");
    return 0;
}

static int check_anonymous(const char *name, const struct config_endpoint *endpoint,
                           struct config_problem *problem)
{
    if (!endpoint->is_on || net_address_is_loopback(&endpoint->address))
        return 0;
    return complain(problem, ERR_CONFIG_VALUE,
                    "`anonymous` lets anybody in, so `%s` must be on loopback: --%s 127.0.0.1:%u",
                    name, name, net_address_port(&endpoint->address));
}

int config_check(const struct config *config, struct config_problem *problem)
{
    const struct {
        const char *name;
        const struct config_endpoint *endpoint;
    } endpoints[] = {
        {"mqtt", &config->mqtt},
        {"mqtts", &config->mqtts},
        {"http", &config->http},
        {"https", &config->https},
    };
    memset(problem, 0, sizeof(*problem));
    (void)snprintf(problem->source, sizeof(problem->source), "configuration");
    int err = check_tls(config, problem);
    for (size_t i = 0; i < 4 && !err && config->is_anonymous; i++)
        err = check_anonymous(endpoints[i].name, endpoints[i].endpoint, problem);
    return err;
}
