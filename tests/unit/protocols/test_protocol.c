/* What all protocols share: idents, results, the registry; and the promises that each registered
 * protocol must keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "message/dictionary.h"
#include "replay.h"

extern const struct protocol protocol_template;

static struct protocol_link make_link(void)
{
    struct protocol_link link;
    protocol_link_init(&link, &protocol_template, (struct protocol_options){.is_lenient = true},
                       PROTOCOL_UDP, NULL);
    return link;
}

static void test_link_starts_without_ident(void **state)
{
    (void)state;
    struct protocol_link link = make_link();
    assert_ptr_equal(link.protocol, &protocol_template);
    assert_int_equal(link.transport, PROTOCOL_UDP);
    assert_true(link.options.is_lenient);
    assert_int_equal(protocol_ident(&link).n, 0);
}

static void test_idents(void **state)
{
    (void)state;
    static const struct {
        const char *ident;
        int wanted;
    } cases[] = {
        {"356307042441013", 0},
        {"a b~!", 0},
        {"", ERR_IDENT_EMPTY},
        {"a#", ERR_IDENT_CHARACTER},
        {"+", ERR_IDENT_CHARACTER},
        {"a/b", ERR_IDENT_CHARACTER},
        {"a\x1f", ERR_IDENT_CHARACTER},
        {"a\x7f", ERR_IDENT_CHARACTER},
        {"\xc3\xa9", ERR_IDENT_CHARACTER},
        {"1234567890123456789012345678901234567890123456789012345678901234", 0},
        {"12345678901234567890123456789012345678901234567890123456789012345", ERR_IDENT_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct protocol_link link = make_link();
        assert_int_equal(protocol_set_ident(&link, SPAN_LIT("before")), 0);
        assert_int_equal(protocol_set_ident(&link, span_str(cases[i].ident)), cases[i].wanted);
        const char *now = cases[i].wanted == 0 ? cases[i].ident : "before";
        assert_true(span_equal(protocol_ident(&link), span_str(now)));
    }
}

static void test_result_has_a_limit_and_is_cleared(void **state)
{
    (void)state;
    struct arena arena = arena_make(MEM_MESSAGE, 1 << 20);
    static struct protocol_result result;
    protocol_result_init(&result, &arena);
    for (int i = 0; i < PROTOCOL_MESSAGES_MAX; i++)
        assert_non_null(protocol_add_message(&result));
    assert_null(protocol_add_message(&result));
    assert_int_equal(protocol_add_error(&result), ERR_PROTOCOL_MESSAGES_LIMIT);
    assert_int_equal(result.message_count, PROTOCOL_MESSAGES_MAX);
    buf_add_u8(&result.reply, 1);
    buf_add_u8(&result.reject, 1);
    result.must_close = result.is_login = true;
    protocol_result_clear(&result);
    assert_int_equal(result.message_count, 0);
    assert_int_equal(result.reply.n + result.reject.n, 0);
    assert_false(result.must_close || result.is_login);
    protocol_result_fini(&result);
    arena_fini(&arena);
}

static void test_result_without_memory(void **state)
{
    (void)state;
    struct arena arena = arena_make(MEM_MESSAGE, 8);
    static struct protocol_result result;
    protocol_result_init(&result, &arena);
    assert_null(protocol_add_message(&result));
    assert_int_equal(protocol_add_error(&result), ERR_NO_MEMORY);
    protocol_result_fini(&result);
    arena_fini(&arena);
}

static void test_registry_is_sorted_and_found(void **state)
{
    (void)state;
    size_t count;
    const struct protocol *const *protocols = protocol_list(&count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(protocol_by_name(span_str(protocols[i]->name)), protocols[i]);
        assert_ptr_equal(protocol_by_id(protocols[i]->id), protocols[i]);
        assert_true(i == 0 || strcmp(protocols[i - 1]->name, protocols[i]->name) < 0);
    }
    assert_null(protocol_by_name(SPAN_LIT("template")));
    assert_null(protocol_by_name(SPAN_LIT("")));
    assert_null(protocol_by_id(0));
}

static void test_descriptors_are_whole(void **state)
{
    (void)state;
    size_t count;
    const struct protocol *const *protocols = protocol_list(&count);
    for (size_t i = 0; i < count; i++) {
        const struct protocol *p = protocols[i];
        assert_true(strlen(p->title) > 0 && p->decode && p->frame_max > 0);
        assert_true(p->frame || !(p->transports & PROTOCOL_TCP));
        assert_true(p->transports & (PROTOCOL_TCP | PROTOCOL_UDP));
        assert_true(p->parameter_count > 0);
        for (size_t k = 0; k < p->parameter_count; k++)
            assert_true(strlen(p->parameters[k].name) > 0 && strlen(p->parameters[k].info) > 0);
    }
}

/* A parameter that the dictionary knows has the same type and unit there. */
static void test_parameters_agree_with_the_dictionary(void **state)
{
    (void)state;
    size_t count;
    unsigned differing = 0;
    const struct protocol *const *protocols = protocol_list(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < protocols[i]->parameter_count; k++) {
            const struct protocol_parameter *p = &protocols[i]->parameters[k];
            const struct dictionary_entry *entry = dictionary_find(span_str(p->name));
            if (!entry)
                continue;
            if (strcmp(p->type, entry->type) == 0 && strcmp(p->unit, entry->unit) == 0)
                continue;
            print_message("%s: %s is %s %s, in the dictionary %s %s\n", protocols[i]->name, p->name,
                          p->type, p->unit, entry->type, entry->unit);
            differing++;
        }
    }
    assert_int_equal(differing, 0);
}

