/* `trackwire decode`: what a tracker said, explained field by field. Runs the same frame() and
 * decode() as a channel does, over bytes from the command line. */
#include "app/command.h"
#include "app/options.h"
#include "base/clock.h"
#include "base/hash.h"
#include "gateway/protocols/protocol.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define STREAM_BYTES_MAX (4u * 1024 * 1024)
#define JSON_BYTES_MAX (4u * 1024 * 1024)
#define ARENA_BYTES (16u * 1024 * 1024)

struct decode_options {
    const char *protocol, *login, *ident;
    bool is_json, is_udp, is_lenient;
};

#define AT(member) offsetof(struct decode_options, member)

static const struct option_spec specs[] = {
    {"protocol", OPTION_TEXT, AT(protocol), "NAME", "how to read the bytes", 0, 0},
    {"login", OPTION_TEXT, AT(login), "HEX", "what the device sent before, not shown", 0, 0},
    {"ident", OPTION_TEXT, AT(ident), "IDENT", "as if the device had logged in with it", 0, 0},
    {"udp", OPTION_FLAG, AT(is_udp), "", "each HEX is a datagram; else all are one stream", 0, 0},
    {"lenient", OPTION_FLAG, AT(is_lenient), "", "take frames with a bad checksum too", 0, 0},
    {"json", OPTION_FLAG, AT(is_json), "", "one message a line, as published", 0, 0},
};

static const struct option_table table = {specs, sizeof(specs) / sizeof(specs[0])};

struct decoding {
    struct decode_options options;
    const struct protocol *protocol;
    struct protocol_link link;
    struct arena arena;
    struct protocol_result result;
    struct buf stream; /* not yet framed */
    struct buf json;
    unsigned frames;
    bool is_quiet; /* the login */
    bool has_failed;
};

/* ---- hexadecimal ---- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends the bytes; blanks, colons and a `0x` in front are let through. False: not hexadecimal. */
static bool add_hex(struct buf *out, const char *text)
{
    int high = -1;
    if (text[0] == '0' && (text[1] | 0x20) == 'x')
        text += 2;
    for (; *text; text++) {
        if (*text == ' ' || *text == ':' || *text == '\n')
            continue;
        int digit = digit_of(*text);
        if (digit < 0)
            return false;
        if (high >= 0)
            buf_add_u8(out, (uint8_t)(high << 4 | digit));
        high = high < 0 ? digit : -1;
    }
    return high < 0 && !out->is_failed;
}

static void print_hex(struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        printf("%02x", bytes.p[i]);
}

/* ---- showing ---- */

static const struct protocol_parameter *find_parameter(const struct protocol *protocol,
                                                       struct span name)
{
    for (size_t i = 0; i < protocol->parameter_count; i++) {
        if (span_equal(name, span_str(protocol->parameters[i].name)))
            return &protocol->parameters[i];
    }
    return NULL;
}

static void print_time(int64_t time_us)
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm utc;
    char text[32];
    if (gmtime_r(&seconds, &utc) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc))
        printf("  %s.%03dZ", text, (int)(time_us / 1000 % 1000));
}

static void print_value(const struct message_value *value)
{
    double power;
    switch (value->type) {
    case MESSAGE_INT:
        printf("%lld", (long long)value->i);
        break;
    case MESSAGE_UINT:
        printf("%llu", (unsigned long long)value->u);
        break;
    case MESSAGE_DECIMAL:
        power = pow(10, value->decimal.scale);
        printf("%.*f", value->decimal.scale, (double)value->decimal.mantissa / power);
        break;
    case MESSAGE_REAL:
        printf("%.10g", value->real);
        break;
    case MESSAGE_BOOL:
        printf("%s", value->is_true ? "true" : "false");
        break;
    case MESSAGE_TEXT:
        printf("\"%.*s\"", SPAN_FMT(value->text));
        break;
    case MESSAGE_JSON:
        printf("%.*s", SPAN_FMT(value->text));
        break;
    }
}

static void print_message(const struct decoding *d, struct message *m, size_t number)
{
    size_t count;
    const struct message_parameter *list = message_sorted(m, &count);
    printf("  message %zu", number);
    if (message_has_time(m))
        print_time(message_time_us(m));
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        const struct protocol_parameter *known = find_parameter(d->protocol, list[i].name);
        printf("    %-32.*s ", SPAN_FMT(list[i].name));
        print_value(&list[i].value);
        if (known && known->unit[0])
            printf(" %s", known->unit);
        if (known && known->info[0])
            printf("   (%s)", known->info);
        printf("\n");
    }
}

/* As published, but for what only a hub knows: channel, device, peer, server time. */
static void print_json(struct decoding *d, struct message *m)
{
    struct span ident = protocol_ident(&d->link);
    if (ident.n && !message_find(m, SPAN_LIT("ident")))
        message_add_text(m, "ident", ident);
    if (!message_has_time(m))
        message_set_time(m, d->link.now_us);
    buf_clear(&d->json);
    if (message_write_json(m, &d->json) == 0)
        printf("%.*s\n", SPAN_FMT(buf_span(&d->json)));
}

static void print_reply(const char *name, const struct buf *reply)
{
    if (!reply->n)
        return;
    printf("  %s ", name);
    print_hex(buf_span(reply));
    printf("\n");
}

