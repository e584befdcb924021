/* The log: lines to standard error, written by a thread of their own so that no shard waits for a
 * slow terminal; lines past the ring's size are dropped and counted. Library rooms (floors 1 to 3)
 * do not log above debug: they return errors, and the caller who can name the object logs once, in
 * the form `what failed: object: reason`. */
#ifndef TRACKWIRE_BASE_LOG_H
#define TRACKWIRE_BASE_LOG_H

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_NOTICE,
    LOG_INFO,
    LOG_DEBUG,
    LOG_LEVEL_COUNT_
};

/* Starts the writer. Before it (and after log_close) lines are written at once. `is_json`: one JSON
 * object a line; else `2026-11-24T20:26:03.123Z level text`, coloured on a terminal unless
 * NO_COLOR. */
void log_open(enum log_level level, int is_json);
/* Flushes and stops the writer. */
void log_close(void);
void log_set_level(enum log_level level);
/* Any thread; cuts at 1 KiB. Bytes that are not printable are shown as \xHH. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
