/* `trackwire simulate`: trackers that drive along real streets and send real bytes to a channel,
 * for a first look, for tests and for load. */
#include "app/command.h"
#include "app/options.h"
#include "app/process.h"
#include "app/tracker.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/net.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TRACKERS_MAX 100000

struct simulate_options {
    const char *protocol, *to, *ident_base;
    uint64_t devices, count;
    double interval_s;
    bool is_udp;
};

#define AT(member) offsetof(struct simulate_options, member)

static const struct option_spec specs[] = {
    {"protocol", OPTION_TEXT, AT(protocol), "NAME", "the trackers' protocol", 0, 0},
    {"to", OPTION_TEXT, AT(to), "HOST:PORT", "the channel", 0, 0},
    {"devices", OPTION_NUMBER, AT(devices), "N", "how many trackers [1]", 1, TRACKERS_MAX},
    {"ident-base", OPTION_TEXT, AT(ident_base), "IDENT",
     "of the first; its last digits count up for the others", 0, 0},
    {"interval", OPTION_SECONDS, AT(interval_s), "SECONDS", "between two reports [1]", 0, 86400},
    {"count", OPTION_NUMBER, AT(count), "N", "reports of each tracker; 0: until Ctrl-C [0]", 0,
     1000000000},
    {"udp", OPTION_FLAG, AT(is_udp), "", "over UDP", 0, 0},
};

static const struct option_table table = {specs, sizeof(specs) / sizeof(specs[0])};

struct simulation {
    struct fleet fleet; /* first: on_end gets it */
    struct shard_set *shards;
    unsigned open_shards;
    struct tracker *trackers;
    uint64_t tracker_count;
    uint64_t running; /* trackers that have not ended; worker shard */
    struct watch signals;
    struct mail begin, watch_signals, interrupt;
};

/* ---- on the shards ---- */

static void on_end(struct fleet *fleet)
{
    struct simulation *s = (struct simulation *)fleet;
    if (--s->running == 0)
        shard_set_stop(s->shards);
}

static void run_begin(struct mail *m)
{
    struct simulation *s = (struct simulation *)((char *)m - offsetof(struct simulation, begin));
    for (uint64_t i = 0; i < s->tracker_count; i++) {
        int64_t delay_ms = s->fleet.interval_ms * (int64_t)i / (int64_t)s->tracker_count;
        tracker_start(&s->trackers[i], &s->fleet, i, delay_ms);
    }
}

static void run_interrupt(struct mail *m)
{
    struct simulation *s =
        (struct simulation *)((char *)m - offsetof(struct simulation, interrupt));
    for (uint64_t i = 0; i < s->tracker_count; i++)
        tracker_stop(&s->trackers[i]);
}

static void on_signal(struct watch *w, uint32_t events)
{
    (void)events;
    struct simulation *s = (struct simulation *)((char *)w - offsetof(struct simulation, signals));
    int signal = process_next_signal(w->fd);
    if (!signal)
        return;
    if (s->interrupt.deliver)
        _exit(128 + signal);
    s->interrupt.deliver = run_interrupt;
    shard_send(shard_at(s->shards, 0), &s->interrupt);
}

static void run_watch(struct mail *m)
{
    struct simulation *s =
        (struct simulation *)((char *)m - offsetof(struct simulation, watch_signals));
    s->signals.on_event = on_signal;
    if (shard_watch(shard_self(), &s->signals, EPOLLIN))
        (void)command_failed(&command_simulate, "signals are not heard; end it with SIGKILL");
}

/* ---- arguments ---- */

