/* A set of packet identifiers: those of QoS 2 messages that a client sent and has not released.
 * Mostly a handful, so a short list; a bitmap when a client keeps very many open. */
#ifndef TRACKWIRE_BROKER_PID_SET_H
#define TRACKWIRE_BROKER_PID_SET_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct pid_set {
    uint16_t *list;  /* the members, unordered, while there are few */
    uint8_t *bitmap; /* 65,536 bits instead of the list */
    uint32_t count, cap;
};

/* Whether `pid` is a member. */
bool pid_set_has(const struct pid_set *s, uint16_t pid);
/* Adds one that is not a member. ERR_NO_MEMORY. */
int pid_set_add(struct pid_set *s, uint16_t pid) MUST_USE;
/* False when it was no member. */
bool pid_set_remove(struct pid_set *s, uint16_t pid);
/* Empty, nothing allocated. */
void pid_set_clear(struct pid_set *s);

#endif
