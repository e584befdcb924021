/* Filters of subscriptions. */
#include "broker/filter.h"

/* A number of one to three digits after ':'. */
static bool take_number(struct span *name, uint8_t *ret)
{
    size_t at = name->n;
    unsigned value = 0, scale = 1;
    while (at > 0 && name->p[at - 1] >= '0' && name->p[at - 1] <= '9' && scale <= 100) {
        value += (unsigned)(name->p[--at] - '0') * scale;
        scale *= 10;
    }
    if (at < 2 || at == name->n || name->p[at - 1] != ':' || value >= MQTT_TOPIC_LEVELS_MAX)
        return false;
    *ret = (uint8_t)value;
    name->n = at - 1;
    return true;
}

/* A name without such an ending is an ordinary group's. */
static void parse_sticky(struct span name, struct filter *ret)
{
    uint8_t count, from;
    if (!take_number(&name, &count))
        return;
    ret->sticky_count = count;
    if (take_number(&name, &from))
        ret->sticky_from = from;
}

static uint32_t list_size(struct span level)
{
    uint32_t n = 1;
    for (size_t i = 0; i < level.n; i++)
        n += level.p[i] == ',';
    return n;
}

static bool is_list_whole(struct span level)
{
    for (size_t i = 0; i <= level.n; i++) {
        bool is_end = i == level.n || level.p[i] == ',';
        bool is_empty = is_end && (i == 0 || level.p[i - 1] == ',');
        if (is_empty || (!is_end && (level.p[i] == '+' || level.p[i] == '#')))
            return false;
    }
    return true;
}

static int check_lists(struct filter *f)
{
    struct span rest = f->topic, level;
    bool more = true;
    uint32_t paths = 1;
    while (topic_level_next(&rest, &more, &level)) {
        uint32_t n = list_size(level);
        if (n == 1)
            continue;
        if (!is_list_whole(level))
            return err_raise(ERR_FILTER_LIST);
        if (n > FILTER_PATHS_MAX || paths * n > FILTER_PATHS_MAX)
            return err_raise(ERR_FILTER_PATHS);
        paths *= n;
        f->has_lists = true;
    }
    return 0;
}

/* Takes `$filter/spec/` off the topic; the filter behind it must be one by itself. */
static int take_spec(struct filter *f)
{
    struct span prefix = SPAN_LIT("$filter/");
    if (!span_starts(f->topic, prefix))
        return 0;
    struct span rest = span_from(f->topic, prefix.n);
    size_t n = span_find(rest, '/');
    if (n == 0 || n + 1 >= rest.n)
        return err_raise(ERR_FILTER_SPEC_EMPTY);
    f->spec = span_head(rest, n);
    f->topic = span_from(rest, n + 1);
    struct topic_filter parts;
    int err = topic_filter_parse(f->topic, &parts);
    return err < 0 || !parts.group.n ? err : err_raise(ERR_FILTER_SPEC_SHARE);
}

int filter_parse(struct span text, struct filter *ret)
{
    struct topic_filter parts;
    int err = topic_filter_parse(text, &parts);
    if (err < 0)
        return err;
    *ret = (struct filter){.topic = parts.filter, .branch = parts.group};
    ret->is_shared = parts.group.n > 0;
    if (ret->is_shared)
        parse_sticky(parts.group, ret);
    err = take_spec(ret);
    if (err < 0)
        return err;
    /* Elsewhere a comma is a character as any other (MQTT 5.0 4.7). */
    if (span_starts(ret->topic, SPAN_LIT("flespi/")))
        err = check_lists(ret);
    ret->has_whole_text = ret->has_lists || ret->spec.n;
    if (ret->has_whole_text)
        ret->branch = text;
    return err;
}

/* The element of a list with this number. */
static struct span list_element(struct span level, uint32_t number)
{
    while (number--)
        level = span_from(level, span_find(level, ',') + 1);
    return span_head(level, span_find(level, ','));
}

bool filter_path(const struct filter *f, uint32_t number, struct buf *out)
{
    buf_clear(out);
    if (!f->has_lists) {
        buf_add_span(out, f->topic);
        return number == 0 && !out->is_failed;
    }
    struct span rest = f->topic, level;
    bool more = true;
    while (topic_level_next(&rest, &more, &level)) {
        uint32_t n = list_size(level);
        buf_add_span(out, list_element(level, number % n));
        number /= n;
        if (more)
            buf_add_u8(out, '/');
    }
    return number == 0 && !out->is_failed;
}
