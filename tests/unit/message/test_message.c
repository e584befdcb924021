/* The message builder and its JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "message/message.h"

#define ARENA_LIMIT (8 * 1024 * 1024)

struct fixture {
    struct arena arena;
    struct message *m;
    struct buf out;
};

static int setup(void **state)
{
    static struct fixture f;
    f.arena = arena_make(MEM_MESSAGE, ARENA_LIMIT);
    f.m = message_new(&f.arena);
    f.out = buf_make(MEM_MESSAGE, ARENA_LIMIT);
    *state = &f;
    return f.m ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_fini(&f->arena);
    buf_fini(&f->out);
    return 0;
}

static void assert_json(struct fixture *f, const char *wanted)
{
    buf_clear(&f->out);
    assert_int_equal(message_write_json(f->m, &f->out), 0);
    buf_add_u8(&f->out, 0);
    assert_string_equal((const char *)f->out.p, wanted);
}

static void test_empty(void **state)
{
    struct fixture *f = *state;
    assert_json(f, "{}");
    assert_int_equal(message_count(f->m), 0);
    assert_false(message_has_time(f->m));
    assert_null(message_find(f->m, SPAN_LIT("a")));
}

static void test_keys_are_sorted_bytewise(void **state)
{
    struct fixture *f = *state;
    message_add_int(f->m, "din.1", 1);
    message_add_int(f->m, "position.speed", 2);
    message_add_int(f->m, "din", 3);
    message_add_int(f->m, "ain", 4);
    message_add_int(f->m, "din.10", 5);
    message_add_int(f->m, "din.2", 6);
    assert_json(f,
                "{\"ain\":4,\"din\":3,\"din.1\":1,\"din.10\":5,\"din.2\":6,\"position.speed\":2}");
}

static void test_last_value_wins(void **state)
{
    struct fixture *f = *state;
    message_add_int(f->m, "a", 1);
    message_add_text(f->m, "b", SPAN_LIT("old"));
    message_add_bool(f->m, "a", true);
    message_add_text(f->m, "b", SPAN_LIT("new"));
    assert_int_equal(message_count(f->m), 2);
    assert_json(f, "{\"a\":true,\"b\":\"new\"}");
}

static void test_sorted_and_find_agree(void **state)
{
    struct fixture *f = *state;
    char names[500][8];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "p.%d", i * 7919 % 500);
        message_add_named(f->m, span_str(names[i]),
                          (struct message_value){.type = MESSAGE_INT, .i = i});
        names[i][0] = 'x'; /* the name was copied */
    }
    size_t count;
    const struct message_parameter *sorted = message_sorted(f->m, &count);
    assert_int_equal(count, 500);
    for (size_t i = 1; i < count; i++)
        assert_true(span_compare(sorted[i - 1].name, sorted[i].name) < 0);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(message_find(f->m, sorted[i].name), &sorted[i].value);
    assert_null(message_find(f->m, SPAN_LIT("p.500")));
}

static void test_integers(void **state)
{
    struct fixture *f = *state;
    message_add_int(f->m, "a", 0);
    message_add_int(f->m, "b", INT64_MIN);
    message_add_int(f->m, "c", INT64_MAX);
    message_add_uint(f->m, "d", UINT64_MAX);
    assert_json(f, "{\"a\":0,\"b\":-9223372036854775808,\"c\":9223372036854775807,"
                   "\"d\":18446744073709551615}");
}

static void assert_decimal(struct fixture *f, int64_t mantissa, int scale, const char *wanted)
{
    char json[64];
    (void)snprintf(json, sizeof(json), "{\"a\":%s}", wanted);
    message_add_decimal(f->m, "a", mantissa, scale);
    assert_json(f, json);
}

static void test_decimals_are_exact(void **state)
{
    struct fixture *f = *state;
    assert_decimal(f, 1234, 1, "123.4");
    assert_decimal(f, 12340, 3, "12.34");
    assert_decimal(f, 5, 3, "0.005");
    assert_decimal(f, -5, 3, "-0.005");
    assert_decimal(f, 100, 2, "1");
    assert_decimal(f, 0, 7, "0");
    assert_decimal(f, -700000000, 7, "-70");
    assert_decimal(f, 252562916, 7, "25.2562916");
    assert_decimal(f, INT64_MIN, 18, "-9.223372036854775808");
    assert_decimal(f, INT64_MAX, 0, "9223372036854775807");
    assert_decimal(f, 1, 18, "0.000000000000000001");
}

