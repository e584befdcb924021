/* Vendors' worked examples, each file in a form of its own, turned into the messages that they must
 * become: flespi's names, compared by captures.c. */
#include <stdio.h>
#include <stdlib.h>

#include "captures.h"

#define HEX_LIMIT (64 * 1024)
#define PATH_BYTES 1024

static void move(json_t *to, const char *to_name, const json_t *from, const char *from_name)
{
    json_t *value = json_object_get(from, from_name);
    if (value && !json_is_null(value))
        json_object_set(to, to_name, value);
}

/* {"hex", "expected": {...}} played on a connection of its own. */
static json_t *play(struct replay_setup setup, const json_t *example, struct score *score)
{
    struct buf bytes = buf_make(MEM_GATEWAY, HEX_LIMIT);
    struct replay *replay = replay_new(setup);
    const char *name = json_string_value(json_object_get(example, "name"));
    (void)snprintf(score->where, sizeof(score->where), "%s", name ? name : "login");
    if (!captures_unhex(example, "hex", &bytes))
        captures_say(score, "no hex", NULL, NULL);
    score->records++;
    replay_decode(replay, buf_span(&bytes));
    captures_check_cuts(score, setup, buf_span(&bytes));
    json_t *report = json_incref(replay_report(replay));
    replay_free(&replay);
    buf_fini(&bytes);
    return report;
}

static void compare_reply(struct score *score, json_t *reply, const json_t *report)
{
    json_t *wanted = reply ? json_pack("[O]", reply) : json_array();
    captures_compare_replies(score, wanted, json_object_get(report, "replies"));
    json_decref(wanted);
}

static void compare_ident(struct score *score, const json_t *wanted, const json_t *report)
{
    if (!wanted)
        return;
    score->idents++;
    if (json_equal(wanted, json_object_get(report, "ident")))
        score->idents_right++;
    else
        captures_say(score, "ident", wanted, json_object_get(report, "ident"));
}

/* The device's elements, which must be in the message under a name or as custom.param.N: some of
 * their values are known here. */
static void want_elements(json_t *wanted, const json_t *io)
{
    static const struct {
        const char *id, *name;
        double unit;
    } known[] = {
        {"21", "gsm.signal.level", 20},
        {"66", "external.powersource.voltage", 0.001},
        {"16", "vehicle.mileage", 0.001},
        {"17", "x.acceleration", 0.001},
        {"180", "dout", 2},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const json_t *value = json_object_get(io, known[i].id);
        if (value)
            json_object_set_new(wanted, known[i].name,
                                json_real((double)json_integer_value(value) * known[i].unit));
    }
    if (json_object_get(io, "1"))
        json_object_set_new(wanted, "din.1",
                            json_boolean(json_integer_value(json_object_get(io, "1"))));
    if (json_object_get(io, "239"))
        json_object_set_new(wanted, "engine.ignition.status",
                            json_boolean(json_integer_value(json_object_get(io, "239"))));
    move(wanted, "custom.param.256", io, "256");
}

static json_t *want_record(const json_t *record)
{
    json_t *wanted = json_object();
    double time_ms = json_number_value(json_object_get(record, "timestamp_ms"));
    json_int_t satellites = json_integer_value(json_object_get(record, "satellites"));
    json_object_set_new(wanted, "timestamp", json_real(time_ms / 1000));
    json_object_set_new(wanted, "position.valid", json_boolean(satellites > 0));
    move(wanted, "position.latitude", record, "lat");
    move(wanted, "position.longitude", record, "lon");
    move(wanted, "position.altitude", record, "altitude");
    move(wanted, "position.direction", record, "angle");
    move(wanted, "position.speed", record, "speed");
    move(wanted, "position.satellites", record, "satellites");
    move(wanted, "event.enum", record, "event_io");
    move(wanted, "event.priority.enum", record, "priority");
    move(wanted, "custom.generation.type.enum", record, "generation_type");
    want_elements(wanted, json_object_get(record, "io"));
    return wanted;
}

static json_t *want_text(const json_t *expected)
{
    json_t *wanted = json_object();
    move(wanted, "codec.id", expected, "codec");
    move(wanted, "message.type.enum", expected, "type");
    move(wanted, "device.imei", expected, "imei");
    move(wanted, "timestamp", expected, "timestamp");
    const char *text = json_string_value(json_object_get(expected, "text"));
    size_t n = text ? strcspn(text, "\r\n") : 0; /* the line's end is not published */
    json_object_set_new(wanted, "message.content", json_stringn(text ? text : "", n));
    return wanted;
}

