/* Channels and devices: what may be made and changed, what the gateway is told, what a restart
 * keeps. The gateway is a table of functions that records its calls; the protocols are two of this
 * test. */
#include "hub/hub.h"
#include "store/store_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- protocols instead of the registry ---- */

static const struct protocol alpha = {.name = "alpha", .title = "Alpha", .id = 14};
static const struct protocol beta = {.name = "beta", .title = "Beta", .id = 200};

const struct protocol *protocol_by_name(struct span name)
{
    if (span_equal(name, SPAN_LIT("alpha")))
        return &alpha;
    return span_equal(name, SPAN_LIT("beta")) ? &beta : NULL;
}

const struct protocol *protocol_by_id(uint16_t id)
{
    return id == alpha.id ? &alpha : id == beta.id ? &beta : NULL;
}

int protocol_set_ident(struct protocol_link *link, struct span ident)
{
    (void)link;
    if (ident.n == 0)
        return ERR_IDENT_EMPTY;
    if (ident.n > PROTOCOL_IDENT_MAX)
        return ERR_IDENT_TOO_LONG;
    return span_find(ident, '#') < ident.n ? ERR_IDENT_CHARACTER : 0;
}

/* ---- a gateway that records ---- */

struct fake {
    char calls[2048];
    uint16_t next_port;  /* of the range */
    uint16_t taken_port; /* by another program */
    int answer;          /* of the next open or change, when negative */
    struct hub_channel *channel;
    struct hub_device *device;
};

static void note(struct fake *fake, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct fake *fake, const char *format, ...)
{
    va_list arguments;
    size_t n = strlen(fake->calls);
    va_start(arguments, format);
    (void)vsnprintf(fake->calls + n, sizeof(fake->calls) - n, format, arguments);
    va_end(arguments);
}

static void keep_channel(struct fake *fake, struct hub_channel *channel)
{
    struct hub_channel *old = fake->channel;
    fake->channel = channel;
    if (channel)
        ref_take(&channel->ref);
    if (old)
        ref_drop(&old->ref);
}

static int bind_port(struct fake *fake, struct hub_channel *channel, uint16_t *ret_port)
{
    if (fake->answer < 0)
        return fake->answer;
    if (channel->port && channel->port == fake->taken_port)
        return ERR_CHANNEL_PORT_IN_USE;
    *ret_port = channel->port ? channel->port : fake->next_port++;
    keep_channel(fake, channel);
    return 0;
}

static int fake_open(void *gateway, struct hub_channel *channel, uint16_t *ret_port)
{
    note(gateway, "open %d:%u;", (int)channel->id, channel->port);
    return bind_port(gateway, channel, ret_port);
}

static int fake_change(void *gateway, struct hub_channel *channel, uint16_t *ret_port)
{
    note(gateway, "change %d:%u%s;", (int)channel->id, channel->port,
         channel->is_enabled ? "" : " off");
    return channel->is_enabled ? bind_port(gateway, channel, ret_port) : 0;
}

static void fake_close(void *gateway, uint64_t channel_id)
{
    note(gateway, "close %d;", (int)channel_id);
}

static void fake_device_set(void *gateway, struct hub_device *device)
{
    struct fake *fake = gateway;
    note(fake, "set %d=%s;", (int)device->id, device->ident);
    if (fake->device)
        ref_drop(&fake->device->ref);
    fake->device = device;
    ref_take(&device->ref);
}

static void fake_device_unset(void *gateway, uint64_t device_id)
{
    note(gateway, "unset %d;", (int)device_id);
}

static const struct hub_gateway fake_gateway = {fake_open, fake_change, fake_close, fake_device_set,
                                                fake_device_unset};

/* ---- a store that can fail ---- */

static int puts_left; /* negative: any number */

static int failing_put(void *kv, enum store_space space, struct span key, struct span value)
{
    if (puts_left == 0)
        return ERR_STORE_DISK_FULL;
    puts_left -= puts_left > 0;
    return store_engine_memory.put(kv, space, key, value);
}

static int failing_erase(void *kv, enum store_space space, struct span key)
{
    return puts_left == 0 ? ERR_STORE_IO : store_engine_memory.erase(kv, space, key);
}

static struct store_engine failing_engine;

/* ---- the bench ---- */

