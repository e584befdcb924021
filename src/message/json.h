/* Writing JSON values without a tree: what the message writer and those who wrap its objects append
 * to a buffer. Failure shows in `buf.is_failed`. Pure, any thread. */
#ifndef TRACKWIRE_MESSAGE_JSON_H
#define TRACKWIRE_MESSAGE_JSON_H

#include "base/buf.h"

/* A quoted string; bytes that are not UTF-8 (RFC 3629) become U+FFFD. So does U+0000, which JSON
 * could escape but common readers refuse. */
void json_add_text(struct buf *out, struct span text);
void json_add_int(struct buf *out, int64_t value);
void json_add_uint(struct buf *out, uint64_t value);
/* mantissa / 10^scale, exact, without trailing zeros; `scale` is 0 to 18. */
void json_add_decimal(struct buf *out, int64_t mantissa, int scale);
/* The shortest of %.15g, %.16g and %.17g that reads back the same; -0 is written 0. `value` must be
 * finite: JSON has no other. */
void json_add_real(struct buf *out, double value);

#endif
