/* Signing in: from a key in a CONNECT or an HTTP header to an account and its rights. On the path
 * of every connection, not of messages. Knows nothing of MQTT packets or HTTP.
 *
 * The table of tokens is immutable; a change makes a new one and publishes it by RCU. It is found
 * by the hash of the key: whoever could steer where a lookup ends would have to invert SHA-256, and
 * the one comparison of hashes takes the same time wherever they differ. A wrong key costs what a
 * right one does: one hash, one look, one comparison. */
#include "account/account.h"

#include "account/token.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rcu.h"

#include <openssl/crypto.h>
#include <strings.h>

#define ROOT_CID 1
/* Longer user names are no tokens; they are not even hashed. */
#define KEY_MAX 256

struct token_table {
    size_t mask;          /* slots - 1; slots are a power of two, at most half of them used */
    struct token **slots; /* by hash; NULL: empty */
    size_t count;
    struct token tokens[]; /* in order of id */
};

struct accounts {
    struct store *store;
    struct account root;
    bool is_anonymous_allowed; /* set before shards start */
    /* Written by accounts_open; read by any shard through rcu_read. */
    struct token_table *_Atomic tokens;
};

/* ---- the table ---- */

static size_t slot_of(const struct token_table *table, const uint8_t *hash)
{
    uint64_t word;
    memcpy(&word, hash, sizeof(word));
    return (size_t)word & table->mask;
}

/* Compares at least once, also where there is nothing to compare with. */
static struct token *table_find(const struct token_table *table, const uint8_t *hash)
{
    static const uint8_t nobody[TOKEN_HASH_BYTES];
    for (size_t i = slot_of(table, hash);; i = (i + 1) & table->mask) {
        struct token *token = table->slots[i];
        int differs = CRYPTO_memcmp(token ? token->hash : nobody, hash, TOKEN_HASH_BYTES);
        if (!token || !differs)
            return token;
    }
}

static void table_free(struct token_table **table)
{
    if (*table)
        mem_free(MEM_BASE, (*table)->slots);
    mem_free(MEM_BASE, *table);
    *table = NULL;
}

static int table_new(size_t count, struct token_table **ret)
{
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    struct token_table *table =
        mem_zalloc(MEM_BASE, sizeof(*table) + count * sizeof(table->tokens[0]));
    if (!table)
        return err_raise(ERR_NO_MEMORY);
    table->mask = slots - 1;
    table->slots = mem_zalloc(MEM_BASE, slots * sizeof(struct token *));
    if (!table->slots) {
        table_free(&table);
        return err_raise(ERR_NO_MEMORY);
    }
    *ret = table;
    return 0;
}

static int count_record(void *context, struct span key, struct span value)
{
    (void)key;
    (void)value;
    ++*(size_t *)context;
    return 0;
}

static int load_record(void *context, struct span key, struct span value)
{
    struct token_table *table = context;
    struct token *token = &table->tokens[table->count];
    (void)key;
    int err = token_parse(value, token);
    if (err < 0)
        return err;
    if (token->cid != ROOT_CID)
        return err_raise(ERR_TOKEN_ACCOUNT);
    table->count++;
    size_t i = slot_of(table, token->hash);
    while (table->slots[i])
        i = (i + 1) & table->mask;
    table->slots[i] = token;
    return 0;
}

/* ---- opening ---- */

static struct span record_key(uint64_t id, uint8_t bytes[8])
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(id >> (56 - 8 * i));
    return span_of(bytes, 8);
}

static int put_token(struct store *store, const struct token *token, const char *info)
{
    uint8_t key[8];
    struct buf record = buf_make(MEM_BASE, 4096);
    int err = token_write(token, info, &record);
    if (err >= 0)
        err = store_put(store, STORE_TOKENS, record_key(token->id, key), buf_span(&record));
    buf_fini(&record);
    return err;
}

static int make_master(struct store *store, const char *given_key, char *ret_new_key)
{
    struct token token = {.id = 1, .cid = ROOT_CID, .access = TOKEN_MASTER, .is_enabled = true};
    char key[TOKEN_KEY_LENGTH + 1];
    int err = given_key ? token_key_check(span_str(given_key)) : token_key_draw(key);
    if (err < 0)
        return err;
    if (given_key)
        memcpy(key, given_key, sizeof(key));
    err = token_hash(span_str(key), token.hash);
    token.created_s = clock_wall_us() / 1000000;
    if (err >= 0)
        err = store_put(store, STORE_META, SPAN_LIT("tokens.next"), SPAN_LIT("2"));
    if (err >= 0)
        err = put_token(store, &token, "master");
    if (err >= 0)
        memcpy(ret_new_key, key, sizeof(key));
    OPENSSL_cleanse(key, sizeof(key));
    return err;
}