struct bench {
    struct store *store;
    struct accounts *accounts;
    struct hub *hub;
    struct fake fake;
    struct hub_caller caller;
    struct hub_refusal why;
};

static void open_hub(struct bench *b)
{
    assert_int_equal(hub_new(b->store, b->accounts, &b->hub), 0);
    b->fake.calls[0] = '\0';
    hub_connect_gateway(b->hub, &fake_gateway, &b->fake);
}

static int set_up(void **state)
{
    char key[TOKEN_KEY_LENGTH + 1];
    struct bench *b = test_calloc(1, sizeof(*b));
    *state = b;
    b->fake.next_port = 12000;
    puts_left = -1;
    failing_engine = store_engine_memory;
    failing_engine.put = failing_put;
    failing_engine.erase = failing_erase;
    if (store_open(&failing_engine, NULL, &b->store) < 0 ||
        accounts_open(b->store, NULL, &b->accounts, key) < 0)
        return -1;
    b->caller = (struct hub_caller){accounts_root(b->accounts), "hub.example"};
    open_hub(b);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    keep_channel(&b->fake, NULL);
    if (b->fake.device)
        ref_drop(&b->fake.device->ref);
    hub_free(&b->hub);
    accounts_close(&b->accounts);
    store_close(&b->store);
    test_free(b);
    return 0;
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
    if (!json)
        fail_msg("%s: %s", error.text, text);
    return json;
}

/* A new reference, or NULL when it was refused and b->why tells why. */
static json_t *create(struct bench *b, enum hub_kind kind, const char *text)
{
    json_t *body = parse(text), *object = NULL;
    int err = hub_create(b->hub, kind, &b->caller, body, &object, &b->why);
    assert_int_equal(err < 0 ? b->why.err : 0, err < 0 ? err : 0);
    json_decref(body);
    return object;
}

static json_t *change(struct bench *b, enum hub_kind kind, uint64_t id, enum hub_change how,
                      const char *text)
{
    json_t *body = parse(text), *object = NULL;
    int err = hub_update(b->hub, kind, &b->caller, id, how, body, &object, &b->why);
    assert_int_equal(err < 0 ? b->why.err : 0, err < 0 ? err : 0);
    json_decref(body);
    return object;
}

static void assert_json(json_t *object, const char *expected)
{
    json_t *other = parse(expected);
    if (!json_equal(object, other)) {
        char *text = json_dumps(object, JSON_COMPACT);
        fail_msg("%s instead of %s", text ? text : "nothing", expected);
    }
    json_decref(other);
    json_decref(object);
}

static void assert_calls(struct bench *b, const char *expected)
{
    assert_string_equal(b->fake.calls, expected);
    b->fake.calls[0] = '\0';
}

#define ALPHA "{\"name\":\"a\",\"protocol_name\":\"alpha\"}"
#define DEVICE(ident) "{\"name\":\"d\",\"configuration\":{\"ident\":\"" ident "\"}}"

/* ---- channels ---- */

static void makes_a_channel(void **state)
{
    struct bench *b = *state;
    assert_json(create(b, HUB_CHANNELS, ALPHA),
                "{\"id\":1,\"cid\":1,\"name\":\"a\",\"enabled\":true,\"protocol_id\":14,"
                "\"protocol_name\":\"alpha\",\"configuration\":{},\"messages_ttl\":86400,"
                "\"metadata\":{},\"uri\":\"hub.example:12000\"}");
    assert_calls(b, "open 1:0;");
    assert_int_equal(b->fake.channel->id, 1);
    assert_ptr_equal(b->fake.channel->protocol, &alpha);
    assert_int_equal(b->fake.channel->idle_timeout_s, 600);
    assert_int_equal(b->fake.channel->messages_ttl_s, 86400);
    assert_false(b->fake.channel->options.is_lenient);
    assert_string_equal(b->fake.channel->name, "a");
}