static void assert_real(struct fixture *f, double value, const char *wanted)
{
    char json[64];
    (void)snprintf(json, sizeof(json), "{\"a\":%s}", wanted);
    message_add_real(f->m, "a", value);
    assert_json(f, json);
}

static void test_reals_are_shortest(void **state)
{
    struct fixture *f = *state;
    assert_real(f, 63.0, "63");
    assert_real(f, -0.0, "0");
    assert_real(f, 0.1, "0.1");
    assert_real(f, 1.0 / 3, "0.3333333333333333");
    assert_real(f, 0.1 + 0.2, "0.30000000000000004");
    assert_real(f, 1e300, "1e+300");
    assert_real(f, -2.5e-7, "-2.5e-07");
    assert_real(f, 999999999999999.0, "999999999999999");
}

static void test_reals_that_json_has_not_are_left_out(void **state)
{
    struct fixture *f = *state;
    message_add_real(f->m, "a", NAN);
    message_add_real(f->m, "b", INFINITY);
    message_add_named(f->m, SPAN_LIT("c"),
                      (struct message_value){.type = MESSAGE_REAL, .real = -INFINITY});
    assert_json(f, "{}");
    assert_false(message_is_truncated(f->m));
}

#define BAD "\xef\xbf\xbd"

static void test_text_is_escaped(void **state)
{
    struct fixture *f = *state;
    message_add_text(f->m, "a", SPAN_LIT("q\" b\\ n\n r\r t\t b\b f\f"));
    message_add_text(f->m, "b", SPAN_LIT("\x00\x1f\x7f"));
    message_add_text(f->m, "c", SPAN_LIT("/ \xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x97"));
    message_add_text(f->m, "d", SPAN_LIT(""));
    assert_json(f,
                "{\"a\":\"q\\\" b\\\\ n\\n r\\r t\\t b\\b f\\f\",\"b\":\"" BAD "\\u001f\\u007f\","
                "\"c\":\"/ \xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x97\",\"d\":\"\"}");
}

static void test_bytes_that_are_no_utf8(void **state)
{
    struct fixture *f = *state;
    message_add_text(f->m, "a", SPAN_LIT("x\xffy"));
    message_add_text(f->m, "b", SPAN_LIT("\xc0\xaf"));         /* overlong */
    message_add_text(f->m, "c", SPAN_LIT("\xed\xa0\x80"));     /* a surrogate */
    message_add_text(f->m, "d", SPAN_LIT("\xf4\x90\x80\x80")); /* above U+10FFFF */
    message_add_text(f->m, "e", SPAN_LIT("\xe2\x82"));         /* cut off */
    message_add_text(f->m, "f", SPAN_LIT("\xe2\x82\"z"));
    assert_json(f, "{\"a\":\"x" BAD "y\",\"b\":\"" BAD BAD "\",\"c\":\"" BAD BAD BAD
                   "\",\"d\":\"" BAD BAD BAD BAD "\",\"e\":\"" BAD BAD "\",\"f\":\"" BAD BAD
                   "\\\"z\"}");
}

static void test_names_from_outside(void **state)
{
    struct fixture *f = *state;
    struct message_value value = {.type = MESSAGE_BOOL, .is_true = false};
    message_add_named(f->m, SPAN_LIT("a\"b\xc3\xa9"), value);
    assert_json(f, "{\"a\\\"b\xc3\xa9\":false}");
    /* Names that would be written alike are one name. */
    message_add_named(f->m, SPAN_LIT("c\xff\x01"), value);
    message_add_named_hex(f->m, SPAN_LIT("c\xfe\x00"), SPAN_LIT("\x12"));
    assert_int_equal(message_count(f->m), 2);
    assert_json(f, "{\"a\\\"b\xc3\xa9\":false,\"c??\":\"12\"}");
}

static void test_json_is_verbatim(void **state)
{
    struct fixture *f = *state;
    struct message_value value = {.type = MESSAGE_JSON, .text = SPAN_LIT("[1,{\"x\":null}]")};
    message_add_named(f->m, SPAN_LIT("list"), value);
    assert_json(f, "{\"list\":[1,{\"x\":null}]}");
}

