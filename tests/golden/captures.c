/* Scores decoders against captures of real devices, which live outside the tree: the fields
 * decoded, the answers, the idents, and that cutting the stream changes nothing. Generic over the
 * registry.
 *
 *   captures [-v] [PROTOCOL...]   reads $TRACKWIRE_SHARED/captures/NAME.jsonl and
 * .../vendor/NAME.json
 *
 * Fails below 97 percent of the fields, or on any answer, ident or cut that differs. Ends with 77,
 * which test runners count as skipped, when there is no such folder. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "captures.h"
#include "replay.h"

#define CUTS 200
#define HEX_LIMIT (1024 * 1024)
#define PATH_BYTES 1024
#define SKIPPED 77
#define FIELDS_WANTED 0.97
/* The captures' expectations were recorded after this; a later time is the recorder's clock, which
 * stood in for frames that tell no time. */
#define RECORDED_AFTER_S 1795000000

static const struct {
    const char *protocol, *file;
} files[] = {{"wialon-ips", "wialon"}};

static const struct {
    const char *name;
    double tolerance;
} tolerances[] = {
    {"position.latitude", 1e-5},
    {"position.longitude", 1e-5},
    {"position.speed", 0.1},
};

/* Exact, but for the last bits of a double, where no tolerance is given. */
static double tolerance_of(const char *name, double wanted)
{
    for (size_t i = 0; i < sizeof(tolerances) / sizeof(tolerances[0]); i++) {
        if (strcmp(tolerances[i].name, name) == 0)
            return tolerances[i].tolerance;
    }
    return 1e-12 * fmax(1, fabs(wanted));
}

static bool is_field_equal(const char *name, const json_t *wanted, const json_t *got)
{
    if (!got)
        return false;
    if (!json_is_number(wanted) || !json_is_number(got))
        return json_equal(wanted, got);
    double a = json_number_value(wanted);
    return fabs(a - json_number_value(got)) <= tolerance_of(name, a);
}

static bool is_clock(const char *name, const json_t *wanted)
{
    return strcmp(name, "timestamp") == 0 && json_number_value(wanted) > RECORDED_AFTER_S;
}

void captures_say(const struct score *score, const char *what, const json_t *wanted,
                  const json_t *got)
{
    if (!score->is_verbose)
        return;
    size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15);
    printf("  %s: %s: wanted ", score->where, what);
    json_dumpf(wanted ? wanted : json_null(), stdout, flags);
    printf(", got ");
    json_dumpf(got ? got : json_null(), stdout, flags);
    printf("\n");
}

void captures_compare_message(struct score *score, json_t *wanted, const json_t *got)
{
    const char *name;
    json_t *value;
    json_object_foreach(wanted, name, value)
    {
        if (is_clock(name, value))
            continue;
        score->fields++;
        if (is_field_equal(name, value, json_object_get(got, name)))
            score->fields_right++;
        else
            captures_say(score, name, value, json_object_get(got, name));
    }
}

void captures_compare_replies(struct score *score, const json_t *wanted, const json_t *got)
{
    score->replies++;
    if (json_equal(wanted, got))
        score->replies_right++;
    else
        captures_say(score, "replies", wanted, got);
}

/* Of {"http_status", "body_hex"} the reply must have the status line and end with the body. */
static bool is_http_reply(const json_t *wanted, const json_t *got)
{
    struct buf reply = buf_make(MEM_GATEWAY, HEX_LIMIT);
    struct buf head = buf_make(MEM_GATEWAY, HEX_LIMIT);
    struct buf body = buf_make(MEM_GATEWAY, HEX_LIMIT);
    const char *hex = json_string_value(json_array_get(got, 0));
    const char *body_hex = json_string_value(json_object_get(wanted, "body_hex"));
    buf_addf(&head, "HTTP/1.1 %d ",
             (int)json_integer_value(json_object_get(wanted, "http_status")));
    bool is_read = hex && replay_unhex(span_str(hex), &reply) &&
                   replay_unhex(span_str(body_hex ? body_hex : ""), &body);
    bool is_right = is_read && span_starts(buf_span(&reply), buf_span(&head)) &&
                    reply.n >= body.n + 4 &&
                    span_equal(span_from(buf_span(&reply), reply.n - body.n), buf_span(&body)) &&
                    memcmp(reply.p + reply.n - body.n - 4, "\r\n\r\n", 4) == 0;
    buf_fini(&reply);
    buf_fini(&head);
    buf_fini(&body);
    return is_right;
}

