/* base/log.h: lines reach standard error whole, escaped, in order, from any thread, with and
 * without the writer. Each case sends standard error into a file and reads it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CAPTURE_MAX (1 << 20)

static FILE *capture;
static int stderr_before;
static char captured[CAPTURE_MAX + 1];

static void capture_start(void)
{
    capture = tmpfile();
    assert_non_null(capture);
    fflush(stderr);
    stderr_before = dup(STDERR_FILENO);
    dup2(fileno(capture), STDERR_FILENO);
}

/* What was written since, with NUL at the end; standard error is itself again. */
static const char *capture_end(void)
{
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    rewind(capture);
    captured[fread(captured, 1, CAPTURE_MAX, capture)] = '\0';
    fclose(capture);
    return captured;
}

/* `line` is "2026-11-24T20:26:03.123Z " and then `rest`. */
static void check_line(const char *line, const char *rest)
{
    int year, month, day, hour, minute, second, ms, used = 0;
    int fields = sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour,
                        &minute, &second, &ms, &used);
    assert_int_equal(fields, 7);
    assert_int_equal(used, 25);
    assert_string_equal(line + used, rest);
}

static void test_writes_lines_of_the_level_and_above(void **state)
{
    (void)state;
    capture_start();
    log_open(LOG_NOTICE, 0);
    log_info("not wanted");
    log_notice("listening: %s: port %d", "mqtt", 1883);
    log_close();
    check_line(capture_end(), "notice listening: mqtt: port 1883\n");
    capture_start();
    log_open(LOG_NOTICE, 0);
    log_set_level(LOG_DEBUG);
    log_debug("wanted now");
    log_close();
    check_line(capture_end(), "debug wanted now\n");
}

static void test_writes_at_once_without_a_writer(void **state)
{
    (void)state;
    log_set_level(LOG_NOTICE);
    capture_start();
    log_error("early");
    check_line(capture_end(), "error early\n");
}

static void test_escapes_what_peers_put_in(void **state)
{
    (void)state;
    capture_start();
    log_open(LOG_NOTICE, 0);
    log_notice("client %s", "a\x1b[2J\nb\x7f\xff");
    log_close();
    check_line(capture_end(), "notice client a\\x1b[2J\\x0ab\\x7f\\xff\n");
}

static void test_json_is_one_object_a_line(void **state)
{
    (void)state;
    capture_start();
    log_open(LOG_NOTICE, 1);
    log_warning("a \"quote\", a \\ and a \t");
    log_close();
    const char *said = capture_end();
    assert_memory_equal(said, "{\"time\":\"2", 10);
    const char *rest = strstr(said, "Z\",");
    assert_non_null(rest);
    assert_string_equal(rest + 3, "\"level\":\"warning\",\"text\":"
                                  "\"a \\\"quote\\\", a \\\\ and a \\\\x09\"}\n");
}

/* The longest text, with every byte escaped: what a peer can do to a line at worst. */
static void test_longest_line(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 0x01, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int is_json = 0; is_json < 2; is_json++) {
        capture_start();
        log_open(LOG_NOTICE, is_json);
        log_notice("%s", text);
        log_close();
        const char *said = capture_end();
        size_t n = strlen(said), escapes = 0;
        for (const char *at = said; (at = strstr(at, "\\x01")) != NULL; at += 4)
            escapes++;
        assert_int_equal(escapes, 1024);
        assert_int_equal(said[n - 1], '\n');
        assert_ptr_equal(strchr(said, '\n'), said + n - 1);
    }
}

#define THREADS 4
#define LINES 500

static void *chatter(void *argument)
{
    for (int i = 0; i < LINES; i++)
        log_notice("thread %d line %d", (int)(intptr_t)argument, i);
    return NULL;
}

/* Lines that the buffer had no room for are counted in a line of their own; none is torn, and each
 * thread's come in its order. */
static void check_chatter(char *said)
{
    int next[THREADS] = {0}, seen = 0, dropped = 0;
    for (char *line = strtok_r(said, "\n", &said); line; line = strtok_r(NULL, "\n", &said)) {
        int thread, number, count;
        const char *text = strchr(line, ' ');
        assert_non_null(text);
        if (sscanf(text, " warning log: %d lines dropped", &count) == 1) {
            dropped += count;
            continue;
        }
        assert_int_equal(sscanf(text, " notice thread %d line %d", &thread, &number), 2);
        assert_in_range(thread, 0, THREADS - 1);
        assert_true(number >= next[thread]);
        next[thread] = number + 1;
        seen++;
    }
    assert_int_equal(seen + dropped, THREADS * LINES);
    assert_true(seen > 0);
}

static void test_threads_do_not_tear_lines(void **state)
{
    (void)state;
    capture_start();
    log_open(LOG_NOTICE, 0);
    pthread_t threads[THREADS];
    bool is_started = true;
    for (intptr_t i = 0; i < THREADS; i++)
        is_started &= pthread_create(&threads[i], NULL, chatter, (void *)i) == 0;
    for (int i = 0; is_started && i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_close();
    (void)capture_end();
    assert_true(is_started);
    check_chatter(captured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_lines_of_the_level_and_above),
        cmocka_unit_test(test_writes_at_once_without_a_writer),
        cmocka_unit_test(test_escapes_what_peers_put_in),
        cmocka_unit_test(test_json_is_one_object_a_line),
        cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_threads_do_not_tear_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
