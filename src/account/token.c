/* Token keys, their hashes and their records. Pure but for the random bytes; knows no table and no
 * store. A record is JSON in flespi's words, with the hash in place of the key:
 *
 *   {"id":1,"cid":1,"hash":"9f86...","info":"master","enabled":true,"expire":0,"ttl":0,
 *    "created":1764016000,"access":{"type":1}} */
#include "account/token.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
#define ALPHABET_LENGTH (sizeof(alphabet) - 1)

int token_key_check(struct span key)
{
    if (key.n != TOKEN_KEY_LENGTH)
        return err_raise(ERR_TOKEN_KEY_FORM);
    for (size_t i = 0; i < key.n; i++)
        if (!memchr(alphabet, key.p[i], ALPHABET_LENGTH))
            return err_raise(ERR_TOKEN_KEY_FORM);
    return 0;
}

int token_key_draw(char *out)
{
    /* Bytes of 248 and above are thrown away: 248 is four times the alphabet, so that each
     * character is equally likely. */
    size_t n = 0;
    while (n < TOKEN_KEY_LENGTH) {
        uint8_t bytes[TOKEN_KEY_LENGTH];
        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
            return err_raise(ERR_TOKEN_RANDOM);
        for (size_t i = 0; i < sizeof(bytes) && n < TOKEN_KEY_LENGTH; i++)
            if (bytes[i] < 4 * ALPHABET_LENGTH)
                out[n++] = alphabet[bytes[i] % ALPHABET_LENGTH];
        OPENSSL_cleanse(bytes, sizeof(bytes));
    }
    out[n] = '\0';
    return 0;
}

int token_hash(struct span key, uint8_t *ret_hash)
{
    return EVP_Digest(key.p, key.n, ret_hash, NULL, EVP_sha256(), NULL) == 1
               ? 0
               : err_raise(ERR_TOKEN_HASH);
}

int token_check(const struct token *token, int64_t now_s)
{
    if (!token->is_enabled)
        return err_raise(ERR_TOKEN_DISABLED);
    if (token->expire_s == 0 && token->ttl_s == 0)
        return 0;
    int64_t used_s = atomic_load_explicit(&token->accessed_s, memory_order_relaxed);
    if (used_s < token->created_s)
        used_s = token->created_s;
    bool is_in_time = now_s < token->expire_s;
    bool is_in_use = token->ttl_s > 0 && now_s - used_s < token->ttl_s;
    return is_in_time || is_in_use ? 0 : err_raise(ERR_TOKEN_EXPIRED);
}

/* ---- records ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hash(const char *hex, uint8_t *hash)
{
    if (strlen(hex) != 2 * TOKEN_HASH_BYTES)
        return false;
    for (size_t i = 0; i < TOKEN_HASH_BYTES; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool fill(struct token *token, json_t *record)
{
    json_int_t id, cid, expire, ttl, created, access, accessed = 0;
    int is_enabled;
    const char *hash;
    if (json_unpack(record, "{s:I, s:I, s:s, s:b, s:I, s:I, s:I, s:{s:I}, s?I}", "id", &id, "cid",
                    &cid, "hash", &hash, "enabled", &is_enabled, "expire", &expire, "ttl", &ttl,
                    "created", &created, "access", "type", &access, "accessed", &accessed) != 0)
        return false;
    if (id <= 0 || cid <= 0 || expire < 0 || ttl < 0 || access < TOKEN_STANDARD ||
        access > TOKEN_ACL || !parse_hash(hash, token->hash))
        return false;
    token->id = (uint64_t)id;
    token->cid = (uint64_t)cid;
    token->access = (enum token_access)access;
    token->is_enabled = is_enabled;
    token->expire_s = expire;
    token->ttl_s = ttl;
    token->created_s = created;
    atomic_init(&token->accessed_s, accessed);
    return true;
}

int token_parse(struct span record, struct token *ret)
{
    json_t *json = json_loadb((const char *)record.p, record.n, 0, NULL);
    bool is_good = json && fill(ret, json);
    json_decref(json);
    return is_good ? 0 : err_raise(ERR_TOKEN_RECORD);
}

static int append_json(struct buf *out, json_t *json)
{
    size_t n = json ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
    uint8_t *at = n ? buf_reserve(out, n) : NULL;
    if (!at)
        return err_raise(ERR_NO_MEMORY);
    out->n += json_dumpb(json, (char *)at, n, JSON_COMPACT);
    return 0;
}

int token_write(const struct token *token, const char *info, struct buf *out)
{
    char hex[2 * TOKEN_HASH_BYTES + 1];
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < TOKEN_HASH_BYTES; i++) {
        hex[2 * i] = digits[token->hash[i] >> 4];
        hex[2 * i + 1] = digits[token->hash[i] & 15];
    }
    hex[2 * TOKEN_HASH_BYTES] = '\0';
    json_t *json = json_pack(
        "{s:I, s:I, s:s, s:s, s:b, s:I, s:I, s:I, s:{s:i}}", "id", (json_int_t)token->id, "cid",
        (json_int_t)token->cid, "hash", hex, "info", info, "enabled", token->is_enabled, "expire",
        (json_int_t)token->expire_s, "ttl", (json_int_t)token->ttl_s, "created",
        (json_int_t)token->created_s, "access", "type", (int)token->access);
    int err = append_json(out, json);
    json_decref(json);
    return err;
}

int token_write_accessed(struct span record, int64_t accessed_s, struct buf *out)
{
    json_t *json = json_loadb((const char *)record.p, record.n, 0, NULL);
    int err = json && json_object_set_new(json, "accessed", json_integer(accessed_s)) == 0
                  ? append_json(out, json)
                  : err_raise(ERR_TOKEN_RECORD);
    json_decref(json);
    return err;
}
