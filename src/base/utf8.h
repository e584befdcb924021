/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. Pure, any thread. */
#ifndef TRACKWIRE_BASE_UTF8_H
#define TRACKWIRE_BASE_UTF8_H

#include "base/span.h"

/* True when every byte belongs to a well-formed character (RFC 3629); empty text is valid. */
bool utf8_is_valid(struct span text);
/* The same and no U+0000: what MQTT calls a UTF-8 encoded string (MQTT 5.0 1.5.4). Its length is
 * not judged. */
bool utf8_is_valid_mqtt(struct span text);

#endif