static void score_teltonika_example(struct score *score, struct replay_setup setup,
                                    const json_t *example)
{
    json_t *report = play(setup, example, score);
    const json_t *expected = json_object_get(example, "expected");
    json_t *records = json_object_get(expected, "records");
    const json_t *messages = json_object_get(report, "messages");
    size_t i;
    json_t *record;
    json_array_foreach(records, i, record)
    {
        json_t *wanted = want_record(record);
        captures_compare_message(score, wanted, json_array_get(messages, i));
        json_decref(wanted);
    }
    if (json_object_get(expected, "text")) {
        json_t *wanted = want_text(expected);
        captures_compare_message(score, wanted, json_array_get(messages, 0));
        json_decref(wanted);
    }
    json_t *reply = json_object_get(expected, "ack_hex");
    compare_reply(score, reply ? reply : json_object_get(expected, "reply_accept"), report);
    if (setup.transport == PROTOCOL_UDP || !setup.ident)
        compare_ident(score, json_object_get(expected, "imei"), report);
    json_decref(report);
}

static void score_teltonika(struct score *score, struct replay_setup setup, const json_t *vendor)
{
    size_t i;
    json_t *example;
    json_array_foreach(json_object_get(vendor, "login"), i, example)
        score_teltonika_example(score, setup, example);
    setup.ident = "356307042441013";
    json_array_foreach(json_object_get(vendor, "tcp"), i, example)
        score_teltonika_example(score, setup, example);
    setup.transport = PROTOCOL_UDP;
    json_array_foreach(json_object_get(vendor, "udp"), i, example)
        score_teltonika_example(score, setup, example);
}

static json_t *want_wialon(const json_t *expected)
{
    json_t *wanted = json_object();
    move(wanted, "position.latitude", expected, "lat");
    move(wanted, "position.longitude", expected, "lon");
    move(wanted, "position.speed", expected, "speed");
    move(wanted, "position.direction", expected, "course");
    move(wanted, "position.altitude", expected, "altitude");
    move(wanted, "position.satellites", expected, "sats");
    move(wanted, "position.hdop", expected, "hdop");
    return wanted;
}

static void score_wialon(struct score *score, struct replay_setup setup, const json_t *vendor)
{
    size_t i;
    json_t *example;
    json_array_foreach(json_object_get(vendor, "examples"), i, example)
    {
        const json_t *expected = json_object_get(example, "expected");
        json_t *ident = json_object_get(expected, "ident");
        const char *reply = json_string_value(json_object_get(expected, "reply"));
        setup.ident = ident ? NULL : "12345";
        json_t *report = play(setup, example, score);
        json_t *wanted = want_wialon(expected);
        captures_compare_message(score, wanted,
                                 json_array_get(json_object_get(report, "messages"), 0));
        compare_ident(score, ident, report);
        struct buf text = buf_make(MEM_GATEWAY, HEX_LIMIT);
        for (const char *c = reply ? reply : "#AL#1\r\n"; *c; c++)
            buf_addf(&text, "%02x", (unsigned char)*c);
        json_t *hex = json_stringn((const char *)text.p, text.n);
        compare_reply(score, hex, report);
        json_decref(hex);
        json_decref(wanted);
        json_decref(report);
        buf_fini(&text);
    }
}

static const struct {
    const char *protocol;
    void (*score)(struct score *score, struct replay_setup setup, const json_t *vendor);
} vendors[] = {{"teltonika", score_teltonika}, {"wialon-ips", score_wialon}};

bool captures_score_vendor(struct score *score, const struct protocol *protocol, const char *shared)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/protocols/vendor/%s.json", shared, protocol->name);
    json_t *vendor = json_load_file(path, 0, NULL);
    bool is_scored = false;
    for (size_t i = 0; vendor && i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        if (strcmp(vendors[i].protocol, protocol->name) != 0)
            continue;
        struct replay_setup setup = {.protocol = protocol, .transport = PROTOCOL_TCP};
        vendors[i].score(score, setup, vendor);
        is_scored = true;
    }
    json_decref(vendor);
    return is_scored;
}
