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
    struct config_endpoint endpoint = {0};
    if (!span_equal(value, SPAN_LIT("off"))) {
        int err = net_address_parse(value, "0.0.0.0", &endpoint.address);
        if (err)
            return complain(why, ERR_CONFIG_VALUE,
                            "`%s` wants [ADDR:]PORT or off, not \"%.*s\": %s", key->name,
                            SPAN_FMT(value), err_text(err));
        endpoint.is_on = true;
    }
    *(struct config_endpoint *)ret = endpoint;
    return 0;
}

/* A decimal number without sign, of at most nine digits. */
static bool parse_digits(struct span value, uint32_t *ret)
{
    uint32_t number = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(value.p[i] - '0');
    }
    *ret = number;
    return value.n > 0 && value.n <= 9;
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
static const struct config_type type_name = {"HOST", parse_text};
static const struct config_type type_host = {"ADDR", parse_host};
static const struct config_type type_endpoint = {"[ADDR:]PORT|off", parse_endpoint};
static const struct config_type type_number = {"N", parse_number};
static const struct config_type type_range = {"LOW-HIGH", parse_range};
static const struct config_type type_choice = {"WORD", parse_choice};
static const struct config_type type_flag = {"", parse_flag};

/* ---- the table ---- */

#define AT(member) offsetof(struct config, member)

const struct config_key config_keys[] = {
    {"data",
     &type_dir,
     AT(data),
     "./trackwire-data",
     "the data folder; made when it is not there",
     0,
     0,
     {NULL}},
    {"mqtt", &type_endpoint, AT(mqtt), "1883", "MQTT over TCP", 0, 0, {NULL}},
    {"mqtts", &type_endpoint, AT(mqtts), "off", "MQTT over TLS (not built in yet)", 0, 0, {NULL}},
    {"http", &type_endpoint, AT(http), "80", "the REST API", 0, 0, {NULL}},
    {"https",
     &type_endpoint,
     AT(https),
     "off",
     "the REST API over TLS (not built in yet)",
     0,
     0,
     {NULL}},
    {"channels",
     &type_range,
     AT(channels),
     "12000-12999",
     "ports for channels that name none",
     1,
     65535,
     {NULL}},
    {"channels-host",
     &type_host,
     AT(channels_host),
     "0.0.0.0",
     "address that channels listen on",
     0,
     0,
     {NULL}},
    {"public-host",
     &type_name,
     AT(public_host),
     "",
     "host in a channel's `uri`; else the one the request came to",
     0,
     0,
     {NULL}},
    {"shards",
     &type_number,
     AT(shards),
     "0",
     "worker threads; 0: as many as cores",
     0,
     256,
     {NULL}},
    {"durability",
     &type_choice,
     AT(durability),
     "disk",
     "disk|memory; messages wait in memory in both as yet, the rest is on disk",
     0,
     0,
     {"disk", "memory", NULL}},
    {"anonymous",
     &type_flag,
     AT(is_anonymous),
     "false",
     "let clients in whose user name is no token; loopback only",
     0,
     0,
     {NULL}},
    {"channel-connections",
     &type_number,
     AT(channel_connections),
     "20000",
     "connections that one channel may have",
     1,
     1000000,
     {NULL}},
    {"login-timeout",
     &type_number,
     AT(login_timeout_s),
     "60",
     "seconds in which a tracker must say its ident",
     1,
     86400,
     {NULL}},
    {"log-level",
     &type_choice,
     AT(log_level),
     "info",
     "error|warning|notice|info|debug",
     0,
     0,
     {"error", "warning", "notice", "info", "debug", NULL}},
    {"log", &type_choice, AT(log_format), "text", "text|json", 0, 0, {"text", "json", NULL}},
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

static int check_tls(const char *name, const struct config_endpoint *endpoint,
                     struct config_problem *problem)
{
    if (!endpoint->is_on)
        return 0;
    return complain(problem, ERR_CONFIG_VALUE, "`%s`: TLS is not built in yet; set it to off",
                    name);
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
    memset(problem, 0, sizeof(*problem));
    (void)snprintf(problem->source, sizeof(problem->source), "configuration");
    int err = check_tls("mqtts", &config->mqtts, problem);
    if (!err)
        err = check_tls("https", &config->https, problem);
    if (err || !config->is_anonymous)
        return err;
    err = check_anonymous("mqtt", &config->mqtt, problem);
    return err ? err : check_anonymous("http", &config->http, problem);
}