static void reads_the_configuration(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS,
                       "{\"name\":\"b\",\"protocol_id\":200,\"enabled\":true,\"messages_ttl\":0,"
                       "\"metadata\":{\"k\":\"v\"},\"configuration\":{\"port\":15027,"
                       "\"checksum\":\"lenient\",\"timezone\":\"+03:00\",\"idle_timeout\":60}}"));
    assert_calls(b, "open 1:15027;");
    assert_ptr_equal(b->fake.channel->protocol, &beta);
    assert_true(b->fake.channel->options.is_lenient);
    assert_int_equal(b->fake.channel->options.timezone_s, 10800);
    assert_int_equal(b->fake.channel->idle_timeout_s, 60);
    assert_int_equal(b->fake.channel->messages_ttl_s, 0);
}

static void reads_timezones(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *timezone;
        int seconds; /* 1: refused */
    } cases[] = {
        {"\"+03:00\"", 10800},
        {"\"-0330\"", -12600},
        {"\"+05\"", 18000},
        {"\"Z\"", 0},
        {"\"UTC\"", 0},
        {"3600", 3600},
        {"-50400", -50400},
        {"\"+14:00\"", 50400},
        {"\"+14:01\"", 1},
        {"50401", 1},
        {"\"+3\"", 1},
        {"\"03:00\"", 1},
        {"\"+03:60\"", 1},
        {"\"+03.00\"", 1},
        {"\"\"", 1},
        {"\"+0a:00\"", 1},
        {"true", 1},
        {"1.5", 1},
        {"\"Europe/Minsk\"", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[160];
        snprintf(body, sizeof(body),
                 "{\"name\":\"a\",\"protocol_id\":14,\"configuration\":{\"timezone\":%s}}",
                 cases[i].timezone);
        json_t *object = create(b, HUB_CHANNELS, body);
        if (cases[i].seconds == 1) {
            assert_null(object);
            assert_int_equal(b->why.err, ERR_CHANNEL_TIMEZONE);
            assert_string_equal(b->why.field, "configuration.timezone");
        } else {
            assert_non_null(object);
            assert_int_equal(b->fake.channel->options.timezone_s, cases[i].seconds);
        }
        json_decref(object);
    }
}

struct bad_body {
    const char *body;
    int err;
    const char *field;
};

static void refuse_all(struct bench *b, enum hub_kind kind, const struct bad_body *cases,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *object = create(b, kind, cases[i].body);
        if (object || b->why.err != cases[i].err || strcmp(b->why.field, cases[i].field) != 0)
            fail_msg("%s: %s at '%s'", cases[i].body, object ? "taken" : err_name(b->why.err),
                     b->why.field);
        assert_true(b->why.reason[0] != '\0');
    }
    assert_calls(b, "");
}

static void refuses_bad_channels(void **state)
{
    static const struct bad_body cases[] = {
        {"[]", ERR_HUB_ITEM, ""},
        {"7", ERR_HUB_ITEM, ""},
        {"{}", ERR_HUB_FIELD_MISSING, "name"},
        {"{\"name\":\"a\"}", ERR_CHANNEL_PROTOCOL_MISSING, "protocol_name"},
        {"{\"name\":7,\"protocol_id\":14}", ERR_HUB_FIELD_TEXT, "name"},
        {"{\"name\":null,\"protocol_id\":14}", ERR_HUB_FIELD_TEXT, "name"},
        {"{\"name\":\"\",\"protocol_id\":14}", ERR_HUB_FIELD_LENGTH, "name"},
        {"{\"name\":\"a\",\"protocol_name\":\"gamma\"}", ERR_CHANNEL_PROTOCOL_NAME,
         "protocol_name"},
        {"{\"name\":\"a\",\"protocol_id\":15}", ERR_CHANNEL_PROTOCOL_ID, "protocol_id"},
        {"{\"name\":\"a\",\"protocol_id\":65536}", ERR_HUB_FIELD_RANGE, "protocol_id"},
        {"{\"name\":\"a\",\"protocol_id\":\"14\"}", ERR_HUB_FIELD_INTEGER, "protocol_id"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"protocol_name\":\"beta\"}", ERR_CHANNEL_PROTOCOL_TWO,
         "protocol_id"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"id\":5}", ERR_HUB_FIELD_UNKNOWN, "id"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"uri\":\"x\"}", ERR_HUB_FIELD_UNKNOWN, "uri"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"enabled\":1}", ERR_HUB_FIELD_BOOLEAN, "enabled"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"messages_ttl\":-1}", ERR_HUB_FIELD_RANGE,
         "messages_ttl"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"messages_ttl\":1.5}", ERR_HUB_FIELD_INTEGER,
         "messages_ttl"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"metadata\":[]}", ERR_HUB_FIELD_OBJECT, "metadata"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"configuration\":[]}", ERR_HUB_FIELD_OBJECT,
         "configuration"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"configuration\":{\"port\":0}}", ERR_HUB_FIELD_RANGE,
         "configuration.port"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"configuration\":{\"port\":65536}}",
         ERR_HUB_FIELD_RANGE, "configuration.port"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"configuration\":{\"checksum\":\"lax\"}}",
         ERR_HUB_FIELD_CHOICE, "configuration.checksum"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"configuration\":{\"idle_timeout\":9}}",
         ERR_HUB_FIELD_RANGE, "configuration.idle_timeout"},
        {"{\"name\":\"a\",\"protocol_id\":14,\"configuration\":{\"prot\":1}}",
         ERR_HUB_FIELD_UNKNOWN, "configuration.prot"},
    };
    refuse_all(*state, HUB_CHANNELS, cases, sizeof(cases) / sizeof(cases[0]));
}

