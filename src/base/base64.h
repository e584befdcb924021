/* Base64 as HTTP and WebSocket use it (RFC 4648 4). Pure, any thread. */
#ifndef TRACKWIRE_BASE_BASE64_H
#define TRACKWIRE_BASE_BASE64_H

#include "base/err.h"
#include "base/span.h"

/* Characters that `n` bytes become, padding included; there is no NUL. */
#define BASE64_LENGTH(n) (((n) + 2) / 3 * 4)

/* Writes BASE64_LENGTH(in.n) characters. */
void base64_encode(struct span in, char *out);

/* The number of bytes written to `out`, which has room for `room` of them. Refused: a length that
 * is no multiple of four, characters outside the alphabet, padding anywhere but at the end
 * (ERR_BASE64_LENGTH, ERR_BASE64_CHARACTER), and more bytes than there is room for
 * (ERR_BASE64_ROOM). Bits that no byte uses may have any value (RFC 4648 3.5). */
int base64_decode(struct span in, uint8_t *out, size_t room) MUST_USE;

#endif
