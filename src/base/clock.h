/* Time. Loops read it once a turn and hand it down; codecs and decoders never read it. */
#ifndef TRACKWIRE_BASE_CLOCK_H
#define TRACKWIRE_BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970-01-01 UTC: what messages carry. */
int64_t clock_wall_us(void);
/* Milliseconds since an arbitrary start, never going back: what timers use. */
int64_t clock_mono_ms(void);

#endif