static void test_texts_are_copied(void **state)
{
    struct fixture *f = *state;
    char text[] = "abc";
    message_add_text(f->m, "t", span_str(text));
    message_add_hex(f->m, "h", span_str(text));
    message_add_named_hex(f->m, SPAN_LIT("n"), SPAN_LIT("\x00\xfe"));
    memcpy(text, "xyz", 3);
    assert_json(f, "{\"h\":\"616263\",\"n\":\"00fe\",\"t\":\"abc\"}");
}

static void test_time(void **state)
{
    struct fixture *f = *state;
    message_add_int(f->m, "z", 1);
    message_set_time(f->m, INT64_C(1706905170172580));
    assert_true(message_has_time(f->m));
    assert_int_equal(message_time_us(f->m), INT64_C(1706905170172580));
    assert_json(f, "{\"timestamp\":1706905170.17258,\"z\":1}");
    message_set_time(f->m, INT64_C(1706905170000000));
    assert_json(f, "{\"timestamp\":1706905170,\"z\":1}");
    message_set_time(f->m, -1500000);
    assert_json(f, "{\"timestamp\":-1.5,\"z\":1}");
}

static void test_parameter_limit(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (int i = 0; i < MESSAGE_PARAMETERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "p.%d", i);
        message_add_named(f->m, span_str(name),
                          (struct message_value){.type = MESSAGE_INT, .i = i});
    }
    assert_int_equal(message_count(f->m), MESSAGE_PARAMETERS_MAX);
    assert_false(message_is_truncated(f->m));
    message_add_int(f->m, "p.7", 70); /* there already: no new parameter */
    assert_false(message_is_truncated(f->m));
    message_add_int(f->m, "q", 1);
    assert_true(message_is_truncated(f->m));
    assert_int_equal(message_count(f->m), MESSAGE_PARAMETERS_MAX);
    assert_int_equal(message_find(f->m, SPAN_LIT("p.7"))->i, 70);
}

static void test_byte_limit(void **state)
{
    struct fixture *f = *state;
    uint8_t *big = mem_zalloc(MEM_MESSAGE, MESSAGE_BYTES_MAX);
    assert_non_null(big);
    message_add_text(f->m, "a", span_of(big, MESSAGE_BYTES_MAX - 1));
    assert_false(message_is_truncated(f->m));
    /* Replacing gives the old bytes back first. */
    message_add_text(f->m, "a", span_of(big, 10));
    message_add_text(f->m, "a", span_of(big, MESSAGE_BYTES_MAX - 1));
    assert_false(message_is_truncated(f->m));
    message_add_int(f->m, "b", 1);
    assert_true(message_is_truncated(f->m));
    assert_int_equal(message_count(f->m), 1);
    assert_int_equal(message_find(f->m, SPAN_LIT("a"))->text.n, MESSAGE_BYTES_MAX - 1);
    message_add_hex(f->m, "c", span_of(big, MESSAGE_BYTES_MAX));
    assert_int_equal(message_count(f->m), 1);
    mem_free(MEM_MESSAGE, big);
}

static void test_arena_limit(void **state)
{
    (void)state;
    struct arena small = arena_make(MEM_MESSAGE, 200);
    struct message *m = message_new(&small);
    assert_non_null(m);
    message_add_int(m, "a", 1); /* the first 32 parameters need more than is left */
    assert_true(message_is_truncated(m));
    assert_int_equal(message_count(m), 0);
    message_add_int(m, "b", 1);
    assert_int_equal(message_count(m), 0);
    arena_fini(&small);
}

static void test_output_limit(void **state)
{
    struct fixture *f = *state;
    struct buf small = buf_make(MEM_MESSAGE, 8);
    message_add_text(f->m, "a", SPAN_LIT("0123456789"));
    assert_int_equal(message_write_json(f->m, &small), ERR_BUF_LIMIT);
    buf_fini(&small);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_keys_are_sorted_bytewise),
        TEST(test_last_value_wins),
        TEST(test_sorted_and_find_agree),
        TEST(test_integers),
        TEST(test_decimals_are_exact),
        TEST(test_reals_are_shortest),
        TEST(test_reals_that_json_has_not_are_left_out),
        TEST(test_text_is_escaped),
        TEST(test_bytes_that_are_no_utf8),
        TEST(test_names_from_outside),
        TEST(test_json_is_verbatim),
        TEST(test_texts_are_copied),
        TEST(test_time),
        TEST(test_parameter_limit),
        TEST(test_byte_limit),
        TEST(test_arena_limit),
        TEST(test_output_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
