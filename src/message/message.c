/* The message builder. Decoders fill it, hub/ reads it back in order and writes it as JSON. The
 * parameters are kept sorted by name as they come: decoders emit some tens of them, so inserting
 * costs less than sorting later, and every reader sees each name once. Knows no protocol and no
 * topic. */
#include "message/message.h"

#include <math.h>

#include "base/utf8.h"
#include "message/json.h"

#define FIRST_CAPACITY 32

struct message {
    struct arena *arena;
    struct message_parameter *parameters; /* ascending by name, names unique */
    size_t count;
    size_t capacity;
    size_t bytes; /* of names, texts and JSON held, against MESSAGE_BYTES_MAX */
    int64_t time_us;
    bool has_time;
    bool is_truncated;
};

struct message *message_new(struct arena *arena)
{
    struct message *m = arena_alloc(arena, sizeof(*m));
    if (m)
        *m = (struct message){.arena = arena};
    return m;
}

/* Index of the first parameter whose name is not below `name`; `ret_is_there` when it is `name`. */
static size_t lower_bound(const struct message *m, struct span name, bool *ret_is_there)
{
    size_t low = 0;
    size_t high = m->count;
    *ret_is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(m->parameters[middle].name, name);
        if (order == 0) {
            *ret_is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_bytes(enum message_type type)
{
    return type == MESSAGE_TEXT || type == MESSAGE_JSON;
}

static size_t value_bytes(const struct message_value *value)
{
    return has_bytes(value->type) ? value->text.n : 0;
}

/* Room for one more parameter; arenas do not give back, so the old array stays behind until then.
 */
static bool grow(struct message *m)
{
    if (m->count < m->capacity)
        return true;
    size_t capacity = m->capacity ? m->capacity * 2 : FIRST_CAPACITY;
    struct message_parameter *grown = arena_alloc(m->arena, capacity * sizeof(*grown));
    if (!grown)
        return false;
    if (m->count)
        memcpy(grown, m->parameters, m->count * sizeof(*grown));
    m->parameters = grown;
    m->capacity = capacity;
    return true;
}

static bool copy_span(struct message *m, struct span *s)
{
    *s = arena_copy(m->arena, *s);
    return s->p != NULL;
}

/* Makes a name from outside ASCII when it is not UTF-8: here rather than when it is written, so
 * that two such names never become the same key of one object. */
static bool clean_name(struct message *m, struct span *name)
{
    if (utf8_is_valid_mqtt(*name))
        return true;
    uint8_t *clean = arena_alloc(m->arena, name->n);
    if (!clean)
        return false;
    for (size_t i = 0; i < name->n; i++)
        clean[i] = name->p[i] >= 0x20 && name->p[i] < 0x7f ? name->p[i] : '?';
    name->p = clean;
    return true;
}

/* What of a parameter is borrowed from outside and must be copied into the arena. */
enum {
    COPY_NAME = 1,
    COPY_TEXT = 2,
};

/* Inserts or replaces; false at a limit, when nothing changed. */
static bool put(struct message *m, struct span name, struct message_value value, unsigned copies)
{
    bool is_there;
    size_t at = lower_bound(m, name, &is_there);
    size_t released = is_there ? value_bytes(&m->parameters[at].value) : 0;
    size_t added = value_bytes(&value) + (is_there ? 0 : name.n);
    if (added > MESSAGE_BYTES_MAX || m->bytes - released > MESSAGE_BYTES_MAX - added)
        return false;
    if (!is_there && m->count >= MESSAGE_PARAMETERS_MAX)
        return false;
    if ((copies & COPY_TEXT) && !copy_span(m, &value.text))
        return false;
    if (!is_there) {
        if (((copies & COPY_NAME) && !copy_span(m, &name)) || !grow(m))
            return false;
        struct message_parameter *slot = &m->parameters[at];
        memmove(slot + 1, slot, (m->count - at) * sizeof(*slot));
        slot->name = name;
        m->count++;
    }
    m->parameters[at].value = value;
    m->bytes = m->bytes - released + added;
    return true;
}

static void add_literal(struct message *m, const char *name, struct message_value value)
{
    if (!put(m, span_str(name), value, 0))
        m->is_truncated = true;
}

void message_add_int(struct message *m, const char *name, int64_t value)
{
    add_literal(m, name, (struct message_value){.type = MESSAGE_INT, .i = value});
}

void message_add_uint(struct message *m, const char *name, uint64_t value)
{
    add_literal(m, name, (struct message_value){.type = MESSAGE_UINT, .u = value});
}

void message_add_decimal(struct message *m, const char *name, int64_t mantissa, int scale)
{
    add_literal(m, name,
                (struct message_value){.type = MESSAGE_DECIMAL,
                                       .decimal = {.mantissa = mantissa, .scale = scale}});
}

void message_add_real(struct message *m, const char *name, double value)
{
    if (isfinite(value))
        add_literal(m, name, (struct message_value){.type = MESSAGE_REAL, .real = value});
}

void message_add_bool(struct message *m, const char *name, bool value)
{
    add_literal(m, name, (struct message_value){.type = MESSAGE_BOOL, .is_true = value});
}

void message_add_text(struct message *m, const char *name, struct span text)
{
    struct message_value value = {.type = MESSAGE_TEXT, .text = text};
    if (!put(m, span_str(name), value, COPY_TEXT))
        m->is_truncated = true;
}

void message_add_named(struct message *m, struct span name, struct message_value value)
{
    if (value.type == MESSAGE_REAL && !isfinite(value.real))
        return;
    unsigned copies = COPY_NAME | (has_bytes(value.type) ? COPY_TEXT : 0U);
    if (!clean_name(m, &name) || !put(m, name, value, copies))
        m->is_truncated = true;
}

/* Hexadecimal text of `bytes` in the arena; `ret_text` only on success. */
static bool make_hex(struct message *m, struct span bytes, struct span *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    /* Checked before the text is made: twice the bytes of a frame must not fill the arena. */
    uint8_t *text = bytes.n > MESSAGE_BYTES_MAX / 2 ? NULL : arena_alloc(m->arena, bytes.n * 2);
    if (!text)
        return false;
    for (size_t i = 0; i < bytes.n; i++) {
        text[2 * i] = (uint8_t)digits[bytes.p[i] >> 4];
        text[2 * i + 1] = (uint8_t)digits[bytes.p[i] & 15];
    }
    *ret_text = span_of(text, bytes.n * 2);
    return true;
}

static void add_hex(struct message *m, struct span name, struct span bytes, unsigned copies)
{
    struct message_value value = {.type = MESSAGE_TEXT};
    if (!make_hex(m, bytes, &value.text) || !put(m, name, value, copies))
        m->is_truncated = true;
}

void message_add_hex(struct message *m, const char *name, struct span bytes)
{
    add_hex(m, span_str(name), bytes, 0);
}

void message_add_named_hex(struct message *m, struct span name, struct span bytes)
{
    if (!clean_name(m, &name))
        m->is_truncated = true;
    else
        add_hex(m, name, bytes, COPY_NAME);
}

void message_set_time(struct message *m, int64_t time_us)
{
    m->time_us = time_us;
    m->has_time = true;
    message_add_decimal(m, "timestamp", time_us, 6);
}

bool message_has_time(const struct message *m)
{
    return m->has_time;
}

int64_t message_time_us(const struct message *m)
{
    return m->time_us;
}

const struct message_value *message_find(const struct message *m, struct span name)
{
    bool is_there;
    size_t at = lower_bound(m, name, &is_there);
    return is_there ? &m->parameters[at].value : NULL;
}

size_t message_count(const struct message *m)
{
    return m->count;
}

bool message_is_truncated(const struct message *m)
{
    return m->is_truncated;
}

const struct message_parameter *message_sorted(struct message *m, size_t *ret_count)
{
    *ret_count = m->count;
    return m->parameters;
}

static void write_value(const struct message_value *value, struct buf *out)
{
    switch (value->type) {
    case MESSAGE_INT:
        json_add_int(out, value->i);
        break;
    case MESSAGE_UINT:
        json_add_uint(out, value->u);
        break;
    case MESSAGE_DECIMAL:
        json_add_decimal(out, value->decimal.mantissa, value->decimal.scale);
        break;
    case MESSAGE_REAL:
        json_add_real(out, value->real);
        break;
    case MESSAGE_BOOL:
        buf_add_str(out, value->is_true ? "true" : "false");
        break;
    case MESSAGE_TEXT:
        json_add_text(out, value->text);
        break;
    case MESSAGE_JSON:
        buf_add_span(out, value->text);
        break;
    }
}

int message_write_json(struct message *m, struct buf *out)
{
    buf_add_u8(out, '{');
    for (size_t i = 0; i < m->count; i++) {
        if (i > 0)
            buf_add_u8(out, ',');
        json_add_text(out, m->parameters[i].name);
        buf_add_u8(out, ':');
        write_value(&m->parameters[i].value, out);
    }
    buf_add_u8(out, '}');
    return out->is_failed ? err_raise(ERR_BUF_LIMIT) : 0;
}
