/* What the files of Wialon IPS share. Not for others. */
#ifndef TRACKWIRE_GATEWAY_PROTOCOLS_WIALON_IPS_INTERNAL_H
#define TRACKWIRE_GATEWAY_PROTOCOLS_WIALON_IPS_INTERNAL_H

#include "gateway/protocols/protocol.h"
#include "gateway/protocols/text.h"

#define WIALON_SHORT_FIELDS 10 /* of #SD#, and of a record like it in #B# */
#define WIALON_LONG_FIELDS 16  /* of #D# */
#define WIALON_FIELDS_MAX 18   /* one more than with a checksum, so that too many are seen */

/* One record while it is read. */
struct wialon_record {
    struct message *m;
    int32_t timezone_s; /* the channel's: devices that send local time in spite of the protocol */
    struct span fields[WIALON_FIELDS_MAX];
    size_t count;
};

/* Cuts `text` at each ';' into trimmed fields; never more than WIALON_FIELDS_MAX. */
void wialon_record_split(struct span text, struct wialon_record *r);
/* Adds what the fields say to r->m. `count` must be WIALON_SHORT_FIELDS or WIALON_LONG_FIELDS. A
 * refusal leaves the message half filled. */
int wialon_record_read(struct wialon_record *r) MUST_USE;

/* The simulated tracker speaks 2.0, with checksums. */
void wialon_encode_login(const struct protocol_sample *sample, struct buf *out);
void wialon_encode_report(const struct protocol_sample *sample, enum protocol_transport transport,
                          struct buf *out);

#endif