static void limits_names_and_metadata(void **state)
{
    struct bench *b = *state;
    static char body[70000], filler[66000];
    memset(filler, 'x', sizeof(filler) - 1);
    snprintf(body, sizeof(body), "{\"name\":\"%.*s\",\"protocol_id\":14}", HUB_NAME_MAX, filler);
    json_decref(create(b, HUB_CHANNELS, body));
    assert_int_equal(strlen(b->fake.channel->name), HUB_NAME_MAX);
    snprintf(body, sizeof(body), "{\"name\":\"%.*s\",\"protocol_id\":14}", HUB_NAME_MAX + 1,
             filler);
    assert_null(create(b, HUB_CHANNELS, body));
    assert_int_equal(b->why.err, ERR_HUB_FIELD_LENGTH);
    snprintf(body, sizeof(body), "{\"name\":\"a\",\"protocol_id\":14,\"metadata\":{\"k\":\"%s\"}}",
             filler);
    assert_null(create(b, HUB_CHANNELS, body));
    assert_int_equal(b->why.err, ERR_HUB_METADATA_SIZE);
    assert_string_equal(b->why.field, "metadata");
}

static void a_refused_port_makes_no_channel(void **state)
{
    struct bench *b = *state;
    b->fake.taken_port = 15027;
    assert_null(create(b, HUB_CHANNELS,
                       "{\"name\":\"a\",\"protocol_id\":14,\"configuration\":{\"port\":15027}}"));
    assert_int_equal(b->why.err, ERR_CHANNEL_PORT_IN_USE);
    assert_string_equal(b->why.field, "configuration.port");
    b->fake.answer = ERR_CHANNEL_PORTS_EXHAUSTED;
    assert_null(create(b, HUB_CHANNELS, ALPHA));
    assert_int_equal(b->why.err, ERR_CHANNEL_PORTS_EXHAUSTED);
    assert_string_equal(b->why.field, "");
    b->fake.answer = 0;
    json_t *object = create(b, HUB_CHANNELS, ALPHA);
    assert_int_equal(json_integer_value(json_object_get(object, "id")), 1);
    json_decref(object);
}

static void changes_what_is_given(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    assert_calls(b, "open 1:0;");
    json_decref(change(b, HUB_CHANNELS, 1, HUB_REPLACE,
                       "{\"name\":\"c\",\"configuration\":{\"timezone\":60,\"idle_timeout\":99}}"));
    assert_calls(b, "change 1:12000;");
    assert_int_equal(b->fake.channel->options.timezone_s, 60);
    assert_json(change(b, HUB_CHANNELS, 1, HUB_REPLACE,
                       "{\"configuration\":{\"port\":15000},\"messages_ttl\":null,"
                       "\"protocol_id\":14,\"protocol_name\":\"alpha\"}"),
                "{\"id\":1,\"cid\":1,\"name\":\"c\",\"enabled\":true,\"protocol_id\":14,"
                "\"protocol_name\":\"alpha\",\"configuration\":{\"port\":15000},"
                "\"messages_ttl\":86400,\"metadata\":{},\"uri\":\"hub.example:15000\"}");
    assert_calls(b, "change 1:15000;");
    assert_int_equal(b->fake.channel->options.timezone_s, 0);
}

