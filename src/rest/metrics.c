/* GET /metrics: the hub's figures for Prometheus. Counters are read as they are, from any shard's
 * memory; what only the owner may look at comes by a survey, for which the request waits. Each
 * function writes what belongs together. Control shard. */
#include "base/mem.h"
#include "rest/exposition.h"
#include "rest/process_figures.h"
#include "rest/rest_internal.h"

#include <stdio.h>

#define COUNTER "counter"
#define GAUGE "gauge"

static struct span digits(unsigned long long n, char out[24])
{
    return span_of(out, (size_t)snprintf(out, 24, "%llu", n));
}

/* ---- the broker ---- */

/* Figures that need no label. */
static const struct plain {
    const char *name, *type, *help;
    size_t offset; /* in struct broker_stats */
} plain[] = {
#define PLAIN(name, type, member, help)                                                            \
    {                                                                                              \
        "trackwire_" name, type, help, offsetof(struct broker_stats, member)                       \
    }
    PLAIN("sessions_online_max", GAUGE, sessions_online_max,
          "Most sessions that were online at once."),
    PLAIN("sessions_expired_total", COUNTER, sessions_expired,
          "Sessions that ended by their expiry interval."),
    PLAIN("mqtt_connections", GAUGE, connections, "Open MQTT connections, signed in or not."),
    PLAIN("mqtt_connections_total", COUNTER, connections_accepted, "MQTT connections accepted."),
    PLAIN("mqtt_connects_total", COUNTER, connects, "MQTT clients that signed in."),
    PLAIN("mqtt_publishes_dropped_total", COUNTER, publishes_dropped,
          "Messages refused or lost to limits; trackwire_errors_total tells why."),
    PLAIN("subscriptions", GAUGE, subscriptions, "Subscriptions, shared ones too."),
    PLAIN("shared_subscriptions", GAUGE, subscriptions_shared, "Shared subscriptions."),
    PLAIN("retained_messages", GAUGE, retained, "Topics with a retained message."),
    PLAIN("retained_bytes", GAUGE, retained_bytes, "Bytes of retained messages."),
    PLAIN("queue_messages", GAUGE, queued,
          "Messages that wait behind the windows of sessions, or in shared groups."),
    PLAIN("queue_bytes", GAUGE, queued_bytes, "Bytes of those messages."),
    PLAIN("waiting_bytes", GAUGE, waiting_bytes,
          "Bytes on their way to clients that are behind by 16 KiB or more."),
#undef PLAIN
};

static void write_plain(struct exposition *e, const struct broker_stats *stats)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        const struct plain *p = &plain[i];
        exposition_one(e, p->name, p->type, p->help,
                       *(const uint64_t *)(const void *)((const char *)stats + p->offset));
    }
}

/* A family of two samples that differ in one label. */
static void write_pair(struct exposition *e, const char *name, const char *type, const char *help,
                       const char *label, const char *first, uint64_t first_value,
                       const char *second, uint64_t second_value)
{
    exposition_family(e, name, type, help);
    exposition_sample(e, "");
    exposition_label(e, label, span_str(first));
    exposition_value(e, first_value);
    exposition_sample(e, "");
    exposition_label(e, label, span_str(second));
    exposition_value(e, second_value);
}

static void write_in_out(struct exposition *e, const char *name, const char *help, uint64_t in,
                         uint64_t out)
{
    write_pair(e, name, COUNTER, help, "direction", "in", in, "out", out);
}

static void write_transports(struct exposition *e, const struct broker *broker)
{
    struct broker_transport_stats rows[BROKER_TRANSPORTS_MAX];
    size_t count = broker_transport_stats(broker, rows);
    exposition_family(e, "trackwire_mqtt_clients", GAUGE,
                      "MQTT clients that are signed in, by transport.");
    for (size_t i = 0; i < count; i++) {
        exposition_sample(e, "");
        exposition_label(e, "transport", span_str(rows[i].name));
        exposition_value(e, rows[i].clients);
    }
}

