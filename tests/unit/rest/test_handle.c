/* The control plane of REST, without sockets: requests as text, answers as status and JSON. The hub
 * and its store are the real ones; its gateway takes any port and counts devices. */
#include "account/token.h"
#include "rest/rest_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW INT64_C(1764016000)
#define KEY "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab"
#define TOKEN "Authorization: FlespiToken " KEY "\r\n"

/* ---- protocols instead of the registry ---- */

static const struct protocol_parameter parameters[] = {
    {"position.speed", "number", "km/h", "speed over ground"},
};
static const struct protocol alpha = {.name = "alpha",
                                      .title = "Alpha",
                                      .id = 14,
                                      .transports = PROTOCOL_TCP | PROTOCOL_UDP,
                                      .default_port = 5027,
                                      .parameters = parameters,
                                      .parameter_count = 1};
static const struct protocol beta = {
    .name = "beta", .title = "Beta", .id = 200, .transports = PROTOCOL_TCP};
static const struct protocol *const registry[] = {&alpha, &beta};

const struct protocol *const *protocol_list(size_t *ret_count)
{
    *ret_count = 2;
    return registry;
}

const struct protocol *protocol_by_name(struct span name)
{
    return span_equal(name, SPAN_LIT("alpha"))  ? &alpha
           : span_equal(name, SPAN_LIT("beta")) ? &beta
                                                : NULL;
}

const struct protocol *protocol_by_id(uint16_t id)
{
    return id == 14 ? &alpha : id == 200 ? &beta : NULL;
}

int protocol_set_ident(struct protocol_link *link, struct span ident)
{
    (void)link;
    return ident.n ? 0 : ERR_IDENT_EMPTY;
}

/* ---- the bench ---- */

struct bench {
    struct store *store;
    struct rest_plane plane;
    struct rest_asker asker;
    struct rest_answer answer;
    json_t *json; /* the last answer */
};

static int take_channel(void *gateway, struct hub_channel *channel, uint16_t *ret_port)
{
    (void)gateway;
    *ret_port = channel->port ? channel->port : (uint16_t)(12000 + channel->id);
    return 0;
}

static void close_channel(void *gateway, uint64_t id)
{
    (void)gateway;
    (void)id;
}

static void set_device(void *gateway, struct hub_device *device)
{
    (void)gateway;
    (void)device;
}

static const struct hub_gateway gateway = {take_channel, take_channel, close_channel, set_device,
                                           close_channel};

static int set_up(void **state)
{
    char key[TOKEN_KEY_LENGTH + 1];
    struct bench *b = test_calloc(1, sizeof(*b));
    *state = b;
    if (store_open(&store_engine_memory, NULL, &b->store) < 0 ||
        accounts_open(b->store, KEY, &b->plane.accounts, key) < 0 ||
        hub_new(b->store, b->plane.accounts, &b->plane.hub) < 0)
        return -1;
    hub_connect_gateway(b->plane.hub, &gateway, NULL);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    json_decref(b->json);
    buf_fini(&b->answer.body);
    hub_free(&b->plane.hub);
    accounts_close(&b->plane.accounts);
    store_close(&b->store);
    test_free(b);
    return 0;
}

/* Runs one request; its status. The answer is in b->answer, and in b->json where it is JSON. */
static int ask(struct bench *b, const char *line, const char *headers, const char *body)
{
    char text[8192];
    struct arena arena = arena_make(MEM_REST, 1 << 20);
    struct http_request request;
    int n = snprintf(text, sizeof(text),
                     "%s HTTP/1.1\r\nHost: hub.example:8080\r\n%sContent-Length: %zu\r\n\r\n%s",
                     line, headers, strlen(body), body);
    assert_in_range(n, 1, sizeof(text) - 1);
    assert_int_equal(http_request_parse(span_of(text, (size_t)n), &arena, &request), 0);
    json_decref(b->json);
    buf_fini(&b->answer.body);
    rest_handle_for(&b->plane, &request, &b->asker, &arena, NOW, &b->answer);
    arena_fini(&arena);
    b->json = json_loadb((const char *)b->answer.body.p, b->answer.body.n, 0, NULL);
    return b->answer.status;
}