static void merges_objects(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS,
                       "{\"name\":\"a\",\"protocol_id\":14,\"metadata\":{\"a\":1,\"b\":2},"
                       "\"configuration\":{\"timezone\":60,\"idle_timeout\":99}}"));
    json_t *object = change(b, HUB_CHANNELS, 1, HUB_MERGE,
                            "{\"metadata\":{\"b\":3,\"c\":4,\"a\":null},"
                            "\"configuration\":{\"timezone\":null,\"checksum\":\"strict\"}}");
    assert_json(json_incref(json_object_get(object, "metadata")), "{\"b\":3,\"c\":4}");
    assert_json(json_incref(json_object_get(object, "configuration")),
                "{\"idle_timeout\":99,\"checksum\":\"strict\"}");
    json_decref(object);
    assert_null(change(b, HUB_CHANNELS, 1, HUB_MERGE, "{\"configuration\":{\"x\":1}}"));
    assert_int_equal(b->why.err, ERR_HUB_FIELD_UNKNOWN);
    assert_null(change(b, HUB_CHANNELS, 1, HUB_MERGE, "[]"));
    assert_int_equal(b->why.err, ERR_HUB_ITEM);
}

static void keeps_the_protocol(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    assert_null(change(b, HUB_CHANNELS, 1, HUB_REPLACE, "{\"protocol_name\":\"beta\"}"));
    assert_int_equal(b->why.err, ERR_HUB_FIELD_FIXED);
    assert_string_equal(b->why.field, "protocol_name");
}

static void opens_and_closes_with_enabled(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS, "{\"name\":\"a\",\"protocol_id\":14,\"enabled\":false}"));
    assert_calls(b, "");
    json_decref(change(b, HUB_CHANNELS, 1, HUB_REPLACE, "{\"name\":\"b\"}"));
    assert_calls(b, "");
    json_decref(change(b, HUB_CHANNELS, 1, HUB_REPLACE, "{\"enabled\":true}"));
    assert_calls(b, "open 1:0;");
    json_decref(change(b, HUB_CHANNELS, 1, HUB_REPLACE, "{\"enabled\":false}"));
    assert_calls(b, "change 1:12000 off;");
    json_t *object = hub_object(b->hub, HUB_CHANNELS, &b->caller, 1);
    assert_string_equal(json_string_value(json_object_get(object, "uri")), "hub.example:12000");
    json_decref(object);
    json_decref(change(b, HUB_CHANNELS, 1, HUB_REPLACE, "{\"enabled\":true}"));
    assert_calls(b, "open 1:12000;");
    assert_int_equal(hub_delete(b->hub, HUB_CHANNELS, &b->caller, 1, &b->why), 0);
    assert_calls(b, "close 1;");
}

