/* The server's connections and requests, for server.c and client.c. */
#ifndef TRACKWIRE_REST_SERVER_INTERNAL_H
#define TRACKWIRE_REST_SERVER_INTERNAL_H

#include "base/arena.h"
#include "rest/rest_internal.h"

struct rest_client;

/* One worker shard's part. Its owner touches it, and others only `order` and `report`, one at a
 * time. */
struct rest_shard {
    struct rest *rest;
    struct shard *shard;
    struct rest_client *clients; /* all of this shard, also those whose connection is gone */
    bool is_stopping;
    struct mail order;  /* control to worker: stop */
    struct mail report; /* worker to control: no clients are left */
};

struct rest {
    struct shard *control;
    struct rest_config config;
    struct rest_plane plane; /* control shard */
    unsigned shards_left;    /* control shard, while stopping */
    void (*done)(void *context);
    void *done_context;
    unsigned shard_count;
    struct rest_shard shards[];
};

/* A whole request on its way to the control shard and back; owns its bytes. */
struct rest_job {
    struct mail mail;
    struct rest *rest;
    struct shard *home;
    struct rest_client *client; /* of `home`; stays until the job is back */
    struct buf bytes;
    struct arena arena;
    struct http_request request; /* borrows from bytes and arena */
    bool is_local;               /* from this machine */
    struct rest_answer answer;
};

/* ---- server.c ---- */

/* Sends the job to the control shard; it comes back through rest_client_take_answer. */
void rest_submit(struct rest *rest, struct rest_job *job);
void rest_job_free(struct rest_job **job);

/* ---- upgrade.c; worker shard ---- */

/* The request asks for a WebSocket, and somebody would take it. */
bool rest_upgrade_is_wanted(const struct rest *rest, const struct http_request *request);
/* Answers the handshake and makes a WebSocket of the connection, inside on_data with what came
 * `behind` the request. Then the connection waits for rest_upgrade_hand_over. On failure nothing
 * was sent. */
int rest_upgrade(struct conn *c, const struct http_request *request, struct span behind) MUST_USE;
void rest_upgrade_hand_over(const struct rest *rest, struct conn *c);

/* ---- client.c; worker shard ---- */

/* Takes the connection. */
void rest_client_open(struct rest_shard *home, struct conn *c);
/* Writes the answer, if its connection is still there, and goes on with the next request. Takes the
 * job. */
void rest_client_take_answer(struct rest_client *client, struct rest_job *job);
/* Closes connections that run no request; the others close after their answer. */
void rest_client_stop_all(struct rest_shard *home);
/* Closes what is left, after the shards were joined. */
void rest_client_close_all(struct rest_shard *home);
/* Tells the control shard, once, that this shard has stopped. */
void rest_shard_report(struct rest_shard *home);

#endif