static void compare_acks(struct score *score, const json_t *golden, const json_t *got)
{
    json_t *acks = json_object_get(golden, "acks");
    if (!acks || json_is_true(json_object_get(golden, "acks_depend_on_time")))
        return;
    json_t *first = json_array_get(acks, 0);
    if (json_object_get(first, "http_status")) {
        score->replies++;
        if (is_http_reply(first, got))
            score->replies_right++;
        else
            captures_say(score, "reply", first, got);
        return;
    }
    json_t *wanted = json_array();
    size_t i;
    json_t *ack;
    json_array_foreach(acks, i, ack) json_array_append(wanted, json_object_get(ack, "hex"));
    captures_compare_replies(score, wanted, got);
    json_decref(wanted);
}

/* The ident of the link, or the one that the first message carries. */
static bool has_ident(const json_t *report, const char *ident)
{
    const json_t *message = json_array_get(json_object_get(report, "messages"), 0);
    const char *of_message = json_string_value(json_object_get(message, "ident"));
    const char *of_link = json_string_value(json_object_get(report, "ident"));
    return strcmp(of_link, ident) == 0 || (of_message && strcmp(of_message, ident) == 0);
}

static void compare_idents(struct score *score, const json_t *golden, const json_t *report)
{
    size_t i, k;
    json_t *group, *ident;
    bool has_any = false;
    bool is_right = false;
    json_array_foreach(json_object_get(golden, "ids"), i, group)
    {
        json_array_foreach(group, k, ident)
        {
            has_any = has_any || json_is_string(ident);
            is_right =
                is_right || (json_is_string(ident) && has_ident(report, json_string_value(ident)));
        }
    }
    if (!has_any)
        return;
    score->idents++;
    if (is_right)
        score->idents_right++;
    else
        captures_say(score, "ident", json_object_get(golden, "ids"), report);
}

bool captures_unhex(const json_t *record, const char *name, struct buf *out)
{
    const char *hex = json_string_value(json_object_get(record, name));
    buf_clear(out);
    return hex && replay_unhex(span_str(hex), out);
}

/* Captured text is the line without its end. */
static void restore_terminator(const json_t *record, struct buf *bytes)
{
    const char *payload = json_string_value(json_object_get(record, "payload"));
    if (payload && strcmp(payload, "text") == 0 &&
        (bytes->n == 0 || bytes->p[bytes->n - 1] != '\n'))
        buf_add_str(bytes, "\r\n");
}

void captures_check_cuts(struct score *score, struct replay_setup setup, struct span stream)
{
    if (setup.transport == PROTOCOL_UDP)
        return;
    score->streams++;
    if (replay_is_cut_proof(setup, stream, CUTS))
        score->streams_right++;
    else
        captures_say(score, "the result depends on how the stream is cut", NULL, NULL);
}

/* A `frame` record: the first frame of the stream must be the one expected, text without its end.
 */
static void score_frame(struct score *score, struct replay_setup setup, const json_t *record,
                        struct span stream)
{
    struct protocol_link link;
    void *state = calloc(1, setup.protocol->state_size + 1);
    struct buf wanted = buf_make(MEM_GATEWAY, HEX_LIMIT);
    (void)captures_unhex(json_object_get(record, "expectation"), "output_hex", &wanted);
    protocol_link_init(&link, setup.protocol, (struct protocol_options){.is_lenient = true},
                       setup.transport, state);
    int n = setup.protocol->frame(&link, stream);
    struct span frame = span_head(stream, n > 0 ? (size_t)n : 0);
    while (frame.n > wanted.n && isspace(frame.p[frame.n - 1]))
        frame.n--;
    score->streams++;
    if (span_equal(frame, buf_span(&wanted)))
        score->streams_right++;
    else
        captures_say(score, "frame", json_object_get(record, "expectation"), NULL);
    captures_check_cuts(score, setup, stream);
    buf_fini(&wanted);
    free(state);
}

/* The connection as it was before the record: the login that came earlier, or just its ident. */
static void start_session(struct replay *replay, const json_t *record, struct buf *bytes)
{
    const json_t *session = json_object_get(record, "session");
    if (captures_unhex(session, "login_hex", bytes) && bytes->n > 0) {
        restore_terminator(record, bytes);
        replay_decode(replay, buf_span(bytes));
    }
    replay_forget(replay);
}

