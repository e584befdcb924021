/* Start and stop of the hub. Start: bind the listeners, so that their errors come before anything
 * is written; open the data folder; build the rooms from the lowest floor up; start the shards;
 * when each worker accepts, say so. Stop: the same in reverse, driven by the control shard, each
 * room telling when it has let go; a second signal or four seconds end it at once. */
#include "app/service.h"

#include "app/banner.h"
#include "app/certificates.h"
#include "app/process.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "gateway/gateway.h"
#include "net/listener.h"
#include "net/net.h"
#include "rest/rest.h"

#include <assert.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* The contract says five seconds from the signal to the exit. */
#define STOP_MAX_MS 4000

enum endpoint_kind {
    ENDPOINT_MQTT,
    ENDPOINT_MQTTS,
    ENDPOINT_HTTP,
    ENDPOINT_HTTPS,
    ENDPOINT_COUNT_
};

static const struct endpoint_rule {
    const char *key; /* of the configuration */
    size_t config;   /* its member of struct config */
    bool is_tls;
    enum tls_alpn alpn; /* what is spoken, with TLS and without */
} endpoint_rules[ENDPOINT_COUNT_] = {
    [ENDPOINT_MQTT] = {"mqtt", offsetof(struct config, mqtt), false, TLS_ALPN_MQTT},
    [ENDPOINT_MQTTS] = {"mqtts", offsetof(struct config, mqtts), true, TLS_ALPN_MQTT},
    [ENDPOINT_HTTP] = {"http", offsetof(struct config, http), false, TLS_ALPN_HTTP},
    [ENDPOINT_HTTPS] = {"https", offsetof(struct config, https), true, TLS_ALPN_HTTP},
};

/* One listening socket, on which every worker accepts. */
struct endpoint {
    int fd; /* -1: off */
    struct net_address bound;
    struct tls_endpoint tls;
    struct listener_options options;
};

/* A worker's part of the endpoints. */
struct acceptor {
    struct service *service;
    struct listener *listeners[ENDPOINT_COUNT_];
    struct mail order, answer;
    int err;
};

struct service {
    const struct command *command;
    const struct service_options *options;
    const struct config *config;
    struct endpoint endpoints[ENDPOINT_COUNT_];
    char new_token[TOKEN_KEY_LENGTH + 1];
    struct certificates *certificates; /* NULL: nothing listens for TLS */
    struct store *store;
    struct accounts *accounts;
    struct shard_set *shards;
    unsigned open_shards; /* those that net_shard_open made ready */
    struct broker *broker;
    struct hub *hub;
    struct gateway *gateway;
    struct rest *rest;
    /* The control shard's, once it runs. */
    struct watch signals;
    struct mail begin;
    struct timer deadline;
    unsigned waiting;    /* acceptors that have not answered */
    bool is_stop_wanted; /* a signal came; while starting, stop once the listeners answered */
    bool is_stopping;
    int status;
    struct acceptor *acceptors;
};

static struct service *of(void *member, size_t offset)
{
    return (struct service *)((char *)member - offset);
}

/* ---- stop; control shard, one step after the other ---- */

static void stop_loops(void *context)
{
    struct service *s = context;
    shard_timer_stop(shard_self(), &s->deadline);
    shard_unwatch(shard_self(), &s->signals);
    if (s->certificates)
        certificates_unwatch(s->certificates);
    shard_set_stop(s->shards);
}

static void stop_broker(void *context)
{
    struct service *s = context;
    broker_stop(s->broker, stop_loops, s);
}

static void stop_rest(void *context)
{
    struct service *s = context;
    rest_stop(s->rest, stop_broker, s);
}

static void close_listeners(struct mail *m);

static void order_all(struct service *s, void (*deliver)(struct mail *m))
{
    s->waiting = shard_set_workers(s->shards);
    for (unsigned i = 0; i < s->waiting; i++) {
        s->acceptors[i].order.deliver = deliver;
        shard_send(shard_at(s->shards, i), &s->acceptors[i].order);
    }
}

static void on_deadline(struct timer *t)
{
    (void)t;
    log_warning("stopping takes too long: leaving at once; what was confirmed is on disk");
    log_close();
    _exit(EXIT_OK);
}

static void stop(struct service *s)
{
    assert(!s->is_stopping);
    s->is_stopping = true;
    s->deadline.on_due = on_deadline;
    shard_timer_start(shard_self(), &s->deadline, shard_now_ms(shard_self()) + STOP_MAX_MS, 0);
    order_all(s, close_listeners);
}