static void a_refused_change_changes_nothing(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    json_t *before = hub_object(b->hub, HUB_CHANNELS, &b->caller, 1);
    b->fake.taken_port = 15027;
    assert_null(change(b, HUB_CHANNELS, 1, HUB_REPLACE,
                       "{\"name\":\"z\",\"configuration\":{\"port\":15027}}"));
    json_t *after = hub_object(b->hub, HUB_CHANNELS, &b->caller, 1);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

static void unknown_ids_are_refused(void **state)
{
    struct bench *b = *state;
    assert_null(hub_object(b->hub, HUB_CHANNELS, &b->caller, 98765));
    assert_null(change(b, HUB_CHANNELS, 98765, HUB_REPLACE, "{}"));
    assert_int_equal(b->why.err, ERR_HUB_ID);
    assert_int_equal(hub_delete(b->hub, HUB_DEVICES, &b->caller, 98765, &b->why), ERR_HUB_ID);
    assert_string_equal(b->why.reason, "access denied or unable to process the item");
    assert_int_equal(err_http_status(b->why.err), 403);
}

static void other_accounts_see_nothing(void **state)
{
    struct bench *b = *state;
    struct account other = {.id = 2};
    struct hub_caller stranger = {&other, "hub.example"};
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    assert_null(hub_object(b->hub, HUB_CHANNELS, &stranger, 1));
    assert_int_equal(hub_delete(b->hub, HUB_CHANNELS, &stranger, 1, &b->why), ERR_HUB_ID);
}

/* ---- devices ---- */

static void makes_a_device(void **state)
{
    struct bench *b = *state;
    assert_json(create(b, HUB_DEVICES,
                       "{\"name\":\"x\",\"device_type_id\":0,"
                       "\"configuration\":{\"ident\":\"352093081452251\"}}"),
                "{\"id\":1,\"cid\":1,\"name\":\"x\",\"enabled\":true,\"device_type_id\":0,"
                "\"protocol_id\":0,\"configuration\":{\"ident\":\"352093081452251\"},"
                "\"messages_ttl\":31536000,\"messages_rotate\":0,\"media_ttl\":31536000,"
                "\"media_rotate\":0,\"metadata\":{}}");
    assert_calls(b, "set 1=352093081452251;");
    assert_string_equal(b->fake.device->name, "x");
    assert_int_equal(b->fake.device->protocol_id, 0);
    assert_true(b->fake.device->is_enabled);
}

static void refuses_bad_devices(void **state)
{
    static const struct bad_body cases[] = {
        {"{\"name\":\"x\"}", ERR_HUB_FIELD_MISSING, "configuration"},
        {"{\"name\":\"x\",\"configuration\":null}", ERR_HUB_FIELD_OBJECT, "configuration"},
        {"{\"name\":\"x\",\"configuration\":{}}", ERR_HUB_FIELD_MISSING, "configuration.ident"},
        {"{\"name\":\"x\",\"configuration\":{\"ident\":123}}", ERR_HUB_FIELD_TEXT,
         "configuration.ident"},
        {"{\"name\":\"x\",\"configuration\":{\"ident\":\"\"}}", ERR_IDENT_EMPTY,
         "configuration.ident"},
        {"{\"name\":\"x\",\"configuration\":{\"ident\":\"a#b\"}}", ERR_IDENT_CHARACTER,
         "configuration.ident"},
        {"{\"name\":\"x\",\"configuration\":{\"ident\":"
         "\"0123456789012345678901234567890123456789012345678901234567890123456789\"}}",
         ERR_IDENT_TOO_LONG, "configuration.ident"},
        {"{\"name\":\"x\",\"configuration\":{\"ident\":\"a\",\"settings_polling\":\"hourly\"}}",
         ERR_HUB_FIELD_CHOICE, "configuration.settings_polling"},
        {"{\"name\":\"x\",\"device_type_id\":325,\"configuration\":{\"ident\":\"a\"}}",
         ERR_DEVICE_TYPE, "device_type_id"},
        {"{\"name\":\"x\",\"protocol_id\":14,\"configuration\":{\"ident\":\"a\"}}",
         ERR_HUB_FIELD_UNKNOWN, "protocol_id"},
        {"{\"configuration\":{\"ident\":\"a\"}}", ERR_HUB_FIELD_MISSING, "name"},
    };
    refuse_all(*state, HUB_DEVICES, cases, sizeof(cases) / sizeof(cases[0]));
}

static void names_the_missing_device_type(void **state)
{
    struct bench *b = *state;
    assert_null(create(b, HUB_DEVICES,
                       "{\"name\":\"x\",\"device_type_id\":325,"
                       "\"configuration\":{\"ident\":\"a\"}}"));
    assert_non_null(strstr(b->why.reason, "device type 325 not found"));
}

static void an_ident_has_one_device(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_DEVICES, DEVICE("one")));
    json_decref(create(b, HUB_DEVICES, DEVICE("two")));
    assert_null(create(b, HUB_DEVICES, DEVICE("one")));
    assert_int_equal(b->why.err, ERR_DEVICE_IDENT_TAKEN);
    assert_string_equal(b->why.field, "configuration.ident");
    assert_non_null(strstr(b->why.reason, "device 1"));
    assert_null(change(b, HUB_DEVICES, 2, HUB_MERGE, "{\"configuration\":{\"ident\":\"one\"}}"));
    json_decref(change(b, HUB_DEVICES, 2, HUB_MERGE, "{\"configuration\":{\"ident\":\"two\"}}"));
    json_decref(change(b, HUB_DEVICES, 1, HUB_MERGE, "{\"configuration\":{\"ident\":\"three\"}}"));
    json_decref(change(b, HUB_DEVICES, 2, HUB_MERGE, "{\"configuration\":{\"ident\":\"one\"}}"));
    assert_calls(b, "set 1=one;set 2=two;set 2=two;set 1=three;set 2=one;");
    assert_int_equal(hub_delete(b->hub, HUB_DEVICES, &b->caller, 2, &b->why), 0);
    assert_calls(b, "unset 2;");
    json_decref(create(b, HUB_DEVICES, DEVICE("one")));
    assert_calls(b, "set 3=one;");
}