static void score_decode(struct score *score, struct replay_setup setup, const json_t *record,
                         struct span frame)
{
    struct buf login = buf_make(MEM_GATEWAY, HEX_LIMIT);
    struct replay *replay = replay_new(setup);
    start_session(replay, record, &login);
    replay_decode(replay, frame);
    const json_t *report = replay_report(replay);
    const json_t *golden = json_object_get(record, "golden");
    const json_t *messages = json_object_get(report, "messages");
    size_t i;
    json_t *wanted;
    json_array_foreach(json_object_get(record, "flespi_expected"), i, wanted)
        captures_compare_message(score, wanted, json_array_get(messages, i));
    compare_acks(score, golden, json_object_get(report, "replies"));
    compare_idents(score, golden, report);
    buf_add_span(&login, frame);
    captures_check_cuts(score, setup, buf_span(&login));
    buf_fini(&login);
    replay_free(&replay);
}

static void score_record(struct score *score, const struct protocol *protocol, const json_t *record)
{
    static const char *const placeholder = "000000000000000";
    struct buf bytes = buf_make(MEM_GATEWAY, HEX_LIMIT);
    const char *kind = json_string_value(json_object_get(record, "kind"));
    if (!kind || !captures_unhex(record, "input_hex", &bytes)) {
        buf_fini(&bytes); /* commands to devices have no input */
        return;
    }
    struct replay_setup setup = {
        .protocol = protocol,
        .transport = PROTOCOL_TCP,
        .is_lenient = true,
        .ident = placeholder,
    };
    score->records++;
    restore_terminator(record, &bytes);
    if (strcmp(kind, "frame") == 0)
        score_frame(score, setup, record, buf_span(&bytes));
    else
        score_decode(score, setup, record, buf_span(&bytes));
    buf_fini(&bytes);
}

static const char *file_of(const char *protocol)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(files[i].protocol, protocol) == 0)
            return files[i].file;
    }
    return protocol;
}

static bool score_captures(struct score *score, const struct protocol *protocol, const char *shared)
{
    char path[PATH_BYTES];
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    (void)snprintf(path, sizeof(path), "%s/captures/%s.jsonl", shared, file_of(protocol->name));
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    for (unsigned number = 1; (n = getline(&line, &cap, file)) > 0; number++) {
        json_t *record = json_loadb(line, (size_t)n, 0, NULL);
        (void)snprintf(score->where, sizeof(score->where), "line %u %s", number,
                       json_string_value(json_object_get(record, "mtype")));
        score_record(score, protocol, record);
        json_decref(record);
    }
    free(line);
    fclose(file);
    return true;
}

static bool is_passed(const struct score *score)
{
    return score->fields_right >= FIELDS_WANTED * score->fields &&
           score->replies_right == score->replies && score->idents_right == score->idents &&
           score->streams_right == score->streams;
}

static void print_score(const struct score *score, const char *name)
{
    double share = score->fields ? 100.0 * score->fields_right / score->fields : 100;
    printf("%-4s %-18s records %u, fields %u/%u (%.1f%%), replies %u/%u, idents %u/%u, "
           "streams %u/%u\n",
           is_passed(score) ? "ok" : "FAIL", name, score->records, score->fields_right,
           score->fields, share, score->replies_right, score->replies, score->idents_right,
           score->idents, score->streams_right, score->streams);
}

/* Captures and vendor's examples of one protocol; false when a score is too low. */
static bool score_protocol(const struct protocol *protocol, const char *shared, bool is_verbose)
{
    char name[64];
    struct score captured = {.is_verbose = is_verbose};
    struct score vendor = {.is_verbose = is_verbose};
    bool is_good = true;
    if (score_captures(&captured, protocol, shared)) {
        print_score(&captured, protocol->name);
        is_good = is_passed(&captured);
    }
    if (captures_score_vendor(&vendor, protocol, shared)) {
        (void)snprintf(name, sizeof(name), "%s vendor", protocol->name);
        print_score(&vendor, name);
        is_good = is_good && is_passed(&vendor);
    }
    return is_good;
}

static bool is_named(const char *name, char **names)
{
    if (!*names)
        return true;
    for (; *names; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    const char *shared = getenv("TRACKWIRE_SHARED");
    bool is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    char **names = argv + 1 + is_verbose;
    if (!shared)
        shared = DEFAULT_SHARED;
    if (access(shared, R_OK) != 0) {
        printf("skipped: no captures in %s\n", shared);
        return SKIPPED;
    }
    size_t count;
    bool is_good = true;
    const struct protocol *const *protocols = protocol_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (is_named(protocols[i]->name, names))
            is_good = score_protocol(protocols[i], shared, is_verbose) && is_good;
    }
    return is_good ? 0 : 1;
}
