/* What the program asks of the operating system for itself. */
#ifndef TRACKWIRE_APP_PROCESS_H
#define TRACKWIRE_APP_PROCESS_H

#include "base/err.h"

/* Blocks SIGTERM, SIGINT and SIGHUP, ignores SIGPIPE, and gives a non-blocking signalfd, for a
 * shard to watch; before the first thread, so that all of them inherit it. ERR_SIGNAL_FD. */
int process_open_signals(int *ret_fd) MUST_USE;
/* The next signal that came, or 0. */
int process_next_signal(int fd);
/* As many open files as the system lets us have. */
void process_raise_descriptors(void);
/* The memory that we may use: the machine's, or less where a control group says so. 0: unknown. */
uint64_t process_memory_bytes(void);

#endif
