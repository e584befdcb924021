/* The log's writer: threads add lines to one buffer under a short lock while the writer thread
 * writes out the other. The lock is never held during a write, so a stuck terminal costs lines, not
 * time. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 1024
#define LINE_MAX_BYTES (5 * TEXT_MAX + 128) /* each byte as \\xHH in JSON, and the head */
#define RING_BYTES (256 * 1024)

static const char *const level_names[LOG_LEVEL_COUNT_] = {
    [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
    [LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};
/* Terminal colours: red, yellow, none, none, grey. */
static const char *const level_colours[LOG_LEVEL_COUNT_] = {
    [LOG_ERROR] = "\x1b[31m", [LOG_WARNING] = "\x1b[33m", [LOG_NOTICE] = "",
    [LOG_INFO] = "",          [LOG_DEBUG] = "\x1b[90m",
};

/* Relaxed: a level that changes may take effect a line later. */
static atomic_int log_level_now = LOG_NOTICE;

static struct log {
    /* Guards `filling`, `dropped`, `is_open`; held for the copy of one line at most. */
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct buf filling;
    uint64_t dropped; /* lines since it was last told */
    bool is_open;     /* the writer runs */
    /* Written before the writer starts. */
    pthread_t writer;
    bool is_json, is_coloured;
} the_log = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void write_out(struct span s)
{
    while (s.n) {
        ssize_t n = write(STDERR_FILENO, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nowhere to complain */
        s = span_from(s, (size_t)n);
    }
}

/* A line under construction; `end` leaves room for what closes it. */
struct line {
    char bytes[LINE_MAX_BYTES];
    size_t n;
};

static void line_add(struct line *l, const char *text)
{
    size_t n = strlen(text);
    memcpy(l->bytes + l->n, text, n);
    l->n += n;
}

/* Text from peers may hold anything: only printable ASCII reaches the terminal as it is. */
static void line_add_escaped(struct line *l, const char *text, bool is_json)
{
    static const char hex[] = "0123456789abcdef";
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool is_plain = c >= 0x20 && c < 0x7f;
        if (!is_plain)
            line_add(l, is_json ? "\\\\x" : "\\x");
        else if (is_json && (c == '"' || c == '\\'))
            l->bytes[l->n++] = '\\';
        if (is_plain) {
            l->bytes[l->n++] = (char)c;
        } else {
            l->bytes[l->n++] = hex[c >> 4];
            l->bytes[l->n++] = hex[c & 15];
        }
    }
}

static void line_add_time(struct line *l)
{
    int64_t now_us = clock_wall_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    l->n += strftime(l->bytes + l->n, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    int n = snprintf(l->bytes + l->n, 8, ".%03dZ", (int)(now_us / 1000 % 1000));
    l->n += (size_t)n;
}

static void line_make(struct line *l, enum log_level level, const char *text)
{
    l->n = 0;
    if (the_log.is_json)
        line_add(l, "{\"time\":\"");
    line_add_time(l);
    line_add(l, the_log.is_json ? "\",\"level\":\"" : " ");
    if (the_log.is_coloured)
        line_add(l, level_colours[level]);
    line_add(l, level_names[level]);
    line_add(l, the_log.is_json ? "\",\"text\":\"" : " ");
    line_add_escaped(l, text, the_log.is_json);
    if (the_log.is_coloured)
        line_add(l, "\x1b[0m");
    line_add(l, the_log.is_json ? "\"}\n" : "\n");
}

static void *write_lines(void *arg)
{
    (void)arg;
    (void)pthread_setname_np(pthread_self(), "tw-log");
    struct buf writing = buf_make(MEM_BASE, RING_BYTES);
    bool is_done = false;
    while (!is_done) {
        pthread_mutex_lock(&the_log.lock);
        while (the_log.filling.n == 0 && the_log.dropped == 0 && the_log.is_open)
            pthread_cond_wait(&the_log.filled, &the_log.lock);
        struct buf full = the_log.filling;
        the_log.filling = writing;
        writing = full;
        uint64_t dropped = the_log.dropped;
        the_log.dropped = 0;
        is_done = !the_log.is_open;
        pthread_mutex_unlock(&the_log.lock);

        write_out(buf_span(&writing));
        buf_clear(&writing);
        if (dropped) {
            struct line l;
            char text[64];
            snprintf(text, sizeof text, "log: %llu lines dropped", (unsigned long long)dropped);
            line_make(&l, LOG_WARNING, text);
            write_out(span_of(l.bytes, l.n));
        }
    }
    buf_fini(&writing);
    return NULL;
}

void log_open(enum log_level level, int is_json)
{
    log_set_level(level);
    the_log.is_json = is_json != 0;
    the_log.is_coloured = !is_json && isatty(STDERR_FILENO) && !getenv("NO_COLOR");
    the_log.filling = buf_make(MEM_BASE, RING_BYTES);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&the_log.lock); /* the writer waits for what it finds to be whole */
    /* Without the thread lines go out at once, as before log_open. */
    the_log.is_open = pthread_create(&the_log.writer, NULL, write_lines, NULL) == 0;
    pthread_mutex_unlock(&the_log.lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void log_close(void)
{
    pthread_mutex_lock(&the_log.lock);
    bool was_open = the_log.is_open;
    the_log.is_open = false; /* lines that follow go out at once */
    pthread_cond_signal(&the_log.filled);
    pthread_mutex_unlock(&the_log.lock);
    if (!was_open)
        return;
    pthread_join(the_log.writer, NULL);
    buf_fini(&the_log.filling);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

/* False: there is no writer. */
static bool hand_to_writer(const struct line *l)
{
    pthread_mutex_lock(&the_log.lock);
    bool is_open = the_log.is_open;
    if (is_open) {
        uint8_t *p = buf_reserve(&the_log.filling, l->n);
        if (p) {
            memcpy(p, l->bytes, l->n);
            the_log.filling.n += l->n;
        } else {
            the_log.dropped++;
        }
        pthread_cond_signal(&the_log.filled);
    }
    pthread_mutex_unlock(&the_log.lock);
    return is_open;
}

void log_line(enum log_level level, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&log_level_now, memory_order_relaxed))
        return;
    char text[TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct line l;
    line_make(&l, level, text);
    if (!hand_to_writer(&l))
        write_out(span_of(l.bytes, l.n));
}
