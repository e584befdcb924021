/* Plays bytes to a protocol the way the gateway does, without sockets, and keeps what came out: for
 * goldens, captures and unit tests. */
#ifndef TRACKWIRE_TESTS_GOLDEN_REPLAY_H
#define TRACKWIRE_TESTS_GOLDEN_REPLAY_H

#include <jansson.h>

#include "gateway/protocols/protocol.h"

struct replay_setup {
    const struct protocol *protocol;
    enum protocol_transport transport;
    bool is_lenient;
    const char *ident; /* of the link before the first byte; NULL for none */
};

struct replay; /* one connection */

/* Never NULL: a test that is out of memory ends. */
struct replay *replay_new(struct replay_setup setup);
void replay_free(struct replay **replay);
/* TCP: the next bytes of the stream, in whatever pieces. */
void replay_feed(struct replay *replay, struct span bytes);
/* One frame or datagram, straight to decode(). */
void replay_decode(struct replay *replay, struct span frame);
/* What happened so far, owned by the replay: {"ident": text, "frames": [length, ...], "messages":
 * [object, ...], "replies": [hex, ...], "errors": [name, ...], "closed": bool}. */
json_t *replay_report(struct replay *replay);
/* Forgets what the report holds; the connection goes on. */
void replay_forget(struct replay *replay);

/* A new report of `stream` fed in one piece, byte by byte (`seed` 0), or in pieces that are cut at
 * places drawn from `seed`. */
json_t *replay_stream(struct replay_setup setup, struct span stream);
json_t *replay_stream_cut(struct replay_setup setup, struct span stream, uint64_t seed);
/* True when the stream gives the same report whole, byte by byte and under `cuts` random cuts. */
bool replay_is_cut_proof(struct replay_setup setup, struct span stream, unsigned cuts);

/* Bytes of a text of hexadecimal digits and white space, appended to `out`; false on other text. */
bool replay_unhex(struct span text, struct buf *out);

#endif
