/* User properties of CONNACK. */
#include "broker/greeting.h"

#include "message/json.h"

#define PROPERTY_MAX UINT16_MAX

void greeting_put_token(const struct client *c, struct buf *out)
{
    struct buf json = buf_make(MEM_SESSION, PROPERTY_MAX);
    buf_addf(&json, "{\"access\":{\"type\":%d},\"cid\":%llu,\"id\":%llu}", (int)c->login.access,
             (unsigned long long)c->login.account->id, (unsigned long long)c->login.token_id);
    if (!json.is_failed)
        msg_put_user_property(out, SPAN_LIT("token"), buf_span(&json));
    buf_fini(&json);
}

/* Of a filter with lists each path is a subscription; its text is told with the first one. */
static bool is_first_path(const struct subscription *sub, struct buf *scratch)
{
    struct filter f;
    const struct branch *b = sub->place.branch;
    if (!b || !b->has_whole_text || filter_parse(branch_name(b), &f) < 0 || !f.has_lists)
        return true;
    struct buf path = buf_make(MEM_SESSION, UINT16_MAX);
    buf_clear(scratch);
    index_path_text(&sub->place, scratch);
    bool is_first = filter_path(&f, 0, &path) && span_equal(buf_span(&path), buf_span(scratch));
    buf_fini(&path);
    return is_first;
}

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void put_subscription(const struct subscription *sub, struct buf *scratch, struct buf *json)
{
    uint64_t options = sub->options;
    if (!is_first_path(sub, scratch))
        return;
    buf_add_str(json, json->n > 1 ? ",{\"topic\":" : "{\"topic\":");
    buf_clear(scratch);
    index_filter_text(&sub->place, scratch);
    json_add_text(json, buf_span(scratch));
    buf_addf(json, ",\"qos\":%u,\"no_local\":%s,\"rap\":%s,\"retain_handling\":0",
             (unsigned)(options & SUBSCRIPTION_QOS_MASK), boolean(options & SUBSCRIPTION_NO_LOCAL),
             boolean(options & SUBSCRIPTION_RETAIN_AS_PUBLISHED));
    if (subscription_id(options))
        buf_addf(json, ",\"subscription_id\":%u", subscription_id(options));
    buf_add_str(json, "}");
}

void greeting_put_subscriptions(const struct session *s, struct buf *out)
{
    struct buf json = buf_make(MEM_SESSION, PROPERTY_MAX);
    struct buf scratch = buf_make(MEM_SESSION, 2 * UINT16_MAX);
    buf_add_str(&json, "[");
    for (uint32_t i = 0; i < s->subscriptions.count && !json.is_failed; i++)
        put_subscription(&s->subscriptions.list[i], &scratch, &json);
    buf_add_str(&json, "]");
    if (!json.is_failed)
        msg_put_user_property(out, SPAN_LIT("subscriptions"), buf_span(&json));
    buf_fini(&scratch);
    buf_fini(&json);
}