static void write_broker(struct exposition *e, const struct broker *broker)
{
    struct broker_stats s = broker_stats(broker);
    write_pair(e, "trackwire_sessions", GAUGE, "MQTT sessions, by whether their client is there.",
               "state", "online", s.sessions_online, "offline", s.sessions_offline);
    write_plain(e, &s);
    write_transports(e, broker);
    write_in_out(e, "trackwire_mqtt_packets_total", "MQTT packets of all kinds.",
                 s.packets_received, s.packets_sent);
    write_in_out(e, "trackwire_mqtt_bytes_total", "Bytes of MQTT packets.", s.bytes_received,
                 s.bytes_sent);
    write_in_out(e, "trackwire_mqtt_publishes_total", "PUBLISH packets.", s.publishes_received,
                 s.publishes_sent);
    write_in_out(e, "trackwire_mqtt_payload_bytes_total", "Bytes of payload in PUBLISH packets.",
                 s.payload_bytes_received, s.payload_bytes_sent);
}

/* ---- queues of sessions ---- */

static int64_t age_us(int64_t since_us, int64_t now_us)
{
    return since_us && since_us < now_us ? now_us - since_us : 0;
}

enum top_figure {
    TOP_BYTES,
    TOP_MESSAGES,
    TOP_DROPPED,
    TOP_AGE
};

static void write_top(struct exposition *e, const struct queues *q, int64_t now_us,
                      const char *name, const char *type, const char *help, enum top_figure figure)
{
    exposition_family(e, name, type, help);
    for (uint32_t i = 0; i < q->top_count; i++) {
        const struct queues_row *row = &q->top[i];
        const uint64_t values[] = {
            [TOP_BYTES] = row->bytes, [TOP_MESSAGES] = row->messages, [TOP_DROPPED] = row->dropped};
        exposition_sample(e, "");
        exposition_label(e, "client", span_of(row->client_id, row->client_id_n));
        if (figure == TOP_AGE)
            exposition_seconds(e, age_us(row->oldest_us, now_us));
        else
            exposition_value(e, values[figure]);
    }
}

static void write_queues(struct exposition *e, const struct queues *q, int64_t now_us)
{
    exposition_one(e, "trackwire_queue_sessions", GAUGE, "Sessions with messages that wait.",
                   q->sessions);
    exposition_family(e, "trackwire_queue_oldest_seconds", GAUGE,
                      "Age of the oldest message that waits for a session; 0: none waits.");
    exposition_sample(e, "");
    exposition_seconds(e, age_us(q->oldest_us, now_us));
    write_top(e, q, now_us, "trackwire_session_queue_bytes", GAUGE,
              "Bytes that wait for a session; the ten sessions with most.", TOP_BYTES);
    write_top(e, q, now_us, "trackwire_session_queue_messages", GAUGE,
              "Messages that wait for these sessions.", TOP_MESSAGES);
    write_top(e, q, now_us, "trackwire_session_queue_oldest_seconds", GAUGE,
              "Age of their oldest message.", TOP_AGE);
    write_top(e, q, now_us, "trackwire_session_dropped_total", COUNTER,
              "Messages that these sessions lost.", TOP_DROPPED);
}

/* ---- shards ---- */

static void label_shard(struct exposition *e, const struct survey *survey, unsigned i)
{
    char text[24];
    bool is_control = i == survey->count - 1;
    exposition_label(e, "shard", is_control ? SPAN_LIT("control") : digits(i, text));
}

static const struct loop_figure {
    const char *name, *help;
    size_t offset; /* in struct shard_stats */
} loop_figures[] = {
    {"trackwire_shard_timers_total", "Timers that fired.",
     offsetof(struct shard_stats, timers_fired)},
    {"trackwire_shard_mails_total", "Mails sent to other shards.",
     offsetof(struct shard_stats, mails_sent)},
    {"trackwire_shard_wakeups_total", "Sleeping shards woken by mail.",
     offsetof(struct shard_stats, wakeups_sent)},
};

