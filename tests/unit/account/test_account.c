/* Accounts and tokens: the first start, later ones, and who is let in. */
#include "account/account.h"
#include "account/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW INT64_C(1764016000)
#define KEY "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab"
#define OTHER_KEY "zBCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab"

struct bench {
    struct store *store;
    struct accounts *accounts;
    char key[TOKEN_KEY_LENGTH + 1];
};

static int set_up(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    *state = b;
    int err = store_open(&store_engine_memory, NULL, &b->store);
    return err < 0 ? err : accounts_open(b->store, KEY, &b->accounts, b->key);
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    accounts_close(&b->accounts);
    store_close(&b->store);
    test_free(b);
    return 0;
}

/* Opens again with one more token, written into the store as a REST call would do. */
static void reopen_with_token(struct bench *b, struct token token, const char *key)
{
    struct buf record = buf_make(MEM_BASE, 4096);
    uint8_t id = (uint8_t)token.id;
    accounts_close(&b->accounts);
    assert_int_equal(token_hash(span_str(key), token.hash), 0);
    assert_int_equal(token_write(&token, "test", &record), 0);
    assert_int_equal(store_put(b->store, STORE_TOKENS,
                               span_of((uint8_t[]){0, 0, 0, 0, 0, 0, 0, id}, 8), buf_span(&record)),
                     0);
    buf_fini(&record);
    assert_int_equal(accounts_open(b->store, NULL, &b->accounts, b->key), 0);
    assert_string_equal(b->key, "");
}

static int login(struct bench *b, const char *key, int64_t now_s, struct login *ret)
{
    return account_login_key(b->accounts, span_str(key), now_s, ret);
}

/* ---- the first start ---- */

static void takes_the_given_key(void **state)
{
    struct bench *b = *state;
    struct login who = {0};
    assert_string_equal(b->key, KEY);
    assert_int_equal(login(b, KEY, NOW, &who), 0);
    assert_ptr_equal(who.account, accounts_root(b->accounts));
    assert_int_equal(who.account->id, 1);
    assert_int_equal(who.token_id, 1);
    assert_int_equal(who.access, TOKEN_MASTER);
}

static void draws_a_key(void **state)
{
    (void)state;
    char keys[2][TOKEN_KEY_LENGTH + 1];
    for (int i = 0; i < 2; i++) {
        struct bench fresh = {0};
        struct login who;
        assert_int_equal(store_open(&store_engine_memory, NULL, &fresh.store), 0);
        assert_int_equal(accounts_open(fresh.store, NULL, &fresh.accounts, keys[i]), 0);
        assert_int_equal(token_key_check(span_str(keys[i])), 0);
        assert_int_equal(login(&fresh, keys[i], NOW, &who), 0);
        accounts_close(&fresh.accounts);
        store_close(&fresh.store);
    }
    assert_string_not_equal(keys[0], keys[1]);
}

static void refuses_a_malformed_given_key(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "short", KEY "c", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234567-9ab"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bench fresh = {0};
        assert_int_equal(store_open(&store_engine_memory, NULL, &fresh.store), 0);
        assert_int_equal(accounts_open(fresh.store, bad[i], &fresh.accounts, fresh.key),
                         ERR_TOKEN_KEY_FORM);
        assert_null(fresh.accounts);
        assert_int_equal(accounts_open(fresh.store, KEY, &fresh.accounts, fresh.key), 0);
        accounts_close(&fresh.accounts);
        store_close(&fresh.store);
    }
}

static void keeps_the_key_over_a_restart(void **state)
{
    struct bench *b = *state;
    struct login who;
    accounts_close(&b->accounts);
    assert_int_equal(accounts_open(b->store, OTHER_KEY, &b->accounts, b->key), 0);
    assert_string_equal(b->key, "");
    assert_int_equal(login(b, KEY, NOW, &who), 0);
    assert_int_equal(login(b, OTHER_KEY, NOW, &who), ERR_TOKEN_UNKNOWN);
}

static int look_for_key(void *context, struct span key, struct span value)
{
    (void)key;
    *(bool *)context |= memmem(value.p, value.n, KEY, TOKEN_KEY_LENGTH) != NULL;
    return 0;
}

static void stores_no_key(void **state)
{
    struct bench *b = *state;
    bool is_there = false;
    for (int s = 0; s < STORE_SPACE_COUNT_; s++)
        assert_int_equal(store_each(b->store, (enum store_space)s, look_for_key, &is_there), 0);
    assert_false(is_there);
}

