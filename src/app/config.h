/* The settings of `trackwire serve`: one table of keys, from which the command line, the file, the
 * help text and the checks all come. A setting comes from, in this order, later ones winning: the
 * default, the file of --config, --set KEY=VALUE and the key's own flag (in order of appearance).
 */
#ifndef TRACKWIRE_APP_CONFIG_H
#define TRACKWIRE_APP_CONFIG_H

#include "base/log.h"
#include "net/address.h"

#include <stdio.h>

#define CONFIG_TEXT_MAX 1024

/* Where a listener listens. */
struct config_endpoint {
    bool is_on;
    bool is_proxied; /* by a key of its own: a PROXY header comes first */
    struct net_address address;
};

struct config_range {
    uint32_t low, high;
};

struct config {
    char data[CONFIG_TEXT_MAX];
    struct config_endpoint mqtt, mqtts, http, https;
    struct config_range channels;
    char tls_cert[CONFIG_TEXT_MAX], tls_key[CONFIG_TEXT_MAX]; /* "": see the keys */
    char tls_client_ca[CONFIG_TEXT_MAX];
    bool is_tls_client_required;
    char channels_host[CONFIG_TEXT_MAX];
    char public_host[CONFIG_TEXT_MAX]; /* "": the host that a request came to */
    uint32_t shards;                   /* 0: as many as there are cores */
    uint32_t durability;               /* of enum config_durability */
    uint32_t log_level;                /* of enum log_level */
    uint32_t log_format;               /* of enum config_log_format */
    uint32_t channel_connections;
    uint32_t login_timeout_s;
    bool is_anonymous;
    /* Limits of the broker, as in struct broker_config. */
    uint32_t connect_timeout_s, packet_bytes_max, session_expiry_max_s, keep_alive_max_s;
    uint32_t receive_maximum, inflight_max, topic_alias_maximum, subscriptions_max;
    uint32_t queue_bytes_max, queue_count_max, output_bytes_max, retained_max;
    uint64_t account_bytes_max, total_bytes_max; /* the second 0: half of the memory */
    uint32_t connect_rate, connect_burst, packet_rate;
    uint32_t sys_interval_s;
    uint32_t metrics_open; /* of enum rest_figures */
    bool is_prefix_reserved;
};

enum config_durability {
    CONFIG_DISK,
    CONFIG_MEMORY
};
enum config_log_format {
    CONFIG_LOG_TEXT,
    CONFIG_LOG_JSON
};

struct config_key;
struct config_problem;

/* How a value is read. */
struct config_type {
    const char
        *argument; /* as the help shows it: "[ADDR:]PORT|off"; "" when the flag stands alone */
    /* Reads `value` into `ret`, the key's member of struct config. 0, or ERR_CONFIG_VALUE and `why`
     * says what is wrong. */
    int (*parse)(const struct config_key *key, struct span value, void *ret,
                 struct config_problem *why);
};

#define CONFIG_CHOICES_MAX 8

/* A row of the table. */
struct config_key {
    const char *name;
    const struct config_type *type;
    size_t offset;     /* in struct config */
    const char *value; /* the default, as one would write it */
    const char *help;
    uint32_t low, high;                      /* of numbers and ranges */
    const char *choices[CONFIG_CHOICES_MAX]; /* of choices, in order of their enum */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;
/* The key called `name`, or NULL. */
const struct config_key *config_key_find(struct span name);
/* True for a key whose flag stands alone (`--anonymous`). */
static inline bool config_key_is_flag(const struct config_key *key)
{
    return !key->type->argument[0];
}

/* What is wrong with a setting, and where. */
struct config_problem {
    int err;
    char source[CONFIG_TEXT_MAX]; /* file name, or the option as it was typed */
    unsigned line, column;        /* from 1; line 0: not from a file */
    char text[256];               /* what is wrong, for a person */
    char excerpt[256];            /* the line */
    const char *suggestion;       /* a known word that was perhaps meant, or NULL */
};

/* Every key at its default. */
void config_init(struct config *config);
/* Sets one key. `source` names where the setting comes from. ERR_CONFIG_*, and then `problem` says
 * more. */
int config_set(struct config *config, struct span name, struct span value, const char *source,
               struct config_problem *problem) MUST_USE;
/* Reads `key = value` lines; `#` begins a comment. Stops at the first problem; `config` is then
 * half set. `text` is borrowed. */
int config_parse(struct config *config, struct span text, const char *file_name,
                 struct config_problem *problem) MUST_USE;
/* The same from the file. */
int config_read(struct config *config, const char *path, struct config_problem *problem) MUST_USE;
/* What no single key can tell: contradictions, and what is not built in yet. */
int config_check(const struct config *config, struct config_problem *problem) MUST_USE;

/* "file:line:column: text", the line, a caret under the place, the suggestion. */
void config_problem_print(FILE *out, const struct config_problem *problem);

#endif