/* ---- restarts ---- */

static void restart(struct bench *b)
{
    hub_free(&b->hub);
    open_hub(b);
}

static void a_restart_keeps_objects(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    json_decref(
        create(b, HUB_CHANNELS, "{\"name\":\"off\",\"protocol_id\":200,\"enabled\":false}"));
    json_decref(create(b, HUB_DEVICES, DEVICE("one")));
    json_t *channel = hub_object(b->hub, HUB_CHANNELS, &b->caller, 1);
    json_t *device = hub_object(b->hub, HUB_DEVICES, &b->caller, 1);
    b->fake.next_port = 12500;
    restart(b);
    assert_calls(b, "open 1:12000;set 1=one;");
    json_t *again = hub_object(b->hub, HUB_CHANNELS, &b->caller, 1);
    assert_true(json_equal(channel, again));
    json_decref(again);
    again = hub_object(b->hub, HUB_DEVICES, &b->caller, 1);
    assert_true(json_equal(device, again));
    json_decref(again);
    json_decref(channel);
    json_decref(device);
    assert_null(create(b, HUB_DEVICES, DEVICE("one")));
    assert_int_equal(b->why.err, ERR_DEVICE_IDENT_TAKEN);
}

static void ids_are_never_given_twice(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    assert_int_equal(hub_delete(b->hub, HUB_CHANNELS, &b->caller, 2, &b->why), 0);
    restart(b);
    assert_null(hub_object(b->hub, HUB_CHANNELS, &b->caller, 2));
    json_t *object = create(b, HUB_CHANNELS, ALPHA);
    assert_int_equal(json_integer_value(json_object_get(object, "id")), 3);
    json_decref(object);
}

static void moves_only_when_its_port_was_taken(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    b->fake.taken_port = 12000;
    restart(b);
    assert_calls(b, "open 1:12000;open 1:0;");
    b->fake.taken_port = 0;
    restart(b);
    assert_calls(b, "open 1:12001;");
}

static void starts_without_a_channel_that_cannot_open(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS,
                       "{\"name\":\"a\",\"protocol_id\":14,\"configuration\":{\"port\":15027}}"));
    b->fake.taken_port = 15027;
    restart(b);
    assert_calls(b, "open 1:15027;");
    b->fake.taken_port = 0;
    json_decref(change(b, HUB_CHANNELS, 1, HUB_REPLACE, "{\"name\":\"b\"}"));
    assert_calls(b, "open 1:15027;");
}

static void refuses_damaged_records(void **state)
{
    struct bench *b = *state;
    static const char *const records[] = {
        "",
        "{",
        "{}",
        "{\"item\":7}",
        "{\"item\":{\"id\":1,\"cid\":1,\"name\":\"a\"}}",
        "{\"item\":{\"id\":2,\"cid\":1,\"name\":\"a\",\"protocol_id\":14}}",
        "{\"item\":{\"id\":1,\"cid\":1,\"name\":5,\"protocol_id\":14}}"};
    struct hub *hub = NULL;
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        assert_int_equal(
            store_put(b->store, STORE_CHANNELS, SPAN_LIT("\0\0\0\0\0\0\0\1"), span_str(records[i])),
            0);
        assert_true(hub_new(b->store, b->accounts, &hub) < 0);
        assert_null(hub);
    }
    assert_int_equal(store_put(b->store, STORE_META, SPAN_LIT("channels.next"), SPAN_LIT("x")), 0);
    assert_int_equal(hub_new(b->store, b->accounts, &hub), ERR_HUB_COUNTER);
}

/* ---- a disk that fails ---- */