/* ---- keys ---- */

static void judges_keys(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *key;
        int expected;
    } cases[] = {
        {KEY, 0},
        {"FlespiToken " KEY, 0},
        {"flespitoken " KEY, 0},
        {"FlespiToken   " KEY " ", 0},
        {" " KEY, 0},
        {"FlespiToken" KEY, ERR_TOKEN_UNKNOWN},
        {"Bearer " KEY, ERR_TOKEN_UNKNOWN},
        {OTHER_KEY, ERR_TOKEN_UNKNOWN},
        {KEY "x", ERR_TOKEN_UNKNOWN},
        {"x", ERR_TOKEN_UNKNOWN},
        {"", ERR_TOKEN_MISSING},
        {"FlespiToken ", ERR_TOKEN_UNKNOWN},
        {"   ", ERR_TOKEN_MISSING},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct login who;
        assert_int_equal(login(b, cases[i].key, NOW, &who), cases[i].expected);
    }
}

static void refuses_endless_and_odd_keys(void **state)
{
    struct bench *b = *state;
    struct login who;
    static uint8_t zeros[70000];
    assert_int_equal(account_login_key(b->accounts, span_of(zeros, sizeof(zeros)), NOW, &who),
                     ERR_TOKEN_UNKNOWN);
    assert_int_equal(account_login_key(b->accounts, span_of(zeros, 64), NOW, &who),
                     ERR_TOKEN_UNKNOWN);
    assert_int_equal(account_login_key(b->accounts, (struct span){NULL, 0}, NOW, &who),
                     ERR_TOKEN_MISSING);
}

static void obeys_enabled_and_time(void **state)
{
    struct bench *b = *state;
    static const struct {
        bool is_enabled;
        int64_t expire_s, ttl_s, at_s;
        int expected;
    } cases[] = {
        {true, 0, 0, NOW + 1000000000, 0},
        {false, 0, 0, NOW, ERR_TOKEN_DISABLED},
        {true, NOW + 10, 0, NOW + 9, 0},
        {true, NOW + 10, 0, NOW + 10, ERR_TOKEN_EXPIRED},
        {true, 0, 60, NOW + 59, 0},
        {true, 0, 60, NOW + 60, ERR_TOKEN_EXPIRED},
        {true, NOW + 10, 60, NOW + 59, 0},
        {true, NOW + 100, 60, NOW + 99, 0},
        {true, NOW + 100, 60, NOW + 100, ERR_TOKEN_EXPIRED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct token token = {.id = 2,
                              .cid = 1,
                              .access = TOKEN_STANDARD,
                              .is_enabled = cases[i].is_enabled,
                              .expire_s = cases[i].expire_s,
                              .ttl_s = cases[i].ttl_s,
                              .created_s = NOW};
        struct login who = {0};
        reopen_with_token(b, token, OTHER_KEY);
        assert_int_equal(login(b, OTHER_KEY, cases[i].at_s, &who), cases[i].expected);
        if (cases[i].expected == 0)
            assert_int_equal(who.token_id, 2);
    }
}

static void use_keeps_a_token_alive_over_a_restart(void **state)
{
    struct bench *b = *state;
    struct token token = {.id = 2, .cid = 1, .is_enabled = true, .ttl_s = 60, .created_s = NOW};
    struct login who;
    reopen_with_token(b, token, OTHER_KEY);
    assert_int_equal(login(b, OTHER_KEY, NOW + 50, &who), 0);
    assert_int_equal(who.access, TOKEN_STANDARD);
    accounts_close(&b->accounts);
    assert_int_equal(accounts_open(b->store, NULL, &b->accounts, b->key), 0);
    assert_int_equal(login(b, OTHER_KEY, NOW + 100, &who), 0);
    assert_int_equal(login(b, OTHER_KEY, NOW + 161, &who), ERR_TOKEN_EXPIRED);
}

static void finds_one_of_many(void **state)
{
    struct bench *b = *state;
    char key[TOKEN_KEY_LENGTH + 1];
    struct login who;
    for (uint64_t id = 2; id < 100; id++) {
        struct token token = {.id = id, .cid = 1, .is_enabled = true};
        snprintf(key, sizeof(key), "%064u", (unsigned)id);
        reopen_with_token(b, token, key);
    }
    for (unsigned id = 2; id < 100; id++) {
        snprintf(key, sizeof(key), "%064u", id);
        assert_int_equal(login(b, key, NOW, &who), 0);
        assert_int_equal(who.token_id, id);
    }
}

/* ---- MQTT ---- */

static void signs_mqtt_clients_in(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *user_name, *password; /* NULL: absent */
        int expected, expected_anonymous;
    } cases[] = {
        {KEY, NULL, 0, 0},
        {KEY, "", 0, 0},
        {"FlespiToken " KEY, "", 0, 0},
        {KEY, "anything", 0, 0},
        {NULL, KEY, 0, 0},
        {"", KEY, 0, 0},
        {"user", KEY, 0, 0},
        {"user", "FlespiToken " KEY, 0, 0},
        {NULL, NULL, ERR_TOKEN_MISSING, 0},
        {"", "", ERR_TOKEN_MISSING, 0},
        {"user", NULL, ERR_TOKEN_UNKNOWN, 0},
        {"user", "password", ERR_TOKEN_UNKNOWN, 0},
        {OTHER_KEY, "", ERR_TOKEN_DISABLED, ERR_TOKEN_DISABLED},
        {OTHER_KEY, KEY, ERR_TOKEN_DISABLED, ERR_TOKEN_DISABLED},
    };
    struct token disabled = {.id = 2, .cid = 1, .is_enabled = false};
    reopen_with_token(b, disabled, OTHER_KEY);
    for (int is_anonymous = 0; is_anonymous < 2; is_anonymous++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct span none = {NULL, 0};
            struct login who = {0};
            int err = account_login_mqtt(
                b->accounts, cases[i].user_name ? span_str(cases[i].user_name) : none,
                cases[i].password ? span_str(cases[i].password) : none, NOW, &who);
            assert_int_equal(err, is_anonymous ? cases[i].expected_anonymous : cases[i].expected);
            if (err == 0 && cases[i].expected < 0) {
                assert_int_equal(who.token_id, 0);
                assert_int_equal(who.access, TOKEN_STANDARD);
                assert_ptr_equal(who.account, accounts_root(b->accounts));
            } else if (err == 0) {
                assert_int_equal(who.access, TOKEN_MASTER);
            }
        }
        accounts_allow_anonymous(b->accounts);
    }
}