/* ---- listeners; worker shards, and their answers on the control shard ---- */

static void announce(struct service *s)
{
    const struct banner banner = {
        .config = s->config,
        .mqtt = s->endpoints[ENDPOINT_MQTT].bound,
        .mqtts = s->endpoints[ENDPOINT_MQTTS].bound,
        .http = s->endpoints[ENDPOINT_HTTP].bound,
        .https = s->endpoints[ENDPOINT_HTTPS].bound,
        .new_token = s->new_token,
        .self_signed = s->certificates ? certificates_self_signed(s->certificates) : NULL,
    };
    banner_print(stdout, &banner);
    printf("trackwire ready in %lld ms\n", (long long)(clock_mono_ms() - s->options->started_ms));
    (void)fflush(stdout);
}

static void on_opened(struct mail *m)
{
    struct acceptor *a = (struct acceptor *)((char *)m - offsetof(struct acceptor, answer));
    struct service *s = a->service;
    if (a->err && s->status == EXIT_OK)
        s->status = command_failed(s->command, "a listener: %s", err_text(a->err));
    if (--s->waiting > 0)
        return;
    if (s->status != EXIT_OK || s->is_stop_wanted)
        stop(s);
    else
        announce(s);
}

static void open_listeners(struct mail *m)
{
    struct acceptor *a = (struct acceptor *)((char *)m - offsetof(struct acceptor, order));
    struct service *s = a->service;
    for (size_t i = 0; i < ENDPOINT_COUNT_ && !a->err; i++) {
        const struct endpoint *e = &s->endpoints[i];
        if (e->fd >= 0)
            a->err = listener_new(e->fd, &e->options, &a->listeners[i]);
    }
    a->answer.deliver = on_opened;
    shard_send(shard_control(s->shards), &a->answer);
}

static void on_closed(struct mail *m)
{
    struct acceptor *a = (struct acceptor *)((char *)m - offsetof(struct acceptor, answer));
    struct service *s = a->service;
    if (--s->waiting == 0)
        gateway_stop(s->gateway, stop_rest, s);
}

static void close_listeners(struct mail *m)
{
    struct acceptor *a = (struct acceptor *)((char *)m - offsetof(struct acceptor, order));
    for (size_t i = 0; i < ENDPOINT_COUNT_; i++)
        listener_free(&a->listeners[i]);
    a->answer.deliver = on_closed;
    shard_send(shard_control(a->service->shards), &a->answer);
}

/* ---- signals; control shard ---- */

/* All or nothing: what can fail comes first. */
static void reload(struct service *s)
{
    bool has_file = s->options->reload;
    struct config fresh;
    if (!has_file && !s->certificates) {
        log_warning("SIGHUP: nothing to reload: the hub was started without --config and TLS");
        return;
    }
    if (has_file && s->options->reload(s->options->context, &fresh))
        return;
    if (s->certificates && certificates_reload(s->certificates, has_file ? &fresh : NULL))
        return;
    if (!has_file)
        return;
    log_set_level((enum log_level)fresh.log_level);
    log_notice("SIGHUP: configuration read: log-level is now %u; other keys but tls-* need a "
               "restart",
               fresh.log_level);
}

static void on_signal(struct watch *w, uint32_t events)
{
    (void)events;
    struct service *s = of(w, offsetof(struct service, signals));
    for (int signal = process_next_signal(w->fd); signal; signal = process_next_signal(w->fd)) {
        if (signal == SIGHUP) {
            reload(s);
        } else if (s->is_stopping) {
            _exit(128 + signal);
        } else {
            log_notice("stopping: signal %d", signal);
            s->is_stop_wanted = true;
            if (s->waiting == 0)
                stop(s);
        }
    }
}

static void run_begin(struct mail *m)
{
    struct service *s = of(m, offsetof(struct service, begin));
    s->signals.on_event = on_signal;
    int err = shard_watch(shard_self(), &s->signals, EPOLLIN);
    if (err)
        s->status = command_failed(s->command, "signals: %s", err_text(err));
    if (s->certificates)
        certificates_watch(s->certificates);
    order_all(s, open_listeners);
}

/* ---- start; main thread ---- */

