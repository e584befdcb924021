/* The control plane of REST: one request in, one answer out, no socket. Only for files of this
 * folder and their tests. All of it runs on the control shard. */
#ifndef TRACKWIRE_REST_REST_INTERNAL_H
#define TRACKWIRE_REST_REST_INTERNAL_H

#include "http/request.h"
#include "rest/rest.h"
#include "rest/survey.h"

/* An answer's body may not be larger. */
#define REST_ANSWER_MAX (64u * 1024 * 1024)
/* Parts of a path in braces. */
#define REST_SELECTORS_MAX 4

/* What all requests share. */
struct rest_plane {
    struct accounts *accounts;
    struct hub *hub;
    const char *public_host; /* NULL: the host that the request came to */
    bool is_stopping;
    struct broker *broker;
    struct gateway *gateway;
    bool (*channel_stats)(struct gateway *gateway, uint64_t id, struct gateway_channel_stats *ret);
    enum rest_figures figures; /* who may read figures without a token */
    int64_t started_us;        /* UTC */
};

/* What is known of a request besides itself. */
struct rest_asker {
    const struct login *login;   /* signed in already; NULL: the request's header says who asks */
    const struct survey *survey; /* for a request that waited for it */
    bool may_wait;               /* the request may be handled once more, with a survey */
    bool is_local;               /* it came from this machine, and through no proxy that says so */
};

struct rest_answer {
    int status;
    const char *content_type; /* static; NULL: no body */
    unsigned allow;           /* 1 << method for each one allowed here; 0: not told */
    bool wants_survey;        /* no answer yet: handle the request again with one */
    struct buf body;
};

/* One request while it is handled. */
struct rest_call {
    const struct rest_plane *plane;
    const struct http_request *request;
    struct arena *arena; /* dies with the request */
    int64_t now_s;
    const struct rest_route *route;
    struct span selectors[REST_SELECTORS_MAX]; /* of the path, decoded */
    struct rest_asker asker;
    struct login login; /* of routes that need a token */
    struct hub_caller caller;
    struct span fields; /* `fields`, decoded; empty: all */
    uint64_t limit;     /* UINT64_MAX: none was given */
    uint64_t offset;
    bool has_page;
    json_t *body; /* parsed by rest_call_body; owned by the call */
    json_t *result, *errors;
    json_t *pagination; /* NULL: none */
    int first_err;      /* of `errors`; decides the status when there is no result */
    struct rest_answer *answer;
};

/* Runs one request and fills `answer`, whose body the caller frees. */
void rest_handle(const struct rest_plane *plane, const struct http_request *request,
                 struct arena *arena, int64_t now_s, struct rest_answer *answer);

/* The same with what is known of who asks. */
void rest_handle_for(const struct rest_plane *plane, const struct http_request *request,
                     const struct rest_asker *asker, struct arena *arena, int64_t now_s,
                     struct rest_answer *answer);

/* ---- routes ---- */

enum rest_access {
    REST_OPEN,    /* no token */
    REST_FIGURES, /* none where the settings say so, else as REST_ITEMS */
    REST_ANY,     /* any good token */
    REST_ITEMS,   /* standard and master tokens: channels, devices and the like */
};

struct rest_route {
    enum http_request_method method;
    const char *pattern; /* "/gw/channels/{selector}": a part in braces matches any one part */
    enum rest_access access;
    void (*handle)(struct rest_call *call);
    int kind; /* for handlers that serve several kinds: enum hub_kind */
    const char *info;
};

struct rest_routes {
    const struct rest_route *routes;
    size_t count;
};

#define REST_ROUTES(table)                                                                         \
    {                                                                                              \
        table, sizeof(table) / sizeof((table)[0])                                                  \
    }

extern const struct rest_routes rest_channel_routes;
extern const struct rest_routes rest_device_routes;
extern const struct rest_routes rest_protocol_routes;
extern const struct rest_routes rest_auth_routes;
extern const struct rest_routes rest_page_routes;
extern const struct rest_routes rest_metrics_routes;

/* All tables; `ret_count` of them. */
const struct rest_routes *const *rest_all_routes(size_t *ret_count);
/* The route of the request's method and path, its selectors set; or ERR_REST_PATH, or
 * ERR_REST_METHOD with `ret_allow` telling which methods the path has, or an error of the path's
 * escapes. */
int rest_route_find(struct rest_call *call, unsigned *ret_allow) MUST_USE;

/* ---- who asks ---- */

/* Signs in as the route wants it and fills call->login and call->caller. */
int rest_authorize(struct rest_call *call) MUST_USE;

/* ---- what they ask ---- */

/* The body as JSON, whatever its Content-Type; borrowed. Refuses malformed and missing ones, and
 * then has told so in the answer. */
int rest_call_body(struct rest_call *call, const json_t **ret_body) MUST_USE;
/* Reads `fields`, `limit` and `offset` from the query, or from the object in `data` of the
 * query. */
int rest_call_parameters(struct rest_call *call) MUST_USE;

/* ---- what they are answered (envelope.c) ---- */

/* Adds the fields asked for of `object` to the result. */
void rest_reply_add(struct rest_call *call, const json_t *object);
/* Adds an error. `id` 0: no one item; `field` and `reason` may be NULL. Returns `err`. */
int rest_reply_refuse(struct rest_call *call, int err, uint64_t id, const char *field,
                      const char *reason);
/* Refuses, at the field itself, names in `fields` that are not among `allowed` (NULL at its
 * end). */
int rest_reply_check_fields(struct rest_call *call, const char *const *allowed) MUST_USE;
/* Cuts the run of items asked for out of `count` matches, and tells so in the answer. */
void rest_reply_page(struct rest_call *call, uint64_t count, uint64_t *ret_first,
                     uint64_t *ret_end);
/* The answer out of result, errors and pagination. */
void rest_reply_finish(struct rest_call *call);
/* The answer to a request that reached no handler: one error. */
void rest_answer_refuse(struct rest_answer *answer, int err);

/* ---- collections ---- */

/* Handlers of a kind of hub object, which the route names. */
void rest_objects_get(struct rest_call *call);
void rest_objects_post(struct rest_call *call);
void rest_objects_put(struct rest_call *call);
void rest_objects_patch(struct rest_call *call);
void rest_objects_delete(struct rest_call *call);

#endif