/* No byte makes a frame of nothing, and no frame is longer than the protocol's maximum. */
static void test_frames_of_any_first_byte(void **state)
{
    (void)state;
    size_t count;
    const struct protocol *const *protocols = protocol_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (!protocols[i]->frame)
            continue;
        for (unsigned byte = 0; byte < 256; byte++) {
            static uint8_t stream[4096];
            memset(stream, (int)byte, sizeof(stream));
            struct replay_setup setup = {.protocol = protocols[i], .transport = PROTOCOL_TCP};
            assert_true(replay_is_cut_proof(setup, span_of(stream, sizeof(stream)), 8));
        }
    }
}

static struct replay_setup template_setup(bool is_lenient)
{
    return (struct replay_setup){
        .protocol = &protocol_template, .transport = PROTOCOL_TCP, .is_lenient = is_lenient};
}

static void assert_template(const char *hex, bool is_lenient, const char *wanted)
{
    struct buf bytes = buf_make(MEM_GATEWAY, 256);
    json_error_t why;
    json_t *expected = json_loads(wanted, 0, &why);
    assert_non_null(expected);
    assert_true(replay_unhex(span_str(hex), &bytes));
    json_t *report = replay_stream(template_setup(is_lenient), buf_span(&bytes));
    assert_true(replay_is_cut_proof(template_setup(is_lenient), buf_span(&bytes), 50));
    const char *name;
    json_t *value;
    json_object_foreach(expected, name, value)
        assert_true(json_equal(value, json_object_get(report, name)));
    json_decref(expected);
    json_decref(report);
    buf_fini(&bytes);
}

static void test_the_template_decodes(void **state)
{
    (void)state;
    assert_template("10 02 6162 65920080 034220a0 01818840 ef", false,
                    "{\"ident\":\"ab\",\"messages\":[{\"position.latitude\":54.665376,"
                    "\"position.longitude\":25.26624,\"timestamp\":1704067200}],"
                    "\"replies\":[\"06\"],\"errors\":[]}");
    assert_template("10 02 6162 65920080 034220a0 01818840 00", false,
                    "{\"messages\":[],\"replies\":[],\"errors\":[\"ERR_TEMPLATE_CHECKSUM\"]}");
    assert_template("10 02 6162 65920080 034220a0 01818840 00", true,
                    "{\"replies\":[\"06\"],\"errors\":[]}");
    assert_template("03 02 6162", false,
                    "{\"messages\":[],\"replies\":[],\"errors\":[\"ERR_TEMPLATE_LENGTH\"]}");
    assert_template("02 01 23", false, "{\"errors\":[\"ERR_IDENT_CHARACTER\"]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_starts_without_ident),
        cmocka_unit_test(test_idents),
        cmocka_unit_test(test_result_has_a_limit_and_is_cleared),
        cmocka_unit_test(test_result_without_memory),
        cmocka_unit_test(test_registry_is_sorted_and_found),
        cmocka_unit_test(test_descriptors_are_whole),
        cmocka_unit_test(test_parameters_agree_with_the_dictionary),
        cmocka_unit_test(test_frames_of_any_first_byte),
        cmocka_unit_test(test_the_template_decodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
