/* OsmAnd's live tracking and the Traccar client: phones that report over HTTP, in three forms:
 *
 *   GET /?id=1&lat=60.0&lon=30.0&timestamp=1377177267&speed=5.4        names in the query
 *   POST / with the same names in a form body
 *   POST / with {"device_id": "1", "location": {"timestamp": "...", "coords": {...}, ...}}
 *
 * Query and form give speed in knots, the JSON of the newer client in m/s; both become km/h. A
 * request without `id` is refused with 400, a good one gets 200, both without a body. */
#include "gateway/protocols/protocol.h"

#include <inttypes.h>
#include <stdio.h>

#include "gateway/protocols/json_value.h"
#include "gateway/protocols/over_http.h"
#include "gateway/protocols/text.h"
#include "http/query.h"

#define FRAME_MAX (128 * 1024)
#define JSON_DEPTH_MAX 4               /* deeper objects pass through as they are */
#define MILLISECONDS_FROM 100000000000 /* as seconds, that is the year 5138 */

static const struct over_http_style style = {.allow = "GET, POST", .tells_why = false};

/* One report while it is read. */
struct report {
    struct message *m;
    struct text_decimal latitude, longitude;
    bool has_latitude, has_longitude;
    bool is_invalid; /* the phone says so */
    unsigned cells, networks;
};

/* What a name means. `read` returns 0, DOES_NOT_FIT when the value is not of that kind (it then
 * passes through as custom.<name>), or a refusal. */
struct meaning {
    const char *name;
    int (*read)(struct report *r, const struct meaning *row, struct span text);
    const char *parameter;
    int64_t factor; /* value * factor / 10^shift is the parameter's unit; 0: as it is */
    int shift;
};

enum {
    DOES_NOT_FIT = 1
};

/* ---- kinds of values ---- */

static int read_number(struct report *r, const struct meaning *row, struct span text)
{
    struct text_decimal value;
    if (!text_decimal(text, &value))
        return DOES_NOT_FIT;
    if (row->factor && !text_decimal_scale(&value, row->factor, row->shift))
        return DOES_NOT_FIT;
    message_add_decimal(r->m, row->parameter, value.mantissa, value.scale);
    return 0;
}

/* The newer client says -1 for what it does not know. */
static int read_known_number(struct report *r, const struct meaning *row, struct span text)
{
    return text.n && text.p[0] == '-' ? 0 : read_number(r, row, text);
}

static int read_bool(struct report *r, const struct meaning *row, struct span text)
{
    bool is_true;
    if (!text_bool(text, &is_true))
        return DOES_NOT_FIT;
    message_add_bool(r->m, row->parameter, is_true);
    return 0;
}

static int read_text(struct report *r, const struct meaning *row, struct span text)
{
    message_add_text(r->m, row->parameter, text);
    return 0;
}

static int read_nothing(struct report *r, const struct meaning *row, struct span text)
{
    (void)r;
    (void)row;
    (void)text;
    return 0;
}

static int read_valid(struct report *r, const struct meaning *row, struct span text)
{
    (void)row;
    bool is_valid;
    if (!text_bool(text, &is_valid))
        return DOES_NOT_FIT;
    r->is_invalid = !is_valid;
    return 0;
}

static bool time_of(struct span text, int64_t *ret_us)
{
    struct text_decimal value;
    if (!text_decimal(text, &value))
        return text_iso8601(text, ret_us);
    bool is_ms = text_decimal_real(value) >= (double)MILLISECONDS_FROM;
    if (!text_decimal_scale(&value, is_ms ? 1000 : 1000000, 0))
        return false;
    for (; value.scale > 0; value.scale--)
        value.mantissa /= 10;
    *ret_us = value.mantissa;
    return value.mantissa >= 0;
}

static int read_time(struct report *r, const struct meaning *row, struct span text)
{
    (void)row;
    int64_t us;
    if (!time_of(text, &us))
        return err_raise(ERR_OSMAND_TIME);
    message_set_time(r->m, us);
    return 0;
}

static int read_coordinate(struct report *r, const struct meaning *row, struct span text)
{
    bool is_latitude = strcmp(row->parameter, "position.latitude") == 0;
    if (!text_decimal(text, is_latitude ? &r->latitude : &r->longitude))
        return err_raise(ERR_OSMAND_COORDINATE);
    *(is_latitude ? &r->has_latitude : &r->has_longitude) = true;
    return 0;
}

