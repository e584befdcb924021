/* base/base64.h against RFC 4648's vectors, and round trips of every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"

/* RFC 4648 10. */
static const struct {
    const char *bytes, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xFB\xEF\xFF", "++//"},
};

static void test_vectors_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct span bytes = span_str(vectors[i].bytes), text = span_str(vectors[i].text);
        char out[16];
        uint8_t back[16];
        assert_int_equal(BASE64_LENGTH(bytes.n), text.n);
        base64_encode(bytes, out);
        assert_memory_equal(out, text.p, text.n);
        assert_int_equal(base64_decode(text, back, sizeof(back)), bytes.n);
        assert_memory_equal(back, bytes.p, bytes.n);
    }
}

static void test_every_byte_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[BASE64_LENGTH(256)];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 151 + 7);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        base64_encode(span_of(bytes, n), text);
        assert_int_equal(base64_decode(span_of(text, BASE64_LENGTH(n)), back, n), n);
        assert_memory_equal(back, bytes, n);
    }
}

static const struct {
    const char *text;
    int err;
} refused[] = {
    {"Z", ERR_BASE64_LENGTH},
    {"Zg=", ERR_BASE64_LENGTH},
    {"Zm9vY", ERR_BASE64_LENGTH},
    {"=", ERR_BASE64_LENGTH},
    {"====", ERR_BASE64_CHARACTER},
    {"Z===", ERR_BASE64_CHARACTER},
    {"Zg==Zg==", ERR_BASE64_CHARACTER},
    {"Z=g=", ERR_BASE64_CHARACTER},
    {"Zm-_", ERR_BASE64_CHARACTER},
    {"Zm9 ", ERR_BASE64_CHARACTER},
    {"Zm\xC3\xA9", ERR_BASE64_CHARACTER},
    {"Zm9vYmFyZm9v", ERR_BASE64_ROOM},
    {"Zm9vYmFyZg==", ERR_BASE64_ROOM},
};

static void test_refusals(void **state)
{
    (void)state;
    uint8_t out[6];
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(base64_decode(span_str(refused[i].text), out, sizeof(out)),
                         refused[i].err);
    assert_int_equal(base64_decode(SPAN_LIT("Zm9vYmFy"), out, sizeof(out)), 6);
    assert_int_equal(base64_decode(SPAN_LIT("\0g=="), out, sizeof(out)), ERR_BASE64_CHARACTER);
}

static void test_unused_bits_may_be_anything(void **state)
{
    (void)state;
    uint8_t out[2];
    assert_int_equal(base64_decode(SPAN_LIT("Zv=="), out, sizeof(out)), 1);
    assert_int_equal(out[0], 'f');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_the_rfc),
        cmocka_unit_test(test_every_byte_comes_back),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_unused_bits_may_be_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
