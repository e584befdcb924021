/* What the system knows of this process. */
#ifndef TRACKWIRE_REST_PROCESS_FIGURES_H
#define TRACKWIRE_REST_PROCESS_FIGURES_H

#include <stdint.h>

struct process_figures {
    int64_t cpu_us;
    uint64_t resident_bytes, open_fds, max_fds, threads; /* 0: unknown */
};

/* Reads /proc: a file or two and, on kernels before 6.2, a folder. Control shard. */
struct process_figures process_figures(void);

#endif