static int read_location(struct report *r, const struct meaning *row, struct span text)
{
    (void)row;
    struct span longitude = text;
    struct span latitude = text_cut(&longitude, ',');
    if (!text_decimal(text_trim(latitude), &r->latitude) ||
        !text_decimal(text_trim(longitude), &r->longitude))
        return err_raise(ERR_OSMAND_LOCATION);
    r->has_latitude = r->has_longitude = true;
    return 0;
}

static void add_numbered(struct report *r, const char *name, unsigned number, struct span text)
{
    char full[48];
    (void)snprintf(full, sizeof(full), "%s.%u", name, number);
    message_add_named(r->m, span_str(full),
                      (struct message_value){.type = MESSAGE_TEXT, .text = text});
}

/* "mcc,mnc,lac,cell[,signal]": the first is the serving cell, neighbours follow. */
static int read_cell(struct report *r, const struct meaning *row, struct span text)
{
    static const char *const names[] = {"gsm.mcc", "gsm.mnc", "gsm.lac", "gsm.cellid"};
    uint64_t values[4];
    struct span rest = text;
    (void)row;
    for (size_t i = 0; i < 4; i++)
        if (!text_uint(text_trim(text_cut(&rest, ',')), &values[i]))
            return DOES_NOT_FIT;
    if (++r->cells > 1) {
        add_numbered(r, "custom.cell", r->cells, text);
        return 0;
    }
    for (size_t i = 0; i < 4; i++)
        message_add_uint(r->m, names[i], values[i]);
    return 0;
}

/* "mac,signal" of a wireless network in sight. */
static int read_network(struct report *r, const struct meaning *row, struct span text)
{
    (void)row;
    add_numbered(r, "custom.wifi", ++r->networks, text);
    return 0;
}

static const struct {
    const char *alarm, *parameter;
} alarms[] = {
    {"accident", "crash.event"},
    {"fallDown", "fall.alarm"},
    {"geofenceEnter", "geofence.in.alarm"},
    {"geofenceExit", "geofence.out.alarm"},
    {"hardAcceleration", "harsh.acceleration.event"},
    {"hardBraking", "harsh.braking.event"},
    {"hardCornering", "harsh.cornering.event"},
    {"lowBattery", "battery.low.alarm"},
    {"overspeed", "overspeeding.event"},
    {"sos", "alarm.event"},
    {"tow", "towing.alarm.status"},
};

static int read_alarm(struct report *r, const struct meaning *row, struct span text)
{
    (void)row;
    for (size_t i = 0; i < sizeof(alarms) / sizeof(alarms[0]); i++) {
        if (span_equal(text, span_str(alarms[i].alarm))) {
            message_add_bool(r->m, alarms[i].parameter, true);
            return 0;
        }
    }
    return DOES_NOT_FIT;
}

/* ---- names ---- */

static const struct meaning query_names[] = {
    {"alarm", read_alarm, NULL, 0, 0},
    {"altitude", read_number, "position.altitude", 0, 0},
    {"batt", read_number, "battery.level", 0, 0},
    {"battery", read_number, "battery.voltage", 0, 0},
    {"batteryLevel", read_number, "battery.level", 0, 0},
    {"bearing", read_number, "position.direction", 0, 0},
    {"cell", read_cell, NULL, 0, 0},
    {"charge", read_bool, "battery.charging.status", 0, 0},
    {"deviceid", read_nothing, NULL, 0, 0}, /* the ident is read before */
    {"driverUniqueId", read_text, "driver.id", 0, 0},
    {"hdop", read_number, "position.hdop", 0, 0},
    {"heading", read_number, "position.direction", 0, 0},
    {"id", read_nothing, NULL, 0, 0},
    {"ignition", read_bool, "engine.ignition.status", 0, 0},
    {"lat", read_coordinate, "position.latitude", 0, 0},
    {"location", read_location, NULL, 0, 0},
    {"lon", read_coordinate, "position.longitude", 0, 0},
    {"motion", read_bool, "movement.status", 0, 0},
    {"odometer", read_number, "vehicle.mileage", 1, 3},
    {"power", read_number, "external.powersource.voltage", 0, 0},
    {"sat", read_number, "position.satellites", 0, 0},
    {"speed", read_number, "position.speed", 1852, 3},
    {"timestamp", read_time, NULL, 0, 0},
    {"valid", read_valid, NULL, 0, 0},
    {"wifi", read_network, NULL, 0, 0},
};

