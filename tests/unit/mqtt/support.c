/* Packets as text, and the codec behind one door. */
#include "support.h"

#include "base/buf.h"

#define PACKET_BYTES_MAX 400000

struct span bytes_copy(struct span s)
{
    uint8_t *p = mem_alloc(MEM_BASE, s.n);
    assert_non_null(p);
    if (s.n)
        memcpy(p, s.p, s.n);
    return span_of(p, s.n);
}

void bytes_free(struct span *bytes)
{
    mem_free(MEM_BASE, (void *)(uintptr_t)bytes->p);
    *bytes = span_of(NULL, 0);
}

static unsigned hex_digit(char c)
{
    const char digits[] = "0123456789abcdef";
    const char *at = memchr(digits, c, 16);
    if (!at)
        fail_msg("not a hex digit: %c", c);
    return (unsigned)(at - digits);
}

/* Adds the text up to `close`; the place of `close`. */
static const char *add_text(struct buf *b, const char *text, char close, bool has_length)
{
    const char *end = strchr(text, close);
    assert_non_null(end);
    size_t n = (size_t)(end - text);
    if (has_length)
        buf_add_u16be(b, (uint16_t)n);
    buf_add(b, text, n);
    return end;
}

static void add_bytes(struct buf *b, const char *text)
{
    size_t block = 0;
    for (; *text; text++) {
        switch (*text) {
        case ' ':
            break;
        case '<':
            text = add_text(b, text + 1, '>', true);
            break;
        case '\'':
            text = add_text(b, text + 1, '\'', false);
            break;
        case '[':
            buf_add_u8(b, 0);
            block = b->n;
            break;
        case ']':
            assert_true(b->n - block < 128);
            b->p[block - 1] = (uint8_t)(b->n - block);
            break;
        default:
            buf_add_u8(b, (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1])));
            text++;
        }
    }
    assert_false(b->is_failed);
}

static struct span take(struct buf *b)
{
    struct span copy = bytes_copy(buf_span(b));
    buf_fini(b);
    return copy;
}

struct span bytes_of(const char *text)
{
    struct buf b = buf_make(MEM_BASE, PACKET_BYTES_MAX);
    add_bytes(&b, text);
    return take(&b);
}

struct span packet_of(const char *text)
{
    struct span body = bytes_of(text);
    struct buf b = buf_make(MEM_BASE, PACKET_BYTES_MAX);
    assert_true(body.n > 0);
    buf_add_u8(&b, body.p[0]);
    size_t length = body.n - 1;
    for (; length > 127; length >>= 7)
        buf_add_u8(&b, (uint8_t)(length | 0x80));
    buf_add_u8(&b, (uint8_t)length);
    buf_add_span(&b, span_from(body, 1));
    bytes_free(&body);
    return take(&b);
}

int decode_framed(enum mqtt_version v, bool from_client, struct any_packet *p)
{
    const struct mqtt_frame *f = &p->frame;
    switch (f->type) {
    case MQTT_CONNECT:
        return mqtt_decode_connect(f, &p->connect);
    case MQTT_CONNACK:
        return mqtt_decode_connack(f, v, &p->connack);
    case MQTT_PUBLISH:
        return mqtt_decode_publish(f, v, from_client, &p->publish);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return mqtt_decode_ack(f, v, &p->ack);
    case MQTT_SUBSCRIBE:
        return mqtt_decode_subscribe(f, v, &p->subscribe);
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return mqtt_decode_suback(f, v, &p->suback);
    case MQTT_UNSUBSCRIBE:
        return mqtt_decode_unsubscribe(f, v, &p->unsubscribe);
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        return mqtt_decode_ping(f);
    case MQTT_DISCONNECT:
        return mqtt_decode_disconnect(f, v, from_client, &p->disconnect);
    case MQTT_AUTH:
        return mqtt_decode_auth(f, v, &p->disconnect);
    }
    fail_msg("type %d passed the framer", (int)f->type);
    return -1;
}

int decode_any(struct span in, enum mqtt_version v, bool from_client, struct any_packet *ret)
{
    int n = mqtt_frame(in, MQTT_PACKET_MAX, &ret->frame);
    if (n <= 0)
        return n;
    int err = decode_framed(v, from_client, ret);
    return err < 0 ? err : n;
}

static size_t subscription_ids(const struct mqtt_publish *p, uint32_t *ids, size_t max)
{
    size_t n = 0;
    struct span rest = p->properties.raw;
    if (!p->has_properties)
        return 0;
    while (n < max && mqtt_subscription_id_next(&rest, &ids[n]))
        n++;
    assert_int_equal(n, p->properties.subscription_id_count);
    return n;
}

struct span encode_any(const struct any_packet *p, enum mqtt_version v)
{
    static uint8_t out[PACKET_BYTES_MAX];
    static uint32_t ids[UINT16_MAX];
    size_t size = 2, n = 2, id_count = 0;
    enum mqtt_type type = p->frame.type;
    switch (type) {
    case MQTT_CONNECT:
        size = mqtt_size_connect(&p->connect);
        n = mqtt_encode_connect(&p->connect, out);
        break;
    case MQTT_CONNACK:
        size = mqtt_size_connack(&p->connack, v);
        n = mqtt_encode_connack(&p->connack, v, out);
        break;
    case MQTT_PUBLISH:
        id_count = subscription_ids(&p->publish, ids, UINT16_MAX);
        size = mqtt_size_publish(&p->publish, v, ids, id_count);
        n = mqtt_encode_publish(&p->publish, v, ids, id_count, out);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        size = mqtt_size_ack(&p->ack, v);
        n = mqtt_encode_ack(type, &p->ack, v, out);
        break;
    case MQTT_SUBSCRIBE:
        size = mqtt_size_subscribe(&p->subscribe, v);
        n = mqtt_encode_subscribe(&p->subscribe, v, out);
        break;
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        size = mqtt_size_suback(type, &p->suback, v);
        n = mqtt_encode_suback(type, &p->suback, v, out);
        break;
    case MQTT_UNSUBSCRIBE:
        size = mqtt_size_unsubscribe(&p->unsubscribe, v);
        n = mqtt_encode_unsubscribe(&p->unsubscribe, v, out);
        break;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        n = mqtt_encode_ping(type, out);
        break;
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        size = mqtt_size_disconnect(&p->disconnect, v);
        n = mqtt_encode_disconnect(type, &p->disconnect, v, out);
        break;
    }
    assert_int_equal(size, n);
    return bytes_copy(span_of(out, n));
}

const struct mqtt_properties *properties_of(const struct any_packet *p)
{
    switch (p->frame.type) {
    case MQTT_CONNECT:
        return &p->connect.properties;
    case MQTT_CONNACK:
        return &p->connack.properties;
    case MQTT_PUBLISH:
        return &p->publish.properties;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return &p->ack.properties;
    case MQTT_SUBSCRIBE:
        return &p->subscribe.properties;
    case MQTT_UNSUBSCRIBE:
        return &p->unsubscribe.properties;
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return &p->suback.properties;
    case MQTT_DISCONNECT:
    case MQTT_AUTH:
        return &p->disconnect.properties;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        break;
    }
    return NULL;
}

void assert_span_(struct span s, const char *text, const char *file, int line)
{
    if (!span_equal(s, span_str(text))) {
        print_error("%s:%d: \"%.*s\" is not \"%s\"\n", file, line, SPAN_FMT(s), text);
        _fail(file, line);
    }
}
