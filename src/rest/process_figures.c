/* Figures of the process, from /proc and getrusage. */
#include "rest/process_figures.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void read_status(struct process_figures *p)
{
    char line[256];
    unsigned long long n;
    FILE *f = fopen("/proc/self/status", "re");
    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "VmRSS: %llu kB", &n) == 1)
            p->resident_bytes = n * 1024;
        else if (sscanf(line, "Threads: %llu", &n) == 1)
            p->threads = n;
    }
    (void)fclose(f);
}

/* Newer kernels tell the number as the folder's size. */
static uint64_t count_descriptors(void)
{
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (uint64_t)st.st_size;
    DIR *dir = opendir("/proc/self/fd");
    uint64_t count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        (void)closedir(dir);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

static int64_t microseconds(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

struct process_figures process_figures(void)
{
    struct process_figures p = {.open_fds = count_descriptors()};
    struct rusage usage;
    struct rlimit limit;
    read_status(&p);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        p.cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        p.max_fds = limit.rlim_cur;
    return p;
}