static int load_tokens(struct store *store, struct token_table **ret)
{
    struct token_table *table = NULL;
    size_t count = 0;
    int err = store_each(store, STORE_TOKENS, count_record, &count);
    if (err >= 0)
        err = table_new(count, &table);
    if (err >= 0)
        err = store_each(store, STORE_TOKENS, load_record, table);
    if (err < 0)
        table_free(&table);
    else
        *ret = table;
    return err;
}

int accounts_open(struct store *store, const char *master_key, struct accounts **ret,
                  char *ret_new_key)
{
    size_t count = 0;
    struct token_table *table = NULL;
    int err = store_each(store, STORE_TOKENS, count_record, &count);
    ret_new_key[0] = '\0';
    if (err >= 0 && count == 0)
        err = make_master(store, master_key, ret_new_key);
    if (err >= 0)
        err = load_tokens(store, &table);
    if (err < 0)
        return err;
    struct accounts *accounts = mem_zalloc(MEM_BASE, sizeof(*accounts));
    if (!accounts) {
        table_free(&table);
        return err_raise(ERR_NO_MEMORY);
    }
    accounts->store = store;
    accounts->root.id = ROOT_CID;
    rcu_publish(accounts->tokens, table);
    *ret = accounts;
    return 0;
}

/* Only tokens that live by use need their last use remembered. After a crash the one of the last
 * orderly end counts. */
static int save_accessed(struct store *store, const struct token *token)
{
    uint8_t key[8];
    int64_t accessed_s = atomic_load_explicit(&token->accessed_s, memory_order_relaxed);
    if (token->ttl_s == 0 || accessed_s == 0)
        return 0;
    struct buf old = buf_make(MEM_BASE, 65536), record = buf_make(MEM_BASE, 65536);
    int err = store_get(store, STORE_TOKENS, record_key(token->id, key), &old);
    if (err >= 0)
        err = token_write_accessed(buf_span(&old), accessed_s, &record);
    if (err >= 0)
        err = store_put(store, STORE_TOKENS, record_key(token->id, key), buf_span(&record));
    buf_fini(&old);
    buf_fini(&record);
    return err;
}

void accounts_close(struct accounts **accounts)
{
    struct accounts *a = *accounts;
    *accounts = NULL;
    if (!a)
        return;
    struct token_table *table = rcu_read(a->tokens);
    for (size_t i = 0; i < table->count; i++)
        (void)save_accessed(a->store, &table->tokens[i]);
    table_free(&table);
    mem_free(MEM_BASE, a);
}

struct account *accounts_root(struct accounts *accounts)
{
    return &accounts->root;
}

void accounts_allow_anonymous(struct accounts *accounts)
{
    accounts->is_anonymous_allowed = true;
}

/* ---- signing in ---- */

static struct span trim(struct span s)
{
    while (s.n && s.p[0] == ' ')
        s = span_from(s, 1);
    while (s.n && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* The key itself: scheme names are compared without case, as in HTTP. */
static struct span strip_scheme(struct span s)
{
    static const char scheme[] = "FlespiToken ";
    const size_t n = sizeof(scheme) - 1;
    s = trim(s);
    if (s.n >= n && strncasecmp((const char *)s.p, scheme, n) == 0)
        s = trim(span_from(s, n));
    return s;
}

int account_login_key(struct accounts *accounts, struct span key, int64_t now_s, struct login *ret)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    key = strip_scheme(key);
    if (key.n == 0)
        return err_raise(ERR_TOKEN_MISSING);
    if (key.n > KEY_MAX)
        return err_raise(ERR_TOKEN_UNKNOWN);
    int err = token_hash(key, hash);
    if (err < 0)
        return err;
    struct token *token = table_find(rcu_read(accounts->tokens), hash);
    if (!token)
        return err_raise(ERR_TOKEN_UNKNOWN);
    err = token_check(token, now_s);
    if (err < 0)
        return err;
    atomic_store_explicit(&token->accessed_s, now_s, memory_order_relaxed);
    *ret = (struct login){&accounts->root, token->id, token->access};
    return 0;
}

static bool is_no_token(int err)
{
    return err == ERR_TOKEN_MISSING || err == ERR_TOKEN_UNKNOWN;
}

int account_login_mqtt(struct accounts *accounts, struct span user_name, struct span password,
                       int64_t now_s, struct login *ret)
{
    int err = account_login_key(accounts, user_name, now_s, ret);
    if (is_no_token(err) && password.n > 0)
        err = account_login_key(accounts, password, now_s, ret);
    if (is_no_token(err) && accounts->is_anonymous_allowed) {
        *ret = (struct login){&accounts->root, 0, TOKEN_STANDARD};
        return 0;
    }
    return err;
}
