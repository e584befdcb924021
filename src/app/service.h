/* The hub as a process: every room put together, from the data folder to the last listener, and
 * taken apart again. */
#ifndef TRACKWIRE_APP_SERVICE_H
#define TRACKWIRE_APP_SERVICE_H

#include "app/command.h"
#include "app/config.h"

struct service_options {
    const struct config *config;
    /* Reads the configuration anew for SIGHUP: 0, or an error that was logged. NULL: no file. */
    int (*reload)(void *context, struct config *ret);
    void *context;
    int64_t started_ms; /* clock_mono_ms when the process began: for the ready line */
};

/* Runs until SIGTERM or SIGINT; the exit status. Says on standard error what failed. Main thread,
 * which must have no other threads yet. */
int service_run(const struct command *command, const struct service_options *options);

#endif
