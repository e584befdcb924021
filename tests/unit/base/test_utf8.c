/* UTF-8 validation, against a plain decoder over every short sequence, and at the borders of the
 * fast way's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"

/* The definition of RFC 3629: decode a character, judge its number and its length. 0: not valid. */
static size_t character_length(const uint8_t *p, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    if (n == 0 || n > left)
        return 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;
    return c < least[n] || c > 0x10FFFF || is_surrogate ? 0 : n;
}

static bool is_valid_plainly(struct span s, bool may_be_nul)
{
    for (size_t at = 0; at < s.n;) {
        size_t n = character_length(s.p + at, s.n - at);
        if (n == 0 || (s.p[at] == 0 && !may_be_nul))
            return false;
        at += n;
    }
    return true;
}

static void check(struct span s)
{
    bool is_right = utf8_is_valid(s) == is_valid_plainly(s, true) &&
                    utf8_is_valid_mqtt(s) == is_valid_plainly(s, false);
    if (!is_right) {
        for (size_t i = 0; i < s.n; i++)
            print_error("%02x ", s.p[i]);
        fail_msg("judged wrongly");
    }
}

static void test_every_sequence_of_three_bytes(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 1u << 24; n++) {
        uint8_t bytes[] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        /* Those that begin with ASCII say nothing beyond shorter ones. */
        if (bytes[0] >= 0x80)
            check(span_of(bytes, 3));
    }
}

static void test_every_pair_of_bytes(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 1u << 16; n++) {
        uint8_t bytes[] = {(uint8_t)(n >> 8), (uint8_t)n};
        check(span_of(bytes, 1));
        check(span_of(bytes, 2));
    }
}

static void test_sequences_of_four_bytes(void **state)
{
    (void)state;
    static const uint8_t last[] = {0x00, 0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    for (unsigned n = 0; n < 1u << 20; n++) {
        uint8_t bytes[] = {(uint8_t)(0xF0 | n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0};
        for (size_t i = 0; i < sizeof(last); i++) {
            bytes[3] = last[i];
            check(span_of(bytes, 4));
        }
    }
}

/* One odd character at every place of texts around the fast way's eight bytes; the memory ends with
 * the text, so that a sanitizer sees reads past it. */
static void test_odd_character_at_every_place(void **state)
{
    (void)state;
    static const struct span odd[] = {
        {(const uint8_t *)"\0", 1},
        {(const uint8_t *)"\x01", 1},
        {(const uint8_t *)"\x80", 1},
        {(const uint8_t *)"\xce\xb1", 2},
        {(const uint8_t *)"\xef\xbb\xbf", 3},
        {(const uint8_t *)"\xed\xa0\x80", 3},
        {(const uint8_t *)"\xf0\x9f\x9a\x9a", 4},
        {(const uint8_t *)"\xf4\x90\x80\x80", 4},
        {(const uint8_t *)"\xe2\x82", 2},
    };
    for (size_t n = 0; n < 36; n++) {
        for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
            for (size_t at = 0; at + odd[i].n <= n; at++) {
                uint8_t *text = mem_alloc(MEM_BASE, n);
                assert_non_null(text);
                memset(text, 'a', n);
                memcpy(text + at, odd[i].p, odd[i].n);
                check(span_of(text, n));
                mem_free(MEM_BASE, text);
            }
        }
    }
}

static void test_known_texts(void **state)
{
    (void)state;
    assert_true(utf8_is_valid_mqtt(span_of(NULL, 0)));
    assert_true(utf8_is_valid_mqtt(SPAN_LIT("\xce\xb1\xce\xb2 flespi/\xf0\x9f\x9a\x9a")));
    assert_true(utf8_is_valid(SPAN_LIT("a\0b")));
    assert_false(utf8_is_valid_mqtt(SPAN_LIT("a\0b")));
    assert_false(utf8_is_valid(SPAN_LIT("\xc0\x80")));         /* overlong U+0000 */
    assert_false(utf8_is_valid(SPAN_LIT("\xed\xa0\xbd")));     /* half of a surrogate pair */
    assert_false(utf8_is_valid(SPAN_LIT("\xf5\x80\x80\x80"))); /* past U+10FFFF */
    assert_true(utf8_is_valid(SPAN_LIT("\xef\xbf\xbf")));      /* U+FFFF, not a character, legal */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_texts),
        cmocka_unit_test(test_every_pair_of_bytes),
        cmocka_unit_test(test_every_sequence_of_three_bytes),
        cmocka_unit_test(test_sequences_of_four_bytes),
        cmocka_unit_test(test_odd_character_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