static void write_turns(struct exposition *e, const struct survey *survey, unsigned i)
{
    const struct shard_stats *loop = &survey->loops[i];
    uint64_t sum = 0;
    int64_t limit_us = SHARD_TURN_FIRST_US;
    for (size_t k = 0; k < SHARD_TURN_CLASSES; k++, limit_us *= 4) {
        char text[32];
        int n = snprintf(text, sizeof(text), "%lld.%06lld", (long long)(limit_us / 1000000),
                         (long long)(limit_us % 1000000));
        bool is_last = k == SHARD_TURN_CLASSES - 1;
        sum += loop->turns_by_time[k];
        exposition_sample(e, "_bucket");
        label_shard(e, survey, i);
        exposition_label(e, "le", is_last ? SPAN_LIT("+Inf") : span_of(text, (size_t)n));
        exposition_value(e, sum);
    }
    exposition_sample(e, "_sum");
    label_shard(e, survey, i);
    exposition_seconds(e, loop->worked_us);
    exposition_sample(e, "_count");
    label_shard(e, survey, i);
    exposition_value(e, sum);
}

static void write_shards(struct exposition *e, const struct survey *survey)
{
    exposition_family(e, "trackwire_shard_turn_seconds", "histogram",
                      "How long the turns of a shard worked: what comes next waits so long.");
    for (unsigned i = 0; i < survey->count; i++)
        write_turns(e, survey, i);
    exposition_family(e, "trackwire_shard_turn_longest_seconds", GAUGE,
                      "The longest turn since the start.");
    for (unsigned i = 0; i < survey->count; i++) {
        exposition_sample(e, "");
        label_shard(e, survey, i);
        exposition_seconds(e, survey->loops[i].longest_turn_us);
    }
    for (size_t k = 0; k < sizeof(loop_figures) / sizeof(loop_figures[0]); k++) {
        const struct loop_figure *f = &loop_figures[k];
        exposition_family(e, f->name, COUNTER, f->help);
        for (unsigned i = 0; i < survey->count; i++) {
            exposition_sample(e, "");
            label_shard(e, survey, i);
            exposition_value(
                e, *(const uint64_t *)(const void *)((const char *)&survey->loops[i] + f->offset));
        }
    }
}

/* ---- errors and memory ---- */

static const char *const class_names[ERR_CLASS_COUNT_] = {
    [ERR_CLASS_NONE] = "none",       [ERR_CLASS_INPUT] = "input", [ERR_CLASS_PROTOCOL] = "protocol",
    [ERR_CLASS_AUTH] = "auth",       [ERR_CLASS_LIMIT] = "limit", [ERR_CLASS_CONFIG] = "config",
    [ERR_CLASS_NETWORK] = "network", [ERR_CLASS_STORE] = "store", [ERR_CLASS_INTERNAL] = "internal",
};

static void write_errors(struct exposition *e)
{
    exposition_family(e, "trackwire_errors_total", COUNTER,
                      "How often something was refused, dropped or failed, by reason; reasons that "
                      "never occurred are left out.");
    for (int i = 1; i < (int)ERR_INDEX_COUNT_; i++) {
        uint64_t count = err_count(-i);
        if (!count)
            continue;
        exposition_sample(e, "");
        exposition_label(e, "error", span_str(err_name(-i)));
        exposition_label(e, "class", span_str(class_names[err_class(-i)]));
        exposition_value(e, count);
    }
}

static void write_memory(struct exposition *e)
{
    exposition_family(e, "trackwire_memory_bytes", GAUGE, "Allocated memory, by purpose.");
    for (int tag = 0; tag < MEM_TAG_COUNT_; tag++) {
        int64_t bytes = mem_bytes((enum mem_tag)tag);
        exposition_sample(e, "");
        exposition_label(e, "purpose", span_str(mem_tag_name((enum mem_tag)tag)));
        exposition_value(e, bytes > 0 ? (uint64_t)bytes : 0);
    }
}

/* ---- channels ---- */

struct channel_row {
    uint64_t id;
    char protocol[32];
    struct gateway_channel_stats stats;
};

struct channel_list {
    const struct rest_plane *plane;
    struct buf rows; /* of struct channel_row */
};

static int add_channel(void *context, uint64_t id, json_t *object)
{
    struct channel_list *list = context;
    struct channel_row row = {.id = id};
    const char *protocol = json_string_value(json_object_get(object, "protocol_name"));
    (void)snprintf(row.protocol, sizeof(row.protocol), "%s", protocol ? protocol : "");
    if (list->plane->channel_stats(list->plane->gateway, id, &row.stats))
        buf_add(&list->rows, &row, sizeof(row));
    return 0;
}