static const struct meaning json_names[] = {
    {"_", read_nothing, NULL, 0, 0}, /* the query form of the same report */
    {"alarm", read_alarm, NULL, 0, 0},
    {"battery.is_charging", read_bool, "battery.charging.status", 0, 0},
    {"battery.level", read_known_number, "battery.level", 100, 0},
    {"coords.altitude", read_number, "position.altitude", 0, 0},
    {"coords.altitude_accuracy", read_known_number, "custom.coords.altitude_accuracy", 0, 0},
    {"coords.heading", read_known_number, "position.direction", 0, 0},
    {"coords.heading_accuracy", read_known_number, "custom.coords.heading_accuracy", 0, 0},
    {"coords.latitude", read_coordinate, "position.latitude", 0, 0},
    {"coords.longitude", read_coordinate, "position.longitude", 0, 0},
    {"coords.speed", read_known_number, "position.speed", 36, 1},
    {"coords.speed_accuracy", read_known_number, "custom.coords.speed_accuracy", 0, 0},
    {"is_moving", read_bool, "movement.status", 0, 0},
    {"odometer", read_number, "vehicle.mileage", 1, 3},
    {"timestamp", read_time, NULL, 0, 0},
};

static const struct meaning *find_meaning(const struct meaning *rows, size_t count,
                                          struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(name, span_str(rows[i].name)))
            return &rows[i];
    return NULL;
}

/* Reads a value by its meaning; DOES_NOT_FIT when the name has none. */
static int read_by_name(struct report *r, const struct meaning *rows, size_t count,
                        struct span name, struct span text)
{
    const struct meaning *row = find_meaning(rows, count, name);
    return row ? row->read(r, row, text) : DOES_NOT_FIT;
}

/* ---- a report as a whole ---- */

static int begin(struct report *r, struct protocol_result *result)
{
    *r = (struct report){.m = protocol_add_message(result)};
    return r->m ? 0 : protocol_add_error(result);
}

static int finish(struct report *r)
{
    double latitude = text_decimal_real(r->latitude);
    double longitude = text_decimal_real(r->longitude);
    if (r->has_latitude != r->has_longitude)
        return err_raise(ERR_OSMAND_COORDINATES_HALF);
    if (latitude < -90 || latitude > 90 || longitude < -180 || longitude > 180)
        return err_raise(ERR_OSMAND_COORDINATES_RANGE);
    if (!r->has_latitude)
        return 0;
    message_add_decimal(r->m, "position.latitude", r->latitude.mantissa, r->latitude.scale);
    message_add_decimal(r->m, "position.longitude", r->longitude.mantissa, r->longitude.scale);
    message_add_bool(r->m, "position.valid", !r->is_invalid);
    return 0;
}

/* ---- query and form ---- */

/* A value whose name says nothing to us: a number, a truth or a text, as it looks. */
static int add_custom(struct report *r, struct span name, struct span text)
{
    struct text_name custom;
    struct text_decimal number;
    struct message_value value = {.type = MESSAGE_TEXT, .text = text};
    bool is_true;
    if (!text_custom_name(name, &custom))
        return err_raise(ERR_OSMAND_NAME);
    if (text_decimal(text, &number))
        value = text_decimal_value(number);
    else if (text_bool(text, &is_true))
        value = (struct message_value){.type = MESSAGE_BOOL, .is_true = is_true};
    message_add_named(r->m, text_name_span(&custom), value);
    return 0;
}