/* ---- records ---- */

static void refuses_damaged_records(void **state)
{
    struct bench *b = *state;
#define HASH "\"hash\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\""
    static const struct {
        const char *record;
        int expected;
    } cases[] = {
        {"{\"id\":2,\"cid\":1," HASH ",\"enabled\":true,\"expire\":0,\"ttl\":0,\"created\":1,"
         "\"access\":{\"type\":0}}",
         0},
        {"{\"id\":2,\"cid\":9," HASH ",\"enabled\":true,\"expire\":0,\"ttl\":0,\"created\":1,"
         "\"access\":{\"type\":0}}",
         ERR_TOKEN_ACCOUNT},
        {"{\"id\":2,\"cid\":1," HASH ",\"enabled\":true,\"expire\":0,\"ttl\":0,\"created\":1,"
         "\"access\":{\"type\":3}}",
         ERR_TOKEN_RECORD},
        {"{\"id\":2,\"cid\":1,\"hash\":\"00\",\"enabled\":true,\"expire\":0,\"ttl\":0,"
         "\"created\":1,\"access\":{\"type\":0}}",
         ERR_TOKEN_RECORD},
        {"{\"id\":2}", ERR_TOKEN_RECORD},
        {"{", ERR_TOKEN_RECORD},
        {"", ERR_TOKEN_RECORD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct accounts *accounts = NULL;
        assert_int_equal(
            store_put(b->store, STORE_TOKENS, SPAN_LIT("9"), span_str(cases[i].record)), 0);
        assert_int_equal(accounts_open(b->store, NULL, &accounts, b->key), cases[i].expected);
        accounts_close(&accounts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_the_given_key, set_up, tear_down),
        cmocka_unit_test(draws_a_key),
        cmocka_unit_test(refuses_a_malformed_given_key),
        cmocka_unit_test_setup_teardown(keeps_the_key_over_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stores_no_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(judges_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_endless_and_odd_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(obeys_enabled_and_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(use_keeps_a_token_alive_over_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_one_of_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signs_mqtt_clients_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_damaged_records, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