static const struct channel_figure {
    const char *name, *type, *help;
    size_t offset; /* in struct gateway_channel_stats */
} channel_figures[] = {
    {"trackwire_channel_connections", GAUGE, "Connections of trackers to a channel.",
     offsetof(struct gateway_channel_stats, connections)},
    {"trackwire_channel_messages_total", COUNTER, "Messages that a channel published.",
     offsetof(struct gateway_channel_stats, messages)},
    {"trackwire_channel_frames_refused_total", COUNTER, "Frames that a channel refused.",
     offsetof(struct gateway_channel_stats, frames_refused)},
    {"trackwire_channel_bytes_in_total", COUNTER, "Bytes from trackers.",
     offsetof(struct gateway_channel_stats, bytes_in)},
    {"trackwire_channel_bytes_out_total", COUNTER, "Bytes to trackers.",
     offsetof(struct gateway_channel_stats, bytes_out)},
};

static void write_channels(struct exposition *e, const struct rest_plane *plane)
{
    const struct hub_caller everyone = {accounts_root(plane->accounts), "localhost"};
    struct channel_list list = {plane, buf_make(MEM_REST, REST_ANSWER_MAX)};
    int err = hub_each(plane->hub, HUB_CHANNELS, &everyone, add_channel, &list);
    size_t count = err < 0 ? 0 : list.rows.n / sizeof(struct channel_row);
    for (size_t k = 0; k < sizeof(channel_figures) / sizeof(channel_figures[0]); k++) {
        const struct channel_figure *f = &channel_figures[k];
        exposition_family(e, f->name, f->type, f->help);
        for (size_t i = 0; i < count; i++) {
            char text[24];
            const struct channel_row *row =
                (const struct channel_row *)(const void *)list.rows.p + i;
            exposition_sample(e, "");
            exposition_label(e, "channel", digits(row->id, text));
            exposition_label(e, "protocol", span_str(row->protocol));
            exposition_value(
                e, *(const uint64_t *)(const void *)((const char *)&row->stats + f->offset));
        }
    }
    buf_fini(&list.rows);
}

/* ---- the process ---- */

static void write_process(struct exposition *e, int64_t started_us)
{
    struct process_figures p = process_figures();
    exposition_family(e, "process_start_time_seconds", GAUGE, "When the hub started, Unix time.");
    exposition_sample(e, "");
    exposition_seconds(e, started_us);
    exposition_family(e, "process_cpu_seconds_total", COUNTER,
                      "Time on the processor, user and system.");
    exposition_sample(e, "");
    exposition_seconds(e, p.cpu_us);
    exposition_one(e, "process_resident_memory_bytes", GAUGE, "Resident memory.", p.resident_bytes);
    exposition_one(e, "process_open_fds", GAUGE, "Open file descriptors.", p.open_fds);
    exposition_one(e, "process_max_fds", GAUGE, "File descriptors that may be open.", p.max_fds);
    exposition_one(e, "process_threads", GAUGE, "Threads.", p.threads);
}

static void get_metrics(struct rest_call *call)
{
    const struct rest_plane *plane = call->plane;
    struct rest_answer *answer = call->answer;
    struct exposition e = {.out = &answer->body};
    if (plane->broker && call->asker.may_wait && !call->asker.survey) {
        answer->wants_survey = true;
        return;
    }
    answer->status = 200;
    answer->content_type = EXPOSITION_TYPE;
    if (plane->broker)
        write_broker(&e, plane->broker);
    if (call->asker.survey) {
        write_queues(&e, &call->asker.survey->queues, shard_wall_us(shard_self()));
        write_shards(&e, call->asker.survey);
    }
    if (plane->channel_stats)
        write_channels(&e, plane);
    exposition_one(&e, "trackwire_connections", GAUGE,
                   "Open stream connections: MQTT, HTTP and trackers.", conn_count());
    write_errors(&e);
    write_memory(&e);
    write_process(&e, plane->started_us);
}

static const struct rest_route routes[] = {
    {HTTP_METHOD_GET, "/metrics", REST_FIGURES, get_metrics, 0, "figures for Prometheus"},
};
const struct rest_routes rest_metrics_routes = REST_ROUTES(routes);
