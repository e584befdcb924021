/* A hierarchical timer wheel of one shard: start and stop in constant time, whatever the number of
 * timers. Level 0 has a slot per millisecond for the next 64, level 1 a slot per 64 ms for the next
 * 4096, and so on; when the time enters a slot of a higher level, its timers move down.
 *
 *   now = 0x...[l2][l1][l0]      a timer sits on the level of the highest 6-bit digit in which its
 *   due = 0x...[l2][L1][..]      due time differs from now, in the slot that this digit names
 *
 * So all timers of a level come before all timers of the level above, and within a level the slots
 * are in order of time without wrapping: the next timer is in the lowest occupied slot of the
 * lowest occupied level. Pure: the caller brings the time. */
#ifndef TRACKWIRE_LOOP_TIMER_WHEEL_H
#define TRACKWIRE_LOOP_TIMER_WHEEL_H

#include "loop/shard.h"

#define WHEEL_BITS 6
#define WHEEL_SLOTS (1 << WHEEL_BITS)
#define WHEEL_LEVELS 8 /* 48 bits of milliseconds: 8900 years */

#define WHEEL_NEVER INT64_MAX

struct timer_wheel {
    int64_t now_ms;                  /* all timers due up to here were told or wait in `overdue` */
    int64_t next_ms;                 /* of the first timer in a slot; 0: to be found out again */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot that is not empty */
    /* List heads; timers are linked in circles through them. */
    struct timer overdue; /* started with a due time that had passed: told by the next run */
    struct timer firing;  /* those being told now */
    struct timer slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* An empty wheel whose time is `now_ms`. */
void wheel_init(struct timer_wheel *w, int64_t now_ms);
/* As shard_timer_start. Due times beyond the wheel's reach are cut to it. */
void wheel_start(struct timer_wheel *w, struct timer *t, int64_t due_ms, int64_t slack_ms);
void wheel_stop(struct timer_wheel *w, struct timer *t);
/* Tells the timers due up to `now_ms`, in order of their due times. Returns their number. */
unsigned wheel_run(struct timer_wheel *w, int64_t now_ms);
/* When wheel_run has to be called next: the due time of the first timer, WHEEL_NEVER without one.
 * Earlier only where finding the first would take a long search. */
int64_t wheel_next_ms(struct timer_wheel *w);

#endif