static int get(struct bench *b, const char *path)
{
    char line[512];
    snprintf(line, sizeof(line), "GET %s", path);
    return ask(b, line, TOKEN, "");
}

static void assert_answer(struct bench *b, const char *expected)
{
    json_t *other = json_loads(expected, 0, NULL);
    assert_non_null(other);
    if (!json_equal(b->json, other))
        fail_msg("%.*s instead of %s", SPAN_FMT(buf_span(&b->answer.body)), expected);
    json_decref(other);
}

static json_t *first(struct bench *b, const char *array, const char *member)
{
    return json_object_get(json_array_get(json_object_get(b->json, array), 0), member);
}

static void assert_error(struct bench *b, int code, const char *reason_part)
{
    const char *reason = json_string_value(first(b, "errors", "reason"));
    assert_non_null(reason);
    if (json_integer_value(first(b, "errors", "code")) != code || !strstr(reason, reason_part))
        fail_msg("%.*s instead of %d, %s", SPAN_FMT(buf_span(&b->answer.body)), code, reason_part);
    assert_int_equal(json_array_size(json_object_get(b->json, "result")), 0);
}

/* Three channels, two devices. */
static void furnish(struct bench *b)
{
    assert_int_equal(
        ask(b, "POST /gw/channels", TOKEN,
            "[{\"name\":\"a\",\"protocol_name\":\"alpha\"},"
            "{\"name\":\"b\",\"protocol_id\":200},"
            "{\"name\":\"ab\",\"protocol_id\":14,\"configuration\":{\"port\":15027}}]"),
        200);
    assert_int_equal(ask(b, "POST /gw/devices", TOKEN,
                         "[{\"name\":\"x\",\"configuration\":{\"ident\":\"352\"}},"
                         "{\"name\":\"y\",\"configuration\":{\"ident\":\"353\"}}]"),
                     200);
}

/* ---- routes ---- */

static void routes_by_table(void **state)
{
    static const struct {
        const char *line;
        int status;
        unsigned allow; /* methods told when the status is 405 */
    } cases[] = {
        {"GET /", 200, 0},
        {"GET /health", 200, 0},
        {"GET /health/", 200, 0},
        {"HEAD /health", 200, 0},
        {"GET /ready", 200, 0},
        {"GET /nothing", 404, 0},
        {"GET //health", 404, 0},
        {"GET /gw", 404, 0},
        {"GET /gw/channels/all/all", 404, 0},
        {"GET /gw/channels", 200, 0},
        {"PUT /gw/channels", 405, 1u << HTTP_METHOD_GET | 1u << HTTP_METHOD_POST},
        {"POST /health", 405, 1u << HTTP_METHOD_GET},
        {"POST /gw/channels/1", 405,
         1u << HTTP_METHOD_GET | 1u << HTTP_METHOD_PUT | 1u << HTTP_METHOD_PATCH |
             1u << HTTP_METHOD_DELETE},
        {"GET /gw/channels/all", 200, 0},
        {"GET /gw/channels/all/", 200, 0},
        {"GET /gw/channels/%61ll", 200, 0},
        {"GET /gw/channels/%zz", 400, 0},
        {"GET /gw/devices/all", 200, 0},
        {"GET /gw/channel-protocols/all", 200, 0},
        {"GET /auth/info", 200, 0},
        {"OPTIONS /gw/channels", 204, 0},
        {"OPTIONS /whatever", 204, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench *b = *state;
        int status = ask(b, cases[i].line, TOKEN, "");
        if (status != cases[i].status || b->answer.allow != cases[i].allow)
            fail_msg("%s: %d, allow %x", cases[i].line, status, b->answer.allow);
    }
}

static void every_route_is_documented(void **state)
{
    struct bench *b = *state;
    size_t count;
    const struct rest_routes *const *tables = rest_all_routes(&count);
    assert_int_equal(get(b, "/"), 200);
    buf_add_u8(&b->answer.body, '\0');
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            assert_non_null(tables[t]->routes[i].info);
            assert_non_null(strstr((char *)b->answer.body.p, tables[t]->routes[i].pattern));
        }
}

