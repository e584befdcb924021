/* Accounts and their access tokens. An account is an isolated namespace of topics, channels and
 * devices, with flespi's number `cid`. Accounts live until the process ends, so a pointer to one
 * stays good. Signing in reads an immutable table (RCU) and may be done on any shard; changes are
 * made by the control shard. */
#ifndef TRACKWIRE_ACCOUNT_ACCOUNT_H
#define TRACKWIRE_ACCOUNT_ACCOUNT_H

#include "base/err.h"
#include "base/span.h"
#include "store/store.h"

#define TOKEN_KEY_LENGTH 64 /* characters A-Z a-z 0-9 */

struct account {
    uint64_t id; /* flespi's `cid` */
    /* The broker's part of the account (subscription index, retained messages); the broker sets it
     * before shards start. */
    void *broker_space;
};

/* flespi's `access.type`. */
enum token_access {
    TOKEN_STANDARD = 0,
    TOKEN_MASTER = 1,
    TOKEN_ACL = 2,
};

/* Who signed in. */
struct login {
    struct account *account;
    uint64_t token_id; /* 0: anonymous */
    enum token_access access;
};

struct accounts;

/* Loads accounts and tokens. At the very first start makes the root account (cid 1) and the master
 * token: `master_key` when not NULL (64 characters A-Za-z0-9, else ERR_TOKEN_KEY_FORM), a random
 * one otherwise; only its SHA-256 is stored, and the key itself is told once in `ret_new_key`
 * (TOKEN_KEY_LENGTH + 1 bytes; "" when the token existed already). Blocks. */
int accounts_open(struct store *store, const char *master_key, struct accounts **ret,
                  char *ret_new_key) MUST_USE;
void accounts_close(struct accounts **accounts);
struct account *accounts_root(struct accounts *accounts);
/* Lets clients whose user name is no token in, with a standard token's rights on the root
 * account. */
void accounts_allow_anonymous(struct accounts *accounts);

/* Signs in with a token key, bare or after `FlespiToken `. Constant time in the key's content.
 * ERR_TOKEN_MISSING, ERR_TOKEN_UNKNOWN, ERR_TOKEN_DISABLED, ERR_TOKEN_EXPIRED. Registered RCU
 * readers only. `now_s`: seconds since 1970. */
int account_login_key(struct accounts *accounts, struct span key, int64_t now_s,
                      struct login *ret) MUST_USE;
/* As MQTT clients do: the key as user name, or as password when the user name is absent, empty or
 * no token; absent spans have p == NULL. Anonymous clients as allowed. */
int account_login_mqtt(struct accounts *accounts, struct span user_name, struct span password,
                       int64_t now_s, struct login *ret) MUST_USE;

#endif
