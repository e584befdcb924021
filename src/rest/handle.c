/* One request from beginning to end: route, token, handler, envelope. Control shard, no socket, so
 * that tests call it as the server does. */
#include "rest/rest_internal.h"

static void dispatch(struct rest_call *call)
{
    int err = rest_route_find(call, &call->answer->allow);
    if (err >= 0)
        err = rest_authorize(call);
    if (err >= 0)
        call->route->handle(call);
    else
        (void)rest_reply_refuse(call, err, 0, NULL, NULL);
}

void rest_handle(const struct rest_plane *plane, const struct http_request *request,
                 struct arena *arena, int64_t now_s, struct rest_answer *answer)
{
    const struct rest_asker unknown = {0};
    rest_handle_for(plane, request, &unknown, arena, now_s, answer);
}

void rest_handle_for(const struct rest_plane *plane, const struct http_request *request,
                     const struct rest_asker *asker, struct arena *arena, int64_t now_s,
                     struct rest_answer *answer)
{
    *answer = (struct rest_answer){.body = buf_make(MEM_REST, REST_ANSWER_MAX)};
    /* A browser's preflight: the headers that go with every answer are the answer. */
    if (request->method == HTTP_METHOD_OPTIONS) {
        answer->status = 204;
        return;
    }
    struct rest_call call = {
        .plane = plane,
        .request = request,
        .asker = *asker,
        .arena = arena,
        .now_s = now_s,
        .limit = UINT64_MAX,
        .result = json_array(),
        .errors = json_array(),
        .answer = answer,
    };
    dispatch(&call);
    /* A page has written its answer itself. */
    if (!answer->status && !answer->wants_survey)
        rest_reply_finish(&call);
    json_decref(call.result);
    json_decref(call.errors);
    json_decref(call.pagination);
    json_decref(call.body);
}
