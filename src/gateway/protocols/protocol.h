/* The contract between a tracker protocol and the gateway. A protocol is one .c file that exports
 * one `const struct protocol`, one line in registry.def, one folder of goldens. Decoders know no
 * socket, no thread, no clock and no allocator but the message builder and the buffers given here;
 * they may include base/, message/, http/ (for protocols that ride on HTTP) and this header, no
 * other. */
#ifndef TRACKWIRE_GATEWAY_PROTOCOLS_PROTOCOL_H
#define TRACKWIRE_GATEWAY_PROTOCOLS_PROTOCOL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "message/message.h"

#define PROTOCOL_IDENT_MAX 64
#define PROTOCOL_MESSAGES_MAX 1024 /* decoded from one frame */

enum protocol_transport {
    PROTOCOL_TCP = 1,
    PROTOCOL_UDP = 2, /* a datagram is a frame: frame() is not called */
};

/* What the channel's configuration decides for its decoders. */
struct protocol_options {
    bool is_lenient;    /* `checksum`: publish frames with a bad checksum too */
    int32_t timezone_s; /* `timezone`: seconds east of UTC, for devices that send local time */
};

/* One connection (or one datagram's sender) as its decoder sees it; made by protocol_link_init. */
struct protocol_link {
    const struct protocol *protocol;
    struct protocol_options options;
    enum protocol_transport transport;
    /* Ident of the connection, set by protocol_set_ident; n == 0 before. */
    uint8_t ident[PROTOCOL_IDENT_MAX];
    size_t ident_n;
    int64_t now_us; /* server time of the frame; set by the caller before decode() */
    void *state;    /* protocol->state_size zeroed bytes, owned by the caller; NULL when 0 */
};

/* What one frame gave. The caller makes it, clears it before each frame, and owns all of it. */
struct protocol_result {
    struct arena *arena; /* messages live here */
    struct message *messages[PROTOCOL_MESSAGES_MAX];
    size_t message_count;
    /* Bytes for the device, sent only after the messages are as durable as promised. */
    struct buf reply;
    /* The reply refuses the device, or the protocol ends here: close after sending it. */
    bool must_close;
    /* The frame was a login: the caller may refuse it (unknown or blocked ident) with `reject`. */
    bool is_login;
    /* Reply to send instead when the caller refuses the login; empty: just close. */
    struct buf reject;
};

/* One parameter that a protocol can publish; for documentation and /gw/channel-protocols. */
struct protocol_parameter {
    const char *name;
    const char *type; /* "number", "boolean", "string", "object" */
    const char *unit; /* "" when none */
    const char *info;
};

/* What a simulated tracker reports; for `trackwire simulate`, the demo and round-trip tests. */
struct protocol_sample {
    struct span ident;
    int64_t time_us;
    double latitude, longitude; /* degrees, WGS 84 */
    double altitude_m, speed_kmh, direction_deg;
    int satellites;
    bool is_ignition_on;
    double battery_v, external_v;
    uint64_t mileage_m;
    uint32_t seqnum;
};

struct protocol {
    const char *name;    /* flespi's: "teltonika", "wialon-ips" */
    const char *title;   /* for people */
    uint16_t id;         /* protocol.id in messages; flespi's number where one is known */
    unsigned transports; /* of enum protocol_transport */
    uint16_t default_port;
    uint32_t frame_max; /* a longer frame is refused, bytes */
    size_t state_size;  /* per-connection state */
    /* Finds the first frame in `in`, a prefix of the byte stream. Returns its length (> 0), 0 when
     * more bytes are needed, or a refusal that closes the connection. A pure function of the
     * stream: never of how it was cut. May skip nothing; noise that the protocol allows is a frame
     * that decodes to nothing. NULL for UDP-only protocols. */
    int (*frame)(const struct protocol_link *link, struct span in);
    /* Decodes one frame into `result`. A refusal is counted and logged by name; the connection
     * stays open unless result->must_close. Replies may be set even then. */
    int (*decode)(struct protocol_link *link, struct span frame, struct protocol_result *result);
    /* Appends what a device sends first (login) to `out`. NULL when there is no login. */
    void (*encode_login)(const struct protocol_sample *sample, struct buf *out);
    /* Appends one report as a device sends it over `transport`. NULL: cannot be simulated. */
    void (*encode_report)(const struct protocol_sample *sample, enum protocol_transport transport,
                          struct buf *out);
    const struct protocol_parameter *parameters;
    size_t parameter_count;
};

/* `link` for a new connection; `state` is protocol->state_size zeroed bytes (NULL when 0). */
void protocol_link_init(struct protocol_link *link, const struct protocol *protocol,
                        struct protocol_options options, enum protocol_transport transport,
                        void *state);
/* Binds the link to the device's ident. Refuses empty, too long, non-printable ones and those with
 * `# + /` (flespi: "# + / and non-printable ASCII are not allowed in idents"). */
int protocol_set_ident(struct protocol_link *link, struct span ident) MUST_USE;
static inline struct span protocol_ident(const struct protocol_link *link)
{
    return (struct span){link->ident, link->ident_n};
}

/* A new empty message in `result`, or NULL at the limit (the decoder then returns
 * protocol_add_error). */
struct message *protocol_add_message(struct protocol_result *result);
/* Why protocol_add_message gave NULL: ERR_PROTOCOL_MESSAGES_LIMIT or ERR_NO_MEMORY, counted. */
int protocol_add_error(const struct protocol_result *result) MUST_USE;

/* `result` over an arena, with empty replies. */
void protocol_result_init(struct protocol_result *result, struct arena *arena);
/* Ready for the next frame: arena, messages, replies and flags cleared. */
void protocol_result_clear(struct protocol_result *result);
void protocol_result_fini(struct protocol_result *result);

/* The registry, in order of name. */
const struct protocol *const *protocol_list(size_t *ret_count);
const struct protocol *protocol_by_name(struct span name);
const struct protocol *protocol_by_id(uint16_t id);

#endif