static unsigned count_workers(const struct config *config)
{
    cpu_set_t set;
    if (config->shards)
        return config->shards;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static int bind_failed(const struct service *s, const char *key, const struct net_address *address,
                       int err)
{
    char text[NET_ADDRESS_TEXT_MAX];
    (void)net_address_text(address, text);
    if (err != ERR_NET_PORT_FORBIDDEN)
        return command_failed(s->command, "%s %s: %s; --%s [ADDR:]PORT chooses another, off none",
                              key, text, err_text(err), key);
    return command_failed(s->command,
                          "%s %s: %s: choose another (--%s %u) or none (--%s off), or let the "
                          "program bind it: setcap cap_net_bind_service=+ep on the binary, or in a "
                          "systemd unit AmbientCapabilities=CAP_NET_BIND_SERVICE",
                          key, text, err_text(err), key, net_address_port(address) + 8000u, key);
}

static int bind_endpoint(struct service *s, enum endpoint_kind kind)
{
    const struct endpoint_rule *rule = &endpoint_rules[kind];
    const struct config_endpoint *wanted = (const void *)((const char *)s->config + rule->config);
    struct endpoint *e = &s->endpoints[kind];
    if (!wanted->is_on)
        return 0;
    int err = net_listen_tcp(&wanted->address, &e->fd);
    if (!err)
        err = net_local_address(e->fd, &e->bound);
    e->options.is_proxied = wanted->is_proxied;
    return err ? bind_failed(s, rule->key, &wanted->address, err) : 0;
}

static int open_data(struct service *s)
{
    int err = store_open(&store_engine_lmdb, s->config->data, &s->store);
    if (err)
        return command_failed(s->command, "data folder %s: %s; --data DIR chooses another",
                              s->config->data, err_text(err));
    err = accounts_open(s->store, getenv("TRACKWIRE_MASTER_TOKEN"), &s->accounts, s->new_token);
    if (err)
        return command_failed(s->command,
                              "tokens in %s: %s (TRACKWIRE_MASTER_TOKEN sets the first)",
                              s->config->data, err_text(err));
    if (s->config->is_anonymous)
        accounts_allow_anonymous(s->accounts);
    return 0;
}

static int open_certificates(struct service *s)
{
    struct tls_problem problem;
    if (s->endpoints[ENDPOINT_MQTTS].fd < 0 && s->endpoints[ENDPOINT_HTTPS].fd < 0)
        return 0;
    if (!certificates_open(s->config, &s->certificates, &problem))
        return 0;
    return command_failed(s->command,
                          "tls: %s; --tls-cert, --tls-key and --tls-client-ca name other files, "
                          "--mqtts off --https off does without",
                          problem.text);
}

static int make_shards(struct service *s)
{
    int err = shard_set_new(count_workers(s->config), &s->shards);
    for (unsigned i = 0; !err && i <= shard_set_workers(s->shards); i++) {
        err = net_shard_open(shard_at(s->shards, i));
        s->open_shards += !err;
    }
    return err;
}

static struct broker_config broker_settings(const struct config *c)
{
    return (struct broker_config){
        .packet_bytes_max = c->packet_bytes_max,
        .connect_timeout_s = c->connect_timeout_s,
        .session_expiry_max_s = c->session_expiry_max_s,
        .keep_alive_max_s = c->keep_alive_max_s,
        .receive_maximum = (uint16_t)c->receive_maximum,
        .inflight_max = (uint16_t)c->inflight_max,
        .topic_alias_maximum = (uint16_t)c->topic_alias_maximum,
        .session_queue_bytes_max = c->queue_bytes_max,
        .session_queue_count_max = c->queue_count_max,
        .output_bytes_max = c->output_bytes_max,
        .subscriptions_max = c->subscriptions_max,
        .retained_max = c->retained_max,
        .is_prefix_reserved = c->is_prefix_reserved,
        .account_bytes_max = c->account_bytes_max,
        .total_bytes_max = c->total_bytes_max ? c->total_bytes_max : process_memory_bytes() / 2,
        .connect_rate = c->connect_rate,
        .connect_burst = c->connect_burst,
        .packet_rate = c->packet_rate,
        .sys_interval_s = c->sys_interval_s,
        .version = "trackwire version " TRACKWIRE_VERSION,
    };
}

static int build_rooms(struct service *s)
{
    struct gateway_config gateway = gateway_config_default;
    gateway.listen_host = s->config->channels_host;
    gateway.port_low = (uint16_t)s->config->channels.low;
    gateway.port_high = (uint16_t)s->config->channels.high;
    gateway.connections_max = s->config->channel_connections;
    gateway.login_timeout_s = s->config->login_timeout_s;
    struct rest_config rest = rest_config_default;
    rest.public_host = s->config->public_host[0] ? s->config->public_host : NULL;
    struct broker_config broker = broker_settings(s->config);
    int err = make_shards(s);
    if (!err)
        err = broker_new(s->shards, s->accounts, s->store, &broker, &s->broker);
    if (!err)
        err = hub_new(s->store, s->accounts, &s->hub);
    if (!err)
        err = gateway_new(s->shards, s->broker, &gateway, &s->gateway);
    rest.on_websocket = broker_adopt;
    rest.taker = s->broker;
    rest.broker = s->broker;
    rest.gateway = s->gateway;
    rest.channel_stats = gateway_channel_stats;
    rest.figures = (enum rest_figures)s->config->metrics_open;
    if (!err)
        err = rest_new(s->shards, s->accounts, s->hub, &rest, &s->rest);
    if (!err)
        broker_serve_requests(s->broker, rest_serve_mqtt, s->rest);
    return err ? command_failed(s->command, "start: %s", err_text(err)) : 0;
}

static void prepare_endpoint(struct service *s, enum endpoint_kind kind)
{
    const struct endpoint_rule *rule = &endpoint_rules[kind];
    struct endpoint *e = &s->endpoints[kind];
    bool is_mqtt = rule->alpn == TLS_ALPN_MQTT;
    e->options.transport = rule->is_tls ? &transport_tls : &transport_tcp;
    e->options.admits = is_mqtt ? broker_admits : NULL;
    e->options.on_accept = is_mqtt ? broker_accept : rest_accept;
    e->options.owner = is_mqtt ? (void *)s->broker : s->rest;
    if (!rule->is_tls || !s->certificates)
        return;
    e->tls = (struct tls_endpoint){certificates_context(s->certificates), rule->alpn};
    e->options.context = &e->tls;
}

static int prepare_shards(struct service *s)
{
    unsigned workers = shard_set_workers(s->shards);
    s->acceptors = mem_zalloc(MEM_BASE, workers * sizeof(s->acceptors[0]));
    if (!s->acceptors)
        return command_failed(s->command, "start: %s", err_text(ERR_NO_MEMORY));
    for (unsigned i = 0; i < workers; i++)
        s->acceptors[i].service = s;
    for (size_t i = 0; i < ENDPOINT_COUNT_; i++)
        prepare_endpoint(s, (enum endpoint_kind)i);
    hub_connect_gateway(s->hub, &gateway_operations, s->gateway);
    s->begin.deliver = run_begin;
    s->waiting = workers;
    shard_send(shard_control(s->shards), &s->begin);
    return 0;
}

static int start(struct service *s)
{
    int status = 0;
    for (size_t i = 0; i < ENDPOINT_COUNT_ && !status; i++)
        status = bind_endpoint(s, (enum endpoint_kind)i);
    if (!status)
        status = open_data(s);
    if (!status)
        status = open_certificates(s);
    if (!status)
        status = build_rooms(s);
    return status ? status : prepare_shards(s);
}

static void run(struct service *s)
{
    int err = shard_set_start(s->shards);
    if (err) {
        /* Some threads may run already, others not: there is no orderly way back. */
        s->status = command_failed(s->command, "shards: %s", err_text(err));
        log_close();
        _exit(s->status);
    }
    shard_set_join(s->shards);
}

static void finish(struct service *s)
{
    rest_free(&s->rest);
    gateway_free(&s->gateway);
    hub_free(&s->hub);
    broker_free(&s->broker);
    for (unsigned i = 0; i < s->open_shards; i++)
        net_shard_close(shard_at(s->shards, i));
    if (s->shards)
        shard_set_free(&s->shards);
    certificates_free(&s->certificates);
    accounts_close(&s->accounts);
    store_close(&s->store);
    for (size_t i = 0; i < ENDPOINT_COUNT_; i++) {
        if (s->endpoints[i].fd >= 0)
            (void)close(s->endpoints[i].fd);
    }
    mem_free(MEM_BASE, s->acceptors);
    (void)close(s->signals.fd);
}

int service_run(const struct command *command, const struct service_options *options)
{
    struct service s = {
        .command = command,
        .options = options,
        .config = options->config,
        .endpoints = {{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}},
        .signals = {.fd = -1},
    };
    hash_seed();
    process_raise_descriptors();
    int err = process_open_signals(&s.signals.fd);
    if (err)
        return command_failed(command, "%s", err_text(err));
    log_open((enum log_level)s.config->log_level, s.config->log_format == CONFIG_LOG_JSON);
    s.status = start(&s);
    if (!s.status)
        run(&s);
    finish(&s);
    log_close();
    return s.status;
}
