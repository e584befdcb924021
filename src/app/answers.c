/* One reader a protocol; see answers.h. */
#include "app/answers.h"

#include "base/reader.h"

#include <strings.h>

struct reading {
    enum protocol_transport transport;
    bool is_login;
    struct span in;
};

static enum answer accepted_if(bool is_accepted)
{
    return is_accepted ? ANSWER_ACCEPTED : ANSWER_REFUSED;
}

/* TCP: 01 or 00 to a login, then the number of records as u32. UDP: a datagram that ends with the
 * number of records as u8. */
static size_t read_teltonika(const struct reading *reading, enum answer *ret)
{
    struct span in = reading->in;
    struct reader r = reader_of(in);
    if (reading->transport == PROTOCOL_UDP) {
        *ret = accepted_if(in.n >= 7 && in.p[in.n - 1] > 0);
        return in.n;
    }
    bool is_accepted = reading->is_login ? rd_u8(&r) == 1 : rd_u32be(&r) > 0;
    *ret = accepted_if(is_accepted);
    return r.is_failed ? 0 : in.n - rd_left(&r);
}

/* `#AL#1`, `#ASD#1`, `#AB#20`: a positive number is success; `#AP#` answers a ping. */
static size_t read_wialon(const struct reading *reading, enum answer *ret)
{
    struct span in = reading->in;
    size_t end = span_find(in, '\n');
    if (end == in.n)
        return 0;
    struct span line = span_head(in, end);
    struct span rest = span_from(line, 1);
    struct span number = span_from(rest, span_find(rest, '#') + 1);
    *ret = ANSWER_NONE;
    if (span_starts(line, SPAN_LIT("#A")) && !span_starts(line, SPAN_LIT("#AP#")))
        *ret = accepted_if(number.n && number.p[0] >= '1' && number.p[0] <= '9');
    return end + 1;
}

/* Offset behind the blank line of an HTTP head, 0 when it is not there yet. */
static size_t find_head_end(struct span in)
{
    for (size_t i = 3; i < in.n; i++) {
        if (in.p[i] == '\n' && span_equal(span_of(in.p + i - 3, 4), SPAN_LIT("\r\n\r\n")))
            return i + 1;
    }
    return 0;
}

static size_t find_content_length(struct span head)
{
    static const char name[] = "content-length:";
    const size_t n = sizeof(name) - 1;
    for (; head.n > n; head = span_from(head, 1)) {
        if (strncasecmp((const char *)head.p, name, n))
            continue;
        size_t length = 0;
        for (size_t i = n; i < head.n && head.p[i] != '\r' && length < 1000000; i++) {
            if (head.p[i] >= '0' && head.p[i] <= '9')
                length = length * 10 + (size_t)(head.p[i] - '0');
        }
        return length;
    }
    return 0;
}

/* A response of HTTP/1.1: a 2xx status is success. */
static size_t read_http(const struct reading *reading, enum answer *ret)
{
    struct span in = reading->in;
    size_t head = find_head_end(in);
    size_t total = head + find_content_length(span_head(in, head));
    if (!head || in.n < total)
        return 0;
    *ret = accepted_if(in.n > 9 && in.p[9] == '2'); /* "HTTP/1.1 2" */
    return total;
}

static size_t read_anything(const struct reading *reading, enum answer *ret)
{
    *ret = ANSWER_ACCEPTED;
    return reading->in.n;
}

static const struct {
    const char *protocol;
    size_t (*read)(const struct reading *reading, enum answer *ret);
} readers[] = {
    {"teltonika", read_teltonika},
    {"wialon-ips", read_wialon},
    {"osmand", read_http},
    {"http", read_http},
};

size_t answer_read(const struct protocol *protocol, enum protocol_transport transport,
                   bool is_login, struct span in, enum answer *ret)
{
    const struct reading reading = {transport, is_login, in};
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (span_equal(span_str(readers[i].protocol), span_str(protocol->name)))
            return readers[i].read(&reading, ret);
    }
    return read_anything(&reading, ret);
}
