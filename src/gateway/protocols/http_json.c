/* flespi's generic http protocol: whoever can POST JSON is a device. The body is one message or an
 * array of them:
 *
 *   POST / HTTP/1.1
 *   [{"ident": "my-device", "timestamp": 1702366832.965264, "battery.level": 87, "tags": ["a"]}]
 *
 * `ident` is required, `timestamp` (seconds since 1970, or ISO 8601) is the server's time when
 * absent, everything else passes through under its name and with its type. A request is taken as a
 * whole or not at all; a refusal says why in the body. */
#include "gateway/protocols/protocol.h"

#include <math.h>

#include "gateway/protocols/json_value.h"
#include "gateway/protocols/over_http.h"
#include "gateway/protocols/text.h"
#include "message/json.h"

#define BODY_MAX (1024 * 1024)
#define TIME_END_S 253402300800.0 /* the year 10000 */

static const struct over_http_style style = {.allow = "POST", .tells_why = true};

/* What the server says about a message; a device that sends them does not get to. */
static const char *const reserved[] = {
    "channel.id", "device.id",   "device.name",      "device.type.id",
    "peer",       "protocol.id", "server.timestamp",
};

static bool is_reserved(struct span name)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (span_equal(name, span_str(reserved[i])))
            return true;
    return false;
}

/* Names become levels of topics: what has a meaning there cannot be in them. */
static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < 0x20 || name.p[i] == 0x7f || strchr("#+/", name.p[i]))
            return false;
    return name.n > 0 && name.n <= TEXT_NAME_MAX;
}

static bool time_of(json_t *value, int64_t *ret_us)
{
    double seconds = json_number_value(value);
    if (json_is_string(value))
        return text_iso8601(json_value_string(value), ret_us);
    if (!json_is_number(value) || seconds < 0 || seconds >= TIME_END_S)
        return false;
    *ret_us = llround(seconds * 1e6);
    return true;
}

static int read_time(struct message *m, json_t *value)
{
    int64_t us;
    if (json_is_null(value))
        return 0;
    if (!time_of(value, &us))
        return err_raise(ERR_HTTP_JSON_TIME);
    message_set_time(m, us);
    return 0;
}

/* The rules of idents are protocol_set_ident's: this link only lends itself to the check, because
 * one request may carry messages of several devices. */
static int read_ident(struct message *m, json_t *value, struct protocol_link *check)
{
    char text[32];
    if (!json_is_string(value) && !json_is_integer(value))
        return err_raise(ERR_HTTP_JSON_IDENT_ABSENT);
    int rc = protocol_set_ident(check, json_value_text(value, text));
    if (rc == 0)
        message_add_text(m, "ident", protocol_ident(check));
    return rc;
}

static int read_message(json_t *object, struct protocol_link *check, struct protocol_result *result)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return err_raise(ERR_HTTP_JSON_ELEMENT);
    struct message *m = protocol_add_message(result);
    if (!m)
        return protocol_add_error(result);
    int rc = read_ident(m, json_object_get(object, "ident"), check);
    if (rc < 0)
        return rc;
    json_object_foreach(object, key, value)
    {
        struct span name = span_str(key);
        if (span_equal(name, SPAN_LIT("timestamp")))
            rc = read_time(m, value);
        else if (!is_name(name))
            rc = err_raise(ERR_HTTP_JSON_NAME);
        else if (!span_equal(name, SPAN_LIT("ident")) && !is_reserved(name))
            json_value_add(m, name, value);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Every element of the body, checked with one scratch link: it ends with the last one's ident. */
static int read_body(json_t *body, struct protocol_link *check, struct protocol_result *result)
{
    size_t i;
    json_t *element;
    int rc = 0;
    if (json_is_object(body))
        return read_message(body, check, result);
    if (!json_is_array(body))
        return err_raise(ERR_HTTP_JSON_SHAPE);
    json_array_foreach(body, i, element)
    {
        rc = read_message(element, check, result);
        if (rc < 0)
            break;
    }
    return rc;
}

/* Binds the connection when the whole request is of one device, so that it is seen as its
 * connection; a gateway that sends for many stays without. */
static int bind_link(struct protocol_link *link, const struct protocol_result *result)
{
    const struct message_value *first = NULL;
    for (size_t i = 0; i < result->message_count; i++) {
        const struct message_value *ident = message_find(result->messages[i], SPAN_LIT("ident"));
        if (!ident || (first && !span_equal(ident->text, first->text)))
            return 0;
        first = ident;
    }
    return first ? protocol_set_ident(link, first->text) : 0;
}

static int http_json_decode(struct protocol_link *link, struct span frame,
                            struct protocol_result *result)
{
    struct http_request request;
    int rc = over_http_open(&style, frame, result, &request);
    if (rc < 0)
        return rc;
    if (request.method != HTTP_METHOD_POST)
        return over_http_refuse(&style, &request, result, err_raise(ERR_HTTP_JSON_METHOD));
    json_t *body = json_value_parse(request.body);
    if (!body)
        return over_http_refuse(&style, &request, result, err_raise(ERR_HTTP_JSON_SYNTAX));
    struct protocol_link check;
    protocol_link_init(&check, link->protocol, link->options, link->transport, NULL);
    rc = read_body(body, &check, result);
    json_decref(body);
    if (rc == 0)
        rc = bind_link(link, result);
    if (rc < 0)
        return over_http_refuse(&style, &request, result, rc);
    over_http_accept(&request, result);
    return 0;
}

/* A report as a gadget would POST it. */
static void http_json_encode_report(const struct protocol_sample *sample,
                                    enum protocol_transport transport, struct buf *out)
{
    (void)transport;
    struct buf body = buf_make(MEM_GATEWAY, 4096);
    buf_add_str(&body, "[{\"ident\":");
    json_add_text(&body, sample->ident);
    buf_add_str(&body, ",\"timestamp\":");
    json_add_decimal(&body, sample->time_us, 6);
    buf_addf(&body,
             ",\"position.latitude\":%.6f,\"position.longitude\":%.6f,"
             "\"position.altitude\":%.1f,\"position.speed\":%.1f,\"position.direction\":%.0f,"
             "\"position.satellites\":%d,\"position.valid\":true,"
             "\"engine.ignition.status\":%s,\"battery.voltage\":%.2f,"
             "\"external.powersource.voltage\":%.2f,\"vehicle.mileage\":%.3f}]",
             sample->latitude, sample->longitude, sample->altitude_m, sample->speed_kmh,
             sample->direction_deg, sample->satellites, sample->is_ignition_on ? "true" : "false",
             sample->battery_v, sample->external_v, (double)sample->mileage_m / 1000);
    buf_addf(out,
             "POST / HTTP/1.1\r\nHost: trackwire\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             body.n);
    buf_add_span(out, buf_span(&body));
    buf_fini(&body);
}

static const struct protocol_parameter parameters[] = {
    {"ident", "string", "", "whose message it is"},
    {"timestamp", "number", "seconds", "time of the measurement, UTC"},
};

/* flespi's number is not known to us: numbers from 10001 on are our own. */
const struct protocol protocol_http_json = {
    .name = "http",
    .title = "HTTP, JSON of any kind",
    .id = 10001,
    .transports = PROTOCOL_TCP,
    .default_port = 8088,
    .frame_max = OVER_HTTP_HEAD_MAX + BODY_MAX,
    .frame = over_http_frame,
    .decode = http_json_decode,
    .encode_report = http_json_encode_report,
    .parameters = parameters,
    .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
};
