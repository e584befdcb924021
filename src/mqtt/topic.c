/* Topic names and filters: what is legal, and the plain definition of a match (MQTT 5.0 4.7,
 * 4.8.2). Used by the decoders, and by the broker before anything enters its index; knows no
 * subscriptions. No recursion: a filter of 65,535 slashes costs one pass. */
#include "mqtt/topic.h"

static bool is_too_deep(struct span topic)
{
    if (topic.n < MQTT_TOPIC_LEVELS_MAX)
        return false;
    size_t levels = 1;
    for (size_t i = 0; i < topic.n; i++)
        levels += topic.p[i] == '/';
    return levels > MQTT_TOPIC_LEVELS_MAX;
}

static bool has_byte(struct span s, uint8_t byte)
{
    return span_find(s, byte) < s.n;
}

static bool has_wildcard(struct span s)
{
    return has_byte(s, '#') || has_byte(s, '+');
}

int topic_name_check(struct span topic)
{
    if (topic.n == 0)
        return err_raise(ERR_MQTT_TOPIC_EMPTY);
    if (topic.n > UINT16_MAX)
        return err_raise(ERR_MQTT_TOPIC_TOO_LONG);
    if (has_wildcard(topic))
        return err_raise(ERR_MQTT_TOPIC_WILDCARD);
    if (has_byte(topic, 0))
        return err_raise(ERR_MQTT_TOPIC_NUL);
    if (is_too_deep(topic))
        return err_raise(ERR_MQTT_TOPIC_TOO_DEEP);
    return 0;
}

/* Wildcards fill a whole level, and '#' only the last. */
static int check_levels(struct span filter)
{
    struct span level;
    for (bool more = true; topic_level_next(&filter, &more, &level);) {
        if (has_byte(level, '#') && (level.n > 1 || more))
            return err_raise(ERR_MQTT_FILTER_HASH);
        if (has_byte(level, '+') && level.n > 1)
            return err_raise(ERR_MQTT_FILTER_PLUS);
    }
    return 0;
}

/* Takes `group/` off `filter`, which begins behind `$share/`. */
static int cut_group(struct span *filter, struct span *ret_group)
{
    size_t n = span_find(*filter, '/');
    if (n == 0)
        return err_raise(ERR_MQTT_SHARE_NAME_EMPTY);
    if (n + 1 >= filter->n)
        return err_raise(ERR_MQTT_SHARE_NO_FILTER);
    *ret_group = span_head(*filter, n);
    if (has_wildcard(*ret_group))
        return err_raise(ERR_MQTT_SHARE_NAME_WILDCARD);
    *filter = span_from(*filter, n + 1);
    return 0;
}

int topic_filter_parse(struct span filter, struct topic_filter *ret)
{
    struct span share = SPAN_LIT("$share/");
    struct span group = {NULL, 0};
    if (filter.n == 0)
        return err_raise(ERR_MQTT_FILTER_EMPTY);
    if (filter.n > UINT16_MAX)
        return err_raise(ERR_MQTT_FILTER_TOO_LONG);
    if (has_byte(filter, 0))
        return err_raise(ERR_MQTT_FILTER_NUL);
    if (span_starts(filter, share)) {
        filter = span_from(filter, share.n);
        int err = cut_group(&filter, &group);
        if (err < 0)
            return err;
    }
    if (is_too_deep(filter))
        return err_raise(ERR_MQTT_FILTER_TOO_DEEP);
    int err = check_levels(filter);
    if (err < 0)
        return err;
    *ret = (struct topic_filter){group, filter, has_wildcard(filter)};
    return 0;
}

static bool is_level(struct span level, char wildcard)
{
    return level.n == 1 && level.p[0] == (uint8_t)wildcard;
}

bool topic_matches(struct span filter, struct span topic)
{
    bool filter_more = true, topic_more = true, is_first = true;
    struct span want, have;
    while (topic_level_next(&filter, &filter_more, &want)) {
        bool is_hash = is_level(want, '#');
        if (!topic_level_next(&topic, &topic_more, &have))
            return is_hash; /* "a/#" matches "a" too */
        bool is_any = is_hash || is_level(want, '+');
        if (is_any && is_first && have.n && have.p[0] == '$')
            return false;
        if (is_hash)
            return true;
        if (!is_any && !span_equal(want, have))
            return false;
        is_first = false;
    }
    return !topic_more;
}