static void what_is_not_stored_is_undone(void **state)
{
    struct bench *b = *state;
    json_decref(create(b, HUB_CHANNELS, ALPHA));
    json_decref(create(b, HUB_DEVICES, DEVICE("one")));
    assert_calls(b, "open 1:0;set 1=one;");
    for (puts_left = 0; puts_left < 2; puts_left++) {
        int left = puts_left;
        assert_null(create(b, HUB_CHANNELS, ALPHA));
        assert_int_equal(b->why.err, ERR_STORE_DISK_FULL);
        puts_left = left;
        assert_null(create(b, HUB_DEVICES, DEVICE("two")));
        puts_left = left;
    }
    assert_calls(b, "open 2:0;close 2;set 2=two;unset 2;open 3:0;close 3;set 3=two;unset 3;");
    puts_left = 0;
    assert_null(change(b, HUB_CHANNELS, 1, HUB_REPLACE, "{\"configuration\":{\"port\":15000}}"));
    assert_calls(b, "change 1:15000;change 1:12000;");
    assert_null(change(b, HUB_DEVICES, 1, HUB_MERGE, "{\"configuration\":{\"ident\":\"two\"}}"));
    assert_calls(b, "set 1=two;set 1=one;");
    assert_int_equal(hub_delete(b->hub, HUB_DEVICES, &b->caller, 1, &b->why), ERR_STORE_IO);
    assert_calls(b, "");
    puts_left = -1;
    restart(b);
    assert_calls(b, "open 1:12000;set 1=one;");
    json_decref(create(b, HUB_DEVICES, DEVICE("two")));
}

/* ---- lists and schemas ---- */

static int note_id(void *context, uint64_t id, json_t *object)
{
    struct fake *fake = context;
    assert_int_equal(json_integer_value(json_object_get(object, "id")), id);
    note(fake, "%d;", (int)id);
    return id == (uint64_t)fake->answer ? ERR_BUF_LIMIT : 0;
}

static void lists_in_order_of_id(void **state)
{
    struct bench *b = *state;
    struct fake notes = {0};
    for (int i = 0; i < 40; i++)
        json_decref(create(b, HUB_CHANNELS, ALPHA));
    for (uint64_t id = 2; id <= 38; id++)
        assert_int_equal(hub_delete(b->hub, HUB_CHANNELS, &b->caller, id, &b->why), 0);
    assert_int_equal(hub_each(b->hub, HUB_CHANNELS, &b->caller, note_id, &notes), 0);
    assert_string_equal(notes.calls, "1;39;40;");
    notes = (struct fake){.answer = 39};
    assert_int_equal(hub_each(b->hub, HUB_CHANNELS, &b->caller, note_id, &notes), ERR_BUF_LIMIT);
    assert_string_equal(notes.calls, "1;39;");
}

static void tells_its_schema(void **state)
{
    (void)state;
    json_t *schema = hub_configuration_schema(HUB_DEVICES);
    assert_json(json_incref(json_object_get(schema, "required")), "[\"ident\"]");
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    json_decref(schema);
    schema = hub_configuration_schema(HUB_CHANNELS);
    json_t *port = json_object_get(json_object_get(schema, "properties"), "port");
    assert_string_equal(json_string_value(json_object_get(port, "type")), "integer");
    assert_int_equal(json_integer_value(json_object_get(port, "maximum")), 65535);
    json_decref(schema);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(makes_a_channel),
        CASE(reads_the_configuration),
        CASE(reads_timezones),
        CASE(refuses_bad_channels),
        CASE(limits_names_and_metadata),
        CASE(a_refused_port_makes_no_channel),
        CASE(changes_what_is_given),
        CASE(merges_objects),
        CASE(keeps_the_protocol),
        CASE(opens_and_closes_with_enabled),
        CASE(a_refused_change_changes_nothing),
        CASE(unknown_ids_are_refused),
        CASE(other_accounts_see_nothing),
        CASE(makes_a_device),
        CASE(refuses_bad_devices),
        CASE(names_the_missing_device_type),
        CASE(an_ident_has_one_device),
        CASE(a_restart_keeps_objects),
        CASE(ids_are_never_given_twice),
        CASE(moves_only_when_its_port_was_taken),
        CASE(starts_without_a_channel_that_cannot_open),
        CASE(refuses_damaged_records),
        CASE(what_is_not_stored_is_undone),
        CASE(lists_in_order_of_id),
        cmocka_unit_test(tells_its_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