static int read_pairs(struct report *r, struct span pairs, struct arena *arena)
{
    struct http_query q = http_query_of(pairs);
    struct span name, text;
    int rc;
    while ((rc = http_query_next(&q, arena, &name, &text)) > 0) {
        if (name.n == 0 || text.n == 0)
            continue;
        rc = read_by_name(r, query_names, sizeof(query_names) / sizeof(query_names[0]), name, text);
        if (rc == DOES_NOT_FIT)
            rc = add_custom(r, name, text);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* `id`, or `deviceid`, in the query or in the form. */
static int read_ident(struct protocol_link *link, struct span query, struct span form,
                      struct arena *arena)
{
    static const char *const names[] = {"id", "deviceid"};
    struct span ident;
    for (size_t i = 0; i < 4; i++) {
        int rc = http_query_find(i < 2 ? query : form, names[i % 2], arena, &ident);
        if (rc != 0)
            return rc < 0 ? rc : protocol_set_ident(link, ident);
    }
    return err_raise(ERR_OSMAND_IDENT_ABSENT);
}

static int decode_pairs(struct protocol_link *link, const struct http_request *request,
                        struct protocol_result *result)
{
    struct report r;
    int rc = read_ident(link, request->query, request->body, result->arena);
    if (rc == 0)
        rc = begin(&r, result);
    if (rc == 0)
        rc = read_pairs(&r, request->query, result->arena);
    if (rc == 0)
        rc = read_pairs(&r, request->body, result->arena);
    return rc == 0 ? finish(&r) : rc;
}

/* ---- JSON ---- */

static int read_member(struct report *r, struct span name, json_t *value);

/* Members of members are named with dots: {"coords": {"speed": 1}} is coords.speed. */
static int read_members(struct report *r, struct span prefix, json_t *object, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char full[TEXT_NAME_MAX + 1];
        int n = prefix.n ? snprintf(full, sizeof(full), "%.*s.%s", SPAN_FMT(prefix), key)
                         : snprintf(full, sizeof(full), "%s", key);
        if (n >= (int)sizeof(full))
            return err_raise(ERR_OSMAND_MEMBER_NAME);
        struct span name = span_of(full, (size_t)n);
        int rc = json_is_object(value) && depth < JSON_DEPTH_MAX
                     ? read_members(r, name, value, depth + 1)
                     : read_member(r, name, value);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_member(struct report *r, struct span name, json_t *value)
{
    char scalar[32];
    struct text_name custom;
    struct span text = json_value_text(value, scalar);
    if (json_is_null(value) || (text.p && text.n == 0))
        return 0;
    int rc =
        text.p ? read_by_name(r, json_names, sizeof(json_names) / sizeof(json_names[0]), name, text)
               : DOES_NOT_FIT;
    if (rc == DOES_NOT_FIT && text_custom_name(name, &custom)) {
        json_value_add(r->m, text_name_span(&custom), value);
        rc = 0;
    }
    return rc;
}

static int read_json_location(json_t *location, struct protocol_result *result)
{
    struct report r;
    if (!json_is_object(location))
        return err_raise(ERR_OSMAND_JSON_LOCATION);
    int rc = begin(&r, result);
    if (rc == 0)
        rc = read_members(&r, (struct span){0}, location, 0);
    return rc == 0 ? finish(&r) : rc;
}

static int read_json(struct protocol_link *link, json_t *body, struct protocol_result *result)
{
    char scalar[32];
    size_t i;
    json_t *location = json_object_get(body, "location"), *element;
    json_t *ident = json_object_get(body, "device_id");
    struct span text = ident ? json_value_text(ident, scalar) : (struct span){0};
    if (text.n == 0)
        return err_raise(ERR_OSMAND_DEVICE_ID_ABSENT);
    int rc = protocol_set_ident(link, text);
    if (rc == 0 && !json_is_array(location))
        rc = read_json_location(location, result);
    json_array_foreach(location, i, element)
    {
        if (rc == 0)
            rc = read_json_location(element, result);
    }
    return rc;
}

static int decode_json(struct protocol_link *link, const struct http_request *request,
                       struct protocol_result *result)
{
    json_t *body = json_value_parse(request->body);
    int rc = json_is_object(body) ? read_json(link, body, result) : err_raise(ERR_OSMAND_JSON);
    json_decref(body);
    return rc;
}

/* ---- contract ---- */

static bool is_json(const struct http_request *request)
{
    return span_starts(text_trim(request->body), SPAN_LIT("{")) ||
           http_media_type_is(http_request_header(request, "Content-Type"), "application/json");
}

static int osmand_decode(struct protocol_link *link, struct span frame,
                         struct protocol_result *result)
{
    struct http_request request;
    int rc = over_http_open(&style, frame, result, &request);
    if (rc < 0)
        return rc;
    if (request.method != HTTP_METHOD_GET && request.method != HTTP_METHOD_POST)
        rc = err_raise(ERR_OSMAND_METHOD);
    else
        rc = is_json(&request) ? decode_json(link, &request, result)
                               : decode_pairs(link, &request, result);
    if (rc < 0)
        return over_http_refuse(&style, &request, result, rc);
    over_http_accept(&request, result);
    return 0;
}

/* An ident may hold what means something in a query. */
static void add_escaped(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (strchr(" \"%&+#?=", text.p[i]))
            buf_addf(out, "%%%02X", text.p[i]);
        else
            buf_add_u8(out, text.p[i]);
    }
}

static void osmand_encode_report(const struct protocol_sample *sample,
                                 enum protocol_transport transport, struct buf *out)
{
    (void)transport;
    buf_add_str(out, "GET /?id=");
    add_escaped(out, sample->ident);
    buf_addf(out,
             "&timestamp=%" PRId64 "&lat=%.6f&lon=%.6f&speed=%.4f&bearing=%.0f&altitude=%.1f"
             "&sat=%d&ignition=%s&battery=%.2f&power=%.2f&odometer=%" PRIu64
             " HTTP/1.1\r\nHost: trackwire\r\n\r\n",
             sample->time_us / 1000, sample->latitude, sample->longitude, sample->speed_kmh / 1.852,
             sample->direction_deg, sample->altitude_m, sample->satellites,
             sample->is_ignition_on ? "true" : "false", sample->battery_v, sample->external_v,
             sample->mileage_m);
}

static const struct protocol_parameter parameters[] = {
    {"alarm.event", "boolean", "", "alarm=sos"},
    {"battery.charging.status", "boolean", "", "charge"},
    {"battery.level", "number", "percentage", "batt, batteryLevel"},
    {"battery.low.alarm", "boolean", "", "alarm=lowBattery"},
    {"battery.voltage", "number", "volts", "battery"},
    {"crash.event", "boolean", "", "alarm=accident"},
    {"driver.id", "string", "", "driverUniqueId"},
    {"engine.ignition.status", "boolean", "", "ignition"},
    {"external.powersource.voltage", "number", "volts", "power"},
    {"fall.alarm", "boolean", "", "alarm=fallDown"},
    {"geofence.in.alarm", "boolean", "", "alarm=geofenceEnter"},
    {"geofence.out.alarm", "boolean", "", "alarm=geofenceExit"},
    {"gsm.cellid", "number", "", "serving cell"},
    {"gsm.lac", "number", "", "location area of the serving cell"},
    {"gsm.mcc", "number", "", "country of the serving cell"},
    {"gsm.mnc", "number", "", "network of the serving cell"},
    {"harsh.acceleration.event", "boolean", "", "alarm=hardAcceleration"},
    {"harsh.braking.event", "boolean", "", "alarm=hardBraking"},
    {"harsh.cornering.event", "boolean", "", "alarm=hardCornering"},
    {"movement.status", "boolean", "", "motion, is_moving"},
    {"overspeeding.event", "boolean", "", "alarm=overspeed"},
    {"position.altitude", "number", "meters", "altitude"},
    {"position.direction", "number", "degrees", "bearing, heading"},
    {"position.hdop", "number", "", "hdop"},
    {"position.latitude", "number", "degrees", "latitude, WGS 84"},
    {"position.longitude", "number", "degrees", "longitude, WGS 84"},
    {"position.satellites", "number", "", "sat"},
    {"position.speed", "number", "km/h", "speed"},
    {"position.valid", "boolean", "", "false only when the phone says so"},
    {"towing.alarm.status", "boolean", "", "alarm=tow"},
    {"vehicle.mileage", "number", "km", "odometer"},
};

/* flespi's number is not known to us: numbers from 10001 on are our own. */
const struct protocol protocol_osmand = {
    .name = "osmand",
    .title = "OsmAnd, Traccar client",
    .id = 10002,
    .transports = PROTOCOL_TCP,
    .default_port = 5055,
    .frame_max = FRAME_MAX,
    .frame = over_http_frame,
    .decode = osmand_decode,
    .encode_report = osmand_encode_report,
    .parameters = parameters,
    .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
};