/* ---- tokens ---- */

/* Status of /metrics: to someone else, locally, locally through a proxy, and with a token. */
static void expect_figures(struct bench *b, int other, int local, int forwarded)
{
    b->asker.is_local = false;
    assert_int_equal(ask(b, "GET /metrics", "", ""), other);
    assert_int_equal(ask(b, "GET /metrics", TOKEN, ""), 200);
    b->asker.is_local = true;
    assert_int_equal(ask(b, "GET /metrics", "", ""), local);
    assert_int_equal(ask(b, "GET /metrics", "X-Forwarded-For: 10.0.0.1\r\n", ""), forwarded);
    assert_int_equal(ask(b, "GET /metrics", "Via: 1.1 proxy\r\n", ""), forwarded);
    /* Being near opens nothing else. */
    assert_int_equal(ask(b, "GET /gw/channels/all", "", ""), 401);
}

static void shows_figures_to_whom_the_settings_say(void **state)
{
    struct bench *b = *state;
    b->plane.figures = REST_FIGURES_LOCAL;
    expect_figures(b, 401, 200, 401);
    b->plane.figures = REST_FIGURES_OPEN;
    expect_figures(b, 200, 200, 200);
    b->plane.figures = REST_FIGURES_TOKEN;
    expect_figures(b, 401, 401, 401);
}

/* Without a broker there is nothing to survey, and what is known is told at once. */
static void waits_for_a_survey_once(void **state)
{
    struct bench *b = *state;
    b->asker.may_wait = true;
    assert_int_equal(ask(b, "GET /metrics", TOKEN, ""), 200);
    assert_false(b->answer.wants_survey);
    b->plane.broker = (struct broker *)b; /* which is not looked at yet */
    assert_int_equal(ask(b, "GET /metrics", TOKEN, ""), 0);
    assert_true(b->answer.wants_survey);
    assert_int_equal(ask(b, "GET /metrics", "", ""), 401);
    assert_false(b->answer.wants_survey);
}

static void wants_a_token(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *headers;
        int status;
    } cases[] = {
        {"", 401},
        {"Authorization:\r\n", 401},
        {"Authorization: FlespiToken nonsense\r\n", 401},
        {"Authorization: Basic " KEY "\r\n", 401},
        {TOKEN, 200},
        {"authorization: " KEY "\r\n", 200},
        {TOKEN "x-flespi-cid: 1\r\nx-flespi-app: t\r\nx-flespi-trace: u\r\n", 200},
        {TOKEN "x-flespi-cid: 2\r\n", 403},
        {TOKEN "x-flespi-cid: x\r\n", 403},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = ask(b, "GET /gw/channels/all", cases[i].headers, "");
        if (status != cases[i].status)
            fail_msg("%s: %d", cases[i].headers, status);
        if (status != 200)
            assert_error(b, 3, "");
    }
}

static void tells_about_the_token(void **state)
{
    struct bench *b = *state;
    assert_int_equal(get(b, "/auth/info"), 200);
    assert_answer(b,
                  "{\"result\":[{\"id\":1,\"cid\":1,\"enabled\":true,\"access\":{\"type\":1}}]}");
}

static void acl_tokens_get_no_items_yet(void **state)
{
    struct bench *b = *state;
    struct buf record = buf_make(MEM_BASE, 4096);
    struct token token = {.id = 2, .cid = 1, .access = TOKEN_ACL, .is_enabled = true};
    char key[TOKEN_KEY_LENGTH + 1];
    assert_int_equal(token_hash(SPAN_LIT("acl-key"), token.hash), 0);
    assert_int_equal(token_write(&token, "test", &record), 0);
    assert_int_equal(
        store_put(b->store, STORE_TOKENS, SPAN_LIT("\0\0\0\0\0\0\0\2"), buf_span(&record)), 0);
    buf_fini(&record);
    accounts_close(&b->plane.accounts);
    assert_int_equal(accounts_open(b->store, NULL, &b->plane.accounts, key), 0);
    assert_int_equal(ask(b, "GET /gw/channels/all", "Authorization: acl-key\r\n", ""), 403);
    assert_answer(b, "{\"result\":[],\"errors\":[{\"code\":3,"
                     "\"reason\":\"action is not permitted by ACL\"}]}");
    assert_int_equal(ask(b, "GET /auth/info", "Authorization: acl-key\r\n", ""), 200);
}