static void print_frame(struct decoding *d, struct span frame, int err)
{
    struct span ident = protocol_ident(&d->link);
    printf("frame %u: %zu bytes", d->frames, frame.n);
    if (ident.n)
        printf(", ident %.*s", SPAN_FMT(ident));
    printf("%s%s\n", d->result.is_login ? ", login" : "", err < 0 ? ", refused" : "");
    if (err < 0)
        printf("  %s: %s\n", err_name(err), err_text(err));
    else
        for (size_t i = 0; i < d->result.message_count; i++)
            print_message(d, d->result.messages[i], i + 1);
    print_reply("answer", &d->result.reply);
}

/* ---- decoding ---- */

static void refuse(struct decoding *d, int err)
{
    d->has_failed = true;
    (void)command_failed(&command_decode, "frame %u: %s: %s", d->frames, err_name(err),
                         err_text(err));
}

static void take_frame(struct decoding *d, struct span frame)
{
    protocol_result_clear(&d->result);
    d->link.now_us = clock_wall_us();
    int err = d->protocol->decode(&d->link, frame, &d->result);
    d->frames += !d->is_quiet;
    if (err < 0)
        refuse(d, err);
    if (d->is_quiet)
        return;
    if (!d->options.is_json) {
        print_frame(d, frame, err);
        return;
    }
    for (size_t i = 0; err >= 0 && i < d->result.message_count; i++)
        print_json(d, d->result.messages[i]);
}

static void take_stream(struct decoding *d)
{
    while (d->stream.n) {
        struct span in = buf_span(&d->stream);
        int n = d->protocol->frame(&d->link, in);
        if (n > 0 && (size_t)n <= in.n) {
            take_frame(d, span_head(in, (size_t)n));
            buf_consume(&d->stream, (size_t)n);
            continue;
        }
        d->frames++;
        if (n < 0)
            refuse(d, n);
        else
            d->has_failed =
                command_failed(&command_decode, "the last %zu bytes are no whole frame", in.n);
        return;
    }
}

/* The bytes of one argument. The exit status. */
static int take_argument(struct decoding *d, const char *text)
{
    if (!add_hex(&d->stream, text))
        return command_usage(&command_decode, "this is not hexadecimal: %s", text);
    if (!d->options.is_udp)
        return EXIT_OK;
    take_frame(d, buf_span(&d->stream));
    buf_clear(&d->stream);
    return EXIT_OK;
}

static int take_login(struct decoding *d)
{
    d->is_quiet = true;
    int status = d->options.login ? take_argument(d, d->options.login) : EXIT_OK;
    if (!status && !d->options.is_udp)
        take_stream(d);
    d->is_quiet = false;
    if (status || !d->options.ident)
        return status;
    int err = protocol_set_ident(&d->link, span_str(d->options.ident));
    return err ? command_usage(&command_decode, "--ident: %s", err_text(err)) : EXIT_OK;
}

static int take_all(struct decoding *d, int count, char **words)
{
    int status = take_login(d);
    for (int i = 0; i < count && !status; i++)
        status = take_argument(d, words[i]);
    if (!status && !d->options.is_udp)
        take_stream(d);
    return status ? status : d->has_failed;
}

static int check(struct decoding *d, int word_count)
{
    const struct decode_options *o = &d->options;
    if (!o->protocol || word_count < 1)
        return command_usage(&command_decode, "--protocol and HEX are needed");
    d->protocol = protocol_by_name(span_str(o->protocol));
    if (!d->protocol)
        return command_usage(&command_decode,
                             "there is no protocol \"%s\"; `trackwire version` "
                             "lists them",
                             o->protocol);
    enum protocol_transport transport = o->is_udp ? PROTOCOL_UDP : PROTOCOL_TCP;
    if (!(d->protocol->transports & transport))
        return command_usage(&command_decode, "%s does not run over %s", o->protocol,
                             o->is_udp ? "UDP: leave --udp out" : "TCP: add --udp");
    return EXIT_OK;
}

static void open_link(struct decoding *d)
{
    const struct protocol *protocol = d->protocol;
    enum protocol_transport transport = d->options.is_udp ? PROTOCOL_UDP : PROTOCOL_TCP;
    d->arena = arena_make(MEM_BASE, ARENA_BYTES);
    d->stream = buf_make(MEM_BASE, STREAM_BYTES_MAX);
    d->json = buf_make(MEM_BASE, JSON_BYTES_MAX);
    protocol_result_init(&d->result, &d->arena);
    void *state = protocol->state_size ? mem_zalloc(MEM_BASE, protocol->state_size) : NULL;
    protocol_link_init(&d->link, protocol,
                       (struct protocol_options){.is_lenient = d->options.is_lenient}, transport,
                       state);
}

static void close_link(struct decoding *d)
{
    mem_free(MEM_BASE, d->link.state);
    protocol_result_fini(&d->result);
    buf_fini(&d->json);
    buf_fini(&d->stream);
    arena_fini(&d->arena);
}

static int run(int argc, char **argv)
{
    static struct decoding d; /* with room for a thousand messages */
    struct option_problem problem;
    int words;
    if (options_parse(&table, argc, argv, &d.options, &words, &problem))
        return command_usage(&command_decode, "%s", problem.text);
    int status = check(&d, words);
    if (status)
        return status;
    hash_seed();
    open_link(&d);
    status = take_all(&d, words, argv);
    close_link(&d);
    return status;
}

static void help(void)
{
    printf("\n");
    options_print(&table);
    printf("\nSeveral HEX are one stream of bytes, cut anywhere; with --udp each is a datagram.\n");
}

const struct command command_decode = {
    .name = "decode",
    .summary = "explain what a tracker said, field by field",
    .synopsis = "decode --protocol NAME [--login HEX | --ident IDENT] [--udp] [--json] HEX...",
    .help = help,
    .run = run,
};