/* A name may have to be looked up: the only place where we do, and no shard runs yet. */
static int resolve(const char *to, struct net_address *ret)
{
    if (!net_address_parse(span_str(to), "127.0.0.1", ret))
        return 0;
    char host[256];
    const char *colon = strrchr(to, ':');
    size_t n = colon ? (size_t)(colon - to) : 0;
    if (!n || n >= sizeof(host))
        return command_usage(&command_simulate, "--to wants HOST:PORT, not \"%s\"", to);
    memcpy(host, to, n);
    host[n] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    int failure = getaddrinfo(host, colon + 1, &hints, &found);
    if (failure)
        return command_failed(&command_simulate, "--to %s: %s", to, gai_strerror(failure));
    *ret = (struct net_address){.n = found->ai_addrlen};
    memcpy(&ret->any, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

static int refuse_protocol(const char *name)
{
    size_t count;
    const struct protocol *const *list = protocol_list(&count);
    char names[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < count && n < sizeof(names); i++) {
        if (list[i]->encode_report)
            n += (size_t)snprintf(names + n, sizeof(names) - n, " %s", list[i]->name);
    }
    return command_usage(&command_simulate, "--protocol wants one of%s, not \"%s\"", names, name);
}

static int check(const struct simulate_options *options, struct simulation *s)
{
    if (!options->protocol || !options->to)
        return command_usage(&command_simulate, "--protocol and --to are needed");
    const struct protocol *protocol = protocol_by_name(span_str(options->protocol));
    if (!protocol || !protocol->encode_report)
        return refuse_protocol(options->protocol);
    enum protocol_transport transport = options->is_udp ? PROTOCOL_UDP : PROTOCOL_TCP;
    if (!(protocol->transports & transport))
        return command_usage(&command_simulate, "%s does not run over %s", protocol->name,
                             options->is_udp ? "UDP: leave --udp out" : "TCP: add --udp");
    if (strlen(options->ident_base) > PROTOCOL_IDENT_MAX - 6)
        return command_usage(&command_simulate, "--ident-base is too long");
    s->fleet.protocol = protocol;
    s->fleet.transport = transport;
    s->fleet.interval_ms = (int64_t)(options->interval_s * 1000);
    s->fleet.count = options->count;
    s->fleet.on_end = on_end;
    s->tracker_count = options->devices;
    return resolve(options->to, &s->fleet.to);
}

/* "truck-08" and 3 give "truck-11"; a base without digits gets the number behind it. */
static void make_ident(const char *base, uint64_t number, char *out)
{
    size_t n = strlen(base), digits = 0;
    while (digits < n && digits < 18 && base[n - digits - 1] >= '0' && base[n - digits - 1] <= '9')
        digits++;
    uint64_t first = 0, width = 1;
    for (size_t i = n - digits; i < n; i++) {
        first = first * 10 + (uint64_t)(base[i] - '0');
        width *= 10;
    }
    uint64_t value = digits ? (first + number) % width : number + 1;
    (void)snprintf(out, PROTOCOL_IDENT_MAX + 1, "%.*s%0*llu", (int)(n - digits), base, (int)digits,
                   (unsigned long long)value);
}

/* ---- the run ---- */

static int prepare(struct simulation *s, const char *ident_base)
{
    s->trackers = mem_zalloc(MEM_BASE, s->tracker_count * sizeof(s->trackers[0]));
    if (!s->trackers)
        return ERR_NO_MEMORY;
    for (uint64_t i = 0; i < s->tracker_count; i++)
        make_ident(ident_base, i, s->trackers[i].ident);
    s->running = s->tracker_count;
    int err = process_open_signals(&s->signals.fd);
    if (!err)
        err = shard_set_new(1, &s->shards);
    for (unsigned i = 0; !err && i <= shard_set_workers(s->shards); i++) {
        err = net_shard_open(shard_at(s->shards, i));
        s->open_shards += !err;
    }
    if (err)
        return err;
    s->begin.deliver = run_begin;
    s->watch_signals.deliver = run_watch;
    shard_send(shard_at(s->shards, 0), &s->begin);
    shard_send(shard_control(s->shards), &s->watch_signals);
    return shard_set_start(s->shards);
}

static void finish(struct simulation *s)
{
    for (unsigned i = 0; i < s->open_shards; i++)
        net_shard_close(shard_at(s->shards, i));
    if (s->shards)
        shard_set_free(&s->shards);
    mem_free(MEM_BASE, s->trackers);
    if (s->signals.fd >= 0)
        (void)close(s->signals.fd);
}

static int report(const struct simulation *s)
{
    const struct fleet *f = &s->fleet;
    fprintf(stderr,
            "%llu trackers: %llu reports sent, %llu acknowledged, %llu refused, %llu unanswered, "
            "%llu reconnections\n",
            (unsigned long long)s->tracker_count, (unsigned long long)f->sent,
            (unsigned long long)f->accepted, (unsigned long long)f->refused,
            (unsigned long long)f->lost, (unsigned long long)f->reconnects);
    if (f->given_up)
        return command_failed(&command_simulate, "%llu trackers gave up: %s",
                              (unsigned long long)f->given_up, err_text(f->last_err));
    bool is_interrupted = s->interrupt.deliver;
    return f->refused || (f->lost && !is_interrupted) ? EXIT_FAILED : EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct simulate_options options = {
        .ident_base = "352093081452251", .devices = 1, .interval_s = 1};
    struct option_problem problem;
    int words;
    if (options_parse(&table, argc, argv, &options, &words, &problem))
        return command_usage(&command_simulate, "%s", problem.text);
    if (words)
        return command_usage(&command_simulate, "takes options, no words like \"%s\"", argv[0]);
    struct simulation s = {.signals = {.fd = -1}};
    int status = check(&options, &s);
    if (status)
        return status;
    hash_seed();
    process_raise_descriptors();
    int err = prepare(&s, options.ident_base);
    if (err) {
        status = command_failed(&command_simulate, "%s", err_text(err));
    } else {
        shard_set_join(s.shards);
        status = report(&s);
    }
    finish(&s);
    return status;
}

static void help(void)
{
    printf("\n");
    options_print(&table);
    printf("\nReports what was acknowledged to standard error at the end. Ctrl-C ends it.\n");
}

const struct command command_simulate = {
    .name = "simulate",
    .summary = "trackers that drive along real streets and report to a channel",
    .synopsis = "simulate --protocol NAME --to HOST:PORT [--devices N] [--ident-base IDENT]\n"
                "                          [--interval SECONDS] [--count N] [--udp]",
    .help = help,
    .run = run,
};