static void says_when_it_stops(void **state)
{
    struct bench *b = *state;
    assert_int_equal(ask(b, "GET /ready", "", ""), 200);
    b->plane.is_stopping = true;
    assert_int_equal(ask(b, "GET /ready", "", ""), 503);
    assert_int_equal(ask(b, "GET /health", "", ""), 200);
}

/* ---- collections ---- */

static void makes_and_shows_channels(void **state)
{
    struct bench *b = *state;
    furnish(b);
    assert_int_equal(get(b, "/gw/channels/3"), 200);
    assert_answer(b, "{\"result\":[{\"id\":3,\"cid\":1,\"name\":\"ab\",\"enabled\":true,"
                     "\"protocol_id\":14,\"protocol_name\":\"alpha\","
                     "\"configuration\":{\"port\":15027},\"messages_ttl\":86400,\"metadata\":{},"
                     "\"uri\":\"hub.example:15027\"}]}");
    b->plane.public_host = "trackers.example";
    assert_int_equal(get(b, "/gw/channels/1?fields=uri"), 200);
    assert_answer(b, "{\"result\":[{\"uri\":\"trackers.example:12001\"}]}");
}

static void takes_one_object_too(void **state)
{
    struct bench *b = *state;
    assert_int_equal(
        ask(b, "POST /gw/channels?fields=id", TOKEN, "{\"name\":\"a\",\"protocol_id\":14}"), 200);
    assert_answer(b, "{\"result\":[{\"id\":1}]}");
    assert_int_equal(ask(b, "POST /gw/channels", TOKEN, "[]"), 400);
    assert_int_equal(ask(b, "POST /gw/channels", TOKEN, "\"text\""), 400);
}

static void selects(void **state)
{
    static const struct {
        const char *query, *expected;
    } cases[] = {
        {"all?fields=id", "{\"result\":[{\"id\":1},{\"id\":2},{\"id\":3}]}"},
        {"3,1?fields=id", "{\"result\":[{\"id\":3},{\"id\":1}]}"},
        {"3%2C1?fields=id", "{\"result\":[{\"id\":3},{\"id\":1}]}"},
        {"name=a*?fields=name", "{\"result\":[{\"name\":\"a\"},{\"name\":\"ab\"}]}"},
        {"name=a*,protocol_id=14,configuration.port=15027?fields=id,name",
         "{\"result\":[{\"id\":3,\"name\":\"ab\"}]}"},
        {"name=none", "{\"result\":[]}"},
        {"all?fields=id&limit=2", "{\"result\":[{\"id\":1},{\"id\":2}],"
                                  "\"pagination\":{\"limit\":2,\"offset\":0,\"count\":3}}"},
        {"all?fields=id&limit=2&offset=2",
         "{\"result\":[{\"id\":3}],\"pagination\":{\"limit\":2,\"offset\":2,\"count\":3}}"},
        {"all?fields=id&offset=9", "{\"result\":[],\"pagination\":{\"offset\":9,\"count\":3}}"},
        {"all?data=%7B%22fields%22%3A%22id%22%2C%22limit%22%3A1%7D",
         "{\"result\":[{\"id\":1}],\"pagination\":{\"limit\":1,\"offset\":0,\"count\":3}}"},
    };
    struct bench *b = *state;
    furnish(b);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[256];
        snprintf(path, sizeof(path), "/gw/channels/%s", cases[i].query);
        assert_int_equal(get(b, path), 200);
        assert_answer(b, cases[i].expected);
    }
}

