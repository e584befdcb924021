/* One access token as it is stored and as logins see it. Only the SHA-256 of its key exists outside
 * of the client: a copy of the data folder lets nobody in. */
#ifndef TRACKWIRE_ACCOUNT_TOKEN_H
#define TRACKWIRE_ACCOUNT_TOKEN_H

#include "account/account.h"

#include <stdatomic.h>

#define TOKEN_HASH_BYTES 32

struct token {
    uint64_t id;
    uint64_t cid;
    uint8_t hash[TOKEN_HASH_BYTES];
    enum token_access access;
    bool is_enabled;
    /* A token is good while `expire_s` has not come, or `ttl_s` since its making or last use are
     * not over, whichever lasts longer; 0: this limit is not set. Without both it is good for
     * ever. */
    int64_t expire_s, ttl_s;
    int64_t created_s;
    /* Last use. Relaxed: a statistic that orders nothing; logins race to write nearly the same. */
    atomic_int_fast64_t accessed_s;
};

/* 0, or ERR_TOKEN_KEY_FORM when `key` is not TOKEN_KEY_LENGTH characters A-Z a-z 0-9. */
int token_key_check(struct span key) MUST_USE;
/* A random key and its NUL into `out` of TOKEN_KEY_LENGTH + 1 bytes. ERR_TOKEN_RANDOM. */
int token_key_draw(char *out) MUST_USE;
/* SHA-256. ERR_TOKEN_HASH when OpenSSL is out of memory. */
int token_hash(struct span key, uint8_t *ret_hash) MUST_USE;

/* 0, ERR_TOKEN_DISABLED or ERR_TOKEN_EXPIRED. */
int token_check(const struct token *token, int64_t now_s) MUST_USE;

/* The token in a record of the store. ERR_TOKEN_RECORD when the record is none. */
int token_parse(struct span record, struct token *ret) MUST_USE;
/* Appends a new record; `info` is the token's purpose, for people. */
int token_write(const struct token *token, const char *info, struct buf *out) MUST_USE;
/* Appends `record` with its last use replaced. */
int token_write_accessed(struct span record, int64_t accessed_s, struct buf *out) MUST_USE;

#endif