static void refuses_bad_queries(void **state)
{
    static const struct {
        const char *query, *reason;
    } cases[] = {
        {"some", "selector must be"},
        {"%7Bname==1%7D", "{expression}"},
        {"all?fields=title", "field is not allowed"},
        {"all?limit=x", "whole numbers"},
        {"all?offset=-1", "whole numbers"},
        {"all?data=%7B", "malformed JSON in data at line 1"},
        {"all?data=%5B%5D", "data must be an object"},
        {"all?data=%7B%22limit%22%3A-1%7D", "whole numbers"},
        {"all?fields=%zz", "hexadecimal"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[256];
        snprintf(path, sizeof(path), "/gw/channels/%s", cases[i].query);
        assert_int_equal(get(b, path), 400);
        assert_error(b, 2, cases[i].reason);
    }
    assert_int_equal(get(b, "/gw/channels/all?fields=id,title"), 400);
    assert_string_equal(json_string_value(first(b, "errors", "field")), "title");
}

static void answers_unknown_ids_as_flespi_does(void **state)
{
    struct bench *b = *state;
    static const char *const error =
        "{\"result\":[],\"errors\":[{\"code\":3,\"id\":98765,"
        "\"reason\":\"access denied or unable to process the item\"}]}";
    assert_int_equal(get(b, "/gw/channels/98765"), 403);
    assert_answer(b, error);
    assert_int_equal(ask(b, "PUT /gw/channels/98765", TOKEN, "{\"name\":\"z\"}"), 403);
    assert_answer(b, error);
    assert_int_equal(ask(b, "DELETE /gw/devices/98765", TOKEN, ""), 403);
    assert_answer(b, error);
    assert_int_equal(get(b, "/gw/channel-protocols/98765"), 403);
    assert_answer(b, error);
}

static void succeeds_in_part(void **state)
{
    struct bench *b = *state;
    furnish(b);
    assert_int_equal(get(b, "/gw/channels/1,98765?fields=id"), 200);
    assert_answer(b, "{\"result\":[{\"id\":1}],\"errors\":[{\"code\":3,\"id\":98765,"
                     "\"reason\":\"access denied or unable to process the item\"}]}");
    assert_int_equal(ask(b, "POST /gw/devices?fields=id", TOKEN,
                         "[{\"name\":\"z\",\"configuration\":{\"ident\":\"352\"}},"
                         "{\"name\":\"z\",\"configuration\":{\"ident\":\"999\"}}]"),
                     200);
    assert_answer(b, "{\"result\":[{\"id\":3}],\"errors\":[{\"code\":2,"
                     "\"field\":\"configuration.ident\","
                     "\"reason\":\"ident already exists: device 1 has it\"}]}");
}

static void refuses_fields_and_bodies(void **state)
{
    struct bench *b = *state;
    assert_int_equal(
        ask(b, "POST /gw/channels", TOKEN, "[{\"name\":\"a\",\"protocol_id\":14,\"x\":1}]"), 400);
    assert_answer(b, "{\"result\":[],\"errors\":[{\"code\":2,\"field\":\"x\","
                     "\"reason\":\"field is not allowed\"}]}");
    assert_int_equal(ask(b, "POST /gw/channels", TOKEN, ""), 400);
    assert_error(b, 2, "needs a JSON body");
    assert_int_equal(ask(b, "POST /gw/channels", TOKEN, "[{\"name\":\n  \"a\",]"), 400);
    assert_error(b, 2, "malformed JSON in the body at line 2, column");
    assert_int_equal(ask(b, "POST /gw/channels", TOKEN, "[{\"name\":\"\xff\xfe\"}]"), 400);
    assert_error(b, 2, "malformed JSON");
    assert_int_equal(ask(b, "POST /gw/channels", TOKEN, "[{\"name\":\"a\",\"name\":\"b\"}]"), 400);
    assert_error(b, 2, "duplicate");
    assert_int_equal(ask(b, "POST /gw/channels", TOKEN, "[7]"), 400);
    assert_error(b, 2, "an item must be an object");
    assert_int_equal(ask(b, "PUT /gw/channels/all", TOKEN, "[{}]"), 400);
    assert_error(b, 2, "must be an object of fields");
}

static void takes_bodies_of_any_type(void **state)
{
    struct bench *b = *state;
    assert_int_equal(ask(b, "POST /gw/channels?fields=id",
                         TOKEN "Content-Type: application/x-www-form-urlencoded\r\n",
                         "[{\"name\":\"a\",\"protocol_id\":14}]"),
                     200);
    assert_answer(b, "{\"result\":[{\"id\":1}]}");
}

static void changes_items(void **state)
{
    struct bench *b = *state;
    furnish(b);
    assert_int_equal(
        ask(b, "PUT /gw/channels/name=a*?fields=id,name", TOKEN, "{\"name\":\"renamed\"}"), 200);
    assert_answer(b, "{\"result\":[{\"id\":1,\"name\":\"renamed\"},"
                     "{\"id\":3,\"name\":\"renamed\"}]}");
    assert_int_equal(ask(b, "PATCH /gw/channels/3?fields=configuration", TOKEN,
                         "{\"configuration\":{\"checksum\":\"lenient\"}}"),
                     200);
    assert_answer(b, "{\"result\":[{\"configuration\":{\"port\":15027,"
                     "\"checksum\":\"lenient\"}}]}");
    assert_int_equal(ask(b, "PUT /gw/channels/1", TOKEN, "{\"protocol_id\":200}"), 400);
    assert_answer(b, "{\"result\":[],\"errors\":[{\"code\":2,\"id\":1,\"field\":\"protocol_id\","
                     "\"reason\":\"field cannot be changed after the item was made\"}]}");
}

static void deletes_items(void **state)
{
    struct bench *b = *state;
    furnish(b);
    assert_int_equal(ask(b, "DELETE /gw/channels/1,3", TOKEN, ""), 200);
    assert_answer(b, "{\"result\":[{\"id\":1},{\"id\":3}]}");
    assert_int_equal(ask(b, "DELETE /gw/devices/all", TOKEN, ""), 200);
    assert_answer(b, "{\"result\":[{\"id\":1},{\"id\":2}]}");
    assert_int_equal(get(b, "/gw/channels/all?fields=id"), 200);
    assert_answer(b, "{\"result\":[{\"id\":2}]}");
}

/* ---- protocols ---- */

static void shows_protocols(void **state)
{
    struct bench *b = *state;
    assert_int_equal(get(b, "/gw/channel-protocols/all?fields=id,name,features"), 200);
    assert_answer(b, "{\"result\":[{\"id\":14,\"name\":\"alpha\",\"features\":"
                     "{\"raw_packets\":false,\"shared_connection\":false}},"
                     "{\"id\":200,\"name\":\"beta\",\"features\":"
                     "{\"raw_packets\":false,\"shared_connection\":false}}]}");
    assert_int_equal(get(b, "/gw/channel-protocols/name=al*?fields=title,transports,default_port"),
                     200);
    assert_answer(b, "{\"result\":[{\"title\":\"Alpha\",\"transports\":[\"tcp\",\"udp\"],"
                     "\"default_port\":5027}]}");
    assert_int_equal(get(b, "/gw/channel-protocols/14"), 200);
    json_t *parameter = json_array_get(first(b, "result", "message_parameters"), 0);
    assert_string_equal(json_string_value(json_object_get(parameter, "unit")), "km/h");
    json_t *schema = first(b, "result", "configuration");
    assert_non_null(json_object_get(json_object_get(schema, "properties"), "checksum"));
    assert_int_equal(get(b, "/gw/channel-protocols/14,15?fields=id"), 200);
    assert_int_equal(json_integer_value(first(b, "errors", "id")), 15);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(routes_by_table),
        CASE(every_route_is_documented),
        CASE(wants_a_token),
        CASE(shows_figures_to_whom_the_settings_say),
        CASE(waits_for_a_survey_once),
        CASE(tells_about_the_token),
        CASE(acl_tokens_get_no_items_yet),
        CASE(says_when_it_stops),
        CASE(makes_and_shows_channels),
        CASE(takes_one_object_too),
        CASE(selects),
        CASE(refuses_bad_queries),
        CASE(answers_unknown_ids_as_flespi_does),
        CASE(succeeds_in_part),
        CASE(refuses_fields_and_bodies),
        CASE(takes_bodies_of_any_type),
        CASE(changes_items),
        CASE(deletes_items),
        CASE(shows_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
