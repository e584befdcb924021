/* Channels at work: what trackers send over real sockets, what the hub gets, what they are
 * answered. */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static const struct gateway_config config = {
    .listen_host = "127.0.0.1",
    .port_low = 33000,
    .port_high = 33999,
    .connections_max = 3,
    .login_timeout_s = 30,
};

static int set_up(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    *state = b;
    return bench_start(b, &config);
}

static int tear_down(void **state)
{
    bench_stop(*state);
    test_free(*state);
    return 0;
}

/* A connection that has logged in. */
static int login(const struct bench *b, const char *line)
{
    int fd = tracker_connect(b->port);
    assert_true(fd >= 0);
    tracker_send(fd, line);
    tracker_expect(fd, "+");
    return fd;
}

/* ---- frames ---- */

static void a_message_is_published_then_acknowledged(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    tracker_send(fd, "Done\n");
    tracker_expect(fd, "A");
    assert_int_equal(bench_published_count(), 1); /* before the answer: no waiting */
    struct published p = bench_published(0);
    assert_string_equal(p.ident, "truck");
    assert_string_equal(p.text, "one");
    assert_int_equal(p.channel_id, 1);
    assert_int_equal(p.device_id, 0);
    assert_memory_equal(p.peer, "127.0.0.1:", 10);
    close(fd);
}

static void cuts_do_not_matter(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    for (const char *at = "Dwhole\n"; *at; at++) {
        char byte[2] = {*at, '\0'};
        tracker_send(fd, byte);
        bench_pause();
    }
    tracker_expect(fd, "A");
    tracker_send(fd, "T3\nDnext\nDlast\n");
    tracker_expect(fd, "A3AA");
    assert_string_equal(bench_published(0).text, "whole");
    assert_string_equal(bench_published(3).text, "2");
    assert_string_equal(bench_published(5).text, "last");
    close(fd);
}

static void garbage_closes_and_is_counted(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    int stranger = tracker_connect(b->port);
    tracker_send(stranger, "\xee\xee\xee");
    tracker_expect_closed(stranger);
    bench_await(bench_stats(b, 1).frames_refused == 1);
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_TEMPLATE_LENGTH), 1);
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_TEMPLATE_CHECKSUM), 0);
    tracker_send(fd, "Dstill here\n");
    tracker_expect(fd, "A");
    close(fd);
}

static void a_refused_frame_leaves_the_connection_open(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    tracker_send(fd, "X\nDafter\n");
    tracker_expect(fd, "NA");
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_TEMPLATE_CHECKSUM), 1);
    assert_int_equal(bench_published_count(), 1);
    close(fd);
}

static void an_endless_frame_is_refused(void **state)
{
    struct bench *b = *state;
    int fd = tracker_connect(b->port);
    char endless[BENCH_FRAME_MAX + 2];
    memset(endless, 'D', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    tracker_send(fd, endless);
    tracker_expect_closed(fd);
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_PROTOCOL_FRAME_TOO_LONG), 1);
}

static void a_frame_of_the_greatest_length_is_taken(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    char longest[BENCH_FRAME_MAX + 1];
    memset(longest, 'D', BENCH_FRAME_MAX);
    longest[BENCH_FRAME_MAX - 1] = '\n';
    longest[BENCH_FRAME_MAX] = '\0';
    tracker_send(fd, longest);
    tracker_expect(fd, "A");
    close(fd);
}

static void the_protocol_may_end_the_connection(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    tracker_send(fd, "Q\nDtoo late\n");
    tracker_expect(fd, "B");
    tracker_expect_closed(fd);
    assert_int_equal(bench_published_count(), 0);
}

static void what_was_not_published_is_not_acknowledged(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    bench_refuse_publish(ERR_NO_MEMORY);
    tracker_send(fd, "Dlost\n");
    tracker_expect_closed(fd);
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_NO_MEMORY), 1);
    assert_int_equal(bench_stats(b, 1).messages, 0);
}

static void a_device_that_does_not_read_is_not_read_either(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    char pings[2 * 400 + 1];
    for (int i = 0; i < 400; i++)
        memcpy(pings + 2L * i, "P\n", 3);
    for (int i = 0; i < 10; i++)
        tracker_send(fd, pings);
    char all[1001];
    memset(all, 'p', 1000);
    all[1000] = '\0';
    for (int i = 0; i < 4000; i++)
        tracker_expect(fd, all);
    close(fd);
}

/* ---- idents and devices ---- */

static void data_before_an_ident_is_refused(void **state)
{
    struct bench *b = *state;
    int fd = tracker_connect(b->port);
    tracker_send(fd, "Dnobody\n");
    tracker_expect_closed(fd);
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_CHANNEL_MESSAGE_NO_IDENT), 1);
    assert_int_equal(bench_published_count(), 0);
}

static void the_newest_connection_has_the_ident(void **state)
{
    struct bench *b = *state;
    int older = login(b, "Ltruck\n");
    int other = login(b, "Lvan\n");
    int newer = login(b, "Ltruck\n");
    tracker_expect_closed(older);
    tracker_send(newer, "Dmine\n");
    tracker_expect(newer, "A");
    tracker_send(other, "Dmine too\n");
    tracker_expect(other, "A");
    bench_await(bench_stats(b, 1).connections == 2);
    close(newer);
    close(other);
}

static void a_connection_may_say_its_ident_again(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    tracker_send(fd, "Ltruck\nLvan\nDone\n");
    tracker_expect(fd, "++A");
    int again = login(b, "Ltruck\n"); /* the ident is free again */
    tracker_send(fd, "Dtwo\n");
    tracker_expect(fd, "A");
    assert_string_equal(bench_published(1).ident, "van");
    close(fd);
    close(again);
}

static void a_registered_device_is_named(void **state)
{
    struct bench *b = *state;
    bench_device(b, 9, "truck", true);
    int fd = login(b, "Ltruck\n");
    tracker_send(fd, "Done\n");
    tracker_expect(fd, "A");
    bench_forget_device(b, 9);
    tracker_send(fd, "Dtwo\n");
    tracker_expect(fd, "A");
    assert_int_equal(bench_published(0).device_id, 9);
    assert_int_equal(bench_published(1).device_id, 0);
    close(fd);
}

static void a_disabled_device_is_rejected_and_takes_nothing_over(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    bench_device(b, 9, "van", false);
    int van = tracker_connect(b->port);
    tracker_send(van, "Lvan\n");
    tracker_expect(van, "-");
    tracker_expect_closed(van);
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_CHANNEL_DEVICE_DISABLED), 1);
    bench_device(b, 8, "truck", false); /* while it is connected */
    tracker_expect_closed(fd);
}

static void a_message_may_name_its_own_ident(void **state)
{
    struct bench *b = *state;
    bench_device(b, 9, "trailer", true);
    bench_device(b, 10, "wreck", false);
    int fd = tracker_connect(b->port);
    tracker_send(fd, "Mtrailer:one\n");
    tracker_expect(fd, "A");
    struct published p = bench_published(0);
    assert_string_equal(p.ident, "trailer");
    assert_int_equal(p.device_id, 9);
    /* One of a disabled device is acknowledged, or it would come for ever, and is dropped. */
    tracker_send(fd, "Mwreck:two\n");
    tracker_expect(fd, "A");
    assert_int_equal(bench_published_count(), 1);
    tracker_send(fd, "Ma/b:three\n");
    tracker_expect_closed(fd);
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_IDENT_CHARACTER), 1);
}

/* ---- limits ---- */

static void more_connections_than_allowed_are_refused(void **state)
{
    struct bench *b = *state;
    int a = login(b, "La\n"), c = login(b, "Lc\n"), d = login(b, "Ld\n");
    int over = tracker_connect(b->port);
    tracker_expect_closed(over);
    close(a);
    bench_await(bench_stats(b, 1).connections == 2);
    int fits = login(b, "Le\n");
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_CHANNEL_CONNECTIONS_LIMIT), 1);
    close(c);
    close(d);
    close(fits);
}

static void a_silent_device_is_closed(void **state)
{
    struct bench *b = *state;
    uint16_t port;
    assert_int_equal(bench_open(b, bench_channel(2, 0, 1), &port), 0);
    uint64_t before = err_count(ERR_CHANNEL_IDLE);
    int fd = tracker_connect(port);
    tracker_send(fd, "Ltruck\n");
    tracker_expect(fd, "+");
    tracker_expect_closed(fd);
    assert_int_equal(err_count(ERR_CHANNEL_IDLE), before + 1);
}

static int set_up_hasty(void **state)
{
    struct gateway_config hasty = config;
    hasty.login_timeout_s = 1;
    struct bench *b = test_calloc(1, sizeof(*b));
    *state = b;
    return bench_start(b, &hasty);
}

static void a_device_must_say_its_ident_in_time(void **state)
{
    struct bench *b = *state;
    int known = login(b, "Ltruck\n");
    uint64_t before = err_count(ERR_CHANNEL_LOGIN_TIMEOUT);
    int fd = tracker_connect(b->port);
    tracker_send(fd, "Ltru"); /* a slow one has no more time */
    tracker_expect_closed(fd);
    assert_int_equal(err_count(ERR_CHANNEL_LOGIN_TIMEOUT), before + 1);
    tracker_send(known, "Dstill here\n");
    tracker_expect(known, "A");
    close(known);
}

static void many_frames_without_an_ident_are_too_many(void **state)
{
    struct bench *b = *state;
    int known = login(b, "Ltruck\n");
    int fd = tracker_connect(b->port);
    for (int i = 0; i < 17; i++) {
        tracker_send(fd, "X\n");
        tracker_expect(fd, "N");
        tracker_send(known, "X\n");
        tracker_expect(known, "N");
    }
    tracker_expect_closed(fd);
    assert_int_equal(gateway_channel_refusals(b->gateway, 1, ERR_CHANNEL_LOGIN_MISSING), 1);
    tracker_send(known, "Dstill here\n");
    tracker_expect(known, "A");
    close(known);
}

/* ---- UDP ---- */

static void a_datagram_is_a_frame_with_its_own_ident(void **state)
{
    struct bench *b = *state;
    bench_device(b, 9, "truck", true);
    int fd = tracker_connect_udp(b->port);
    tracker_send(fd, "Ltruck\nDone\n");
    tracker_expect(fd, "+A");
    struct published p = bench_published(0);
    assert_string_equal(p.ident, "truck");
    assert_int_equal(p.device_id, 9);
    /* The next one starts anew. */
    tracker_send(fd, "Dtwo\n");
    bench_await(gateway_channel_refusals(b->gateway, 1, ERR_CHANNEL_MESSAGE_NO_IDENT) == 1);
    tracker_send(fd, "\xff\xff");
    bench_await(gateway_channel_refusals(b->gateway, 1, ERR_TEMPLATE_LENGTH) == 1);
    tracker_expect_silence(fd);
    assert_int_equal(bench_published_count(), 1);
    close(fd);
}

/* ---- channels ---- */

static void ports_come_from_the_range_or_are_refused(void **state)
{
    struct bench *b = *state;
    uint16_t port = 0, same = 0;
    assert_in_range(b->port, config.port_low, config.port_high);
    assert_int_equal(bench_open(b, bench_channel(2, 0, 0), &port), 0);
    assert_in_range(port, config.port_low, config.port_high);
    assert_int_not_equal(port, b->port);
    assert_int_equal(bench_open(b, bench_channel(3, port, 0), &same), ERR_CHANNEL_PORT_IN_USE);
    assert_int_equal(bench_open(b, bench_channel(2, 0, 0), &same), ERR_CHANNEL_EXISTS);
    assert_int_equal(same, 0);
}

static void a_closed_channel_hangs_up_and_frees_its_port(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    bench_close(b, 1);
    struct gateway_channel_stats stats;
    assert_false(gateway_channel_stats(b->gateway, 1, &stats));
    uint16_t port;
    assert_int_equal(bench_open(b, bench_channel(4, b->port, 0), &port), 0);
    assert_int_equal(port, b->port);
    tracker_expect_closed(fd);
    int again = login(b, "Ltruck\n");
    tracker_send(again, "Done\n");
    tracker_expect(again, "A");
    assert_int_equal(bench_published(0).channel_id, 4);
    close(again);
}

static void a_change_of_options_hangs_up_a_new_name_does_not(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    uint16_t port;
    assert_int_equal(bench_change(b, bench_channel(1, 0, 77), &port), 0);
    assert_int_equal(port, b->port);
    tracker_send(fd, "Done\n");
    tracker_expect(fd, "A");
    struct hub_channel *lenient = bench_channel(1, 0, 0);
    lenient->options.is_lenient = true;
    assert_int_equal(bench_change(b, lenient, &port), 0);
    tracker_expect_closed(fd);
    close(login(b, "Ltruck\n"));
}

static void a_change_of_port_moves_the_channel(void **state)
{
    struct bench *b = *state;
    uint16_t other, moved;
    assert_int_equal(bench_open(b, bench_channel(2, 0, 0), &other), 0);
    bench_close(b, 2);
    int fd = login(b, "Ltruck\n");
    assert_int_equal(bench_change(b, bench_channel(1, other, 0), &moved), 0);
    assert_int_equal(moved, other);
    tracker_expect_closed(fd);
    assert_int_equal(tracker_connect(b->port), -1);
    b->port = moved;
    close(login(b, "Ltruck\n"));
}

static void a_disabled_channel_does_not_listen(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    uint16_t port;
    struct hub_channel *disabled = bench_channel(1, b->port, 0);
    disabled->is_enabled = false;
    assert_int_equal(bench_change(b, disabled, &port), 0);
    tracker_expect_closed(fd);
    assert_int_equal(tracker_connect(b->port), -1);
    assert_int_equal(bench_change(b, bench_channel(1, b->port, 0), &port), 0);
    close(login(b, "Ltruck\n"));
}

static void figures_add_up(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    tracker_send(fd, "T5\nX\n");
    tracker_expect(fd, "A5N");
    close(fd);
    bench_await(bench_stats(b, 1).connections == 0);
    struct gateway_channel_stats stats = bench_stats(b, 1);
    assert_int_equal(stats.messages, 5);
    assert_int_equal(stats.frames_refused, 1);
    assert_int_equal(stats.bytes_in, 7 + 5);
    assert_int_equal(stats.bytes_out, 1 + 3);
}

static void stopping_hangs_up_with_the_last_answers_sent(void **state)
{
    struct bench *b = *state;
    int fd = login(b, "Ltruck\n");
    int silent = tracker_connect(b->port);
    tracker_send(fd, "Done\n");
    (void)bench_published(0);
    bench_stop(b);
    tracker_expect(fd, "A");
    tracker_expect_closed(fd);
    tracker_expect_closed(silent);
    assert_int_equal(bench_start(b, &config), 0); /* for the tear-down */
}

static void reasons_have_flespis_numbers(void **state)
{
    (void)state;
    assert_int_equal(gateway_close_code(ERR_CONN_EOF), 2);
    assert_int_equal(gateway_close_code(ERR_CHANNEL_IDENT_COLLISION), 12);
    assert_int_equal(gateway_close_code(ERR_CHANNEL_IDLE), 17);
    assert_int_equal(gateway_close_code(ERR_CHANNEL_CHANGED), 9);
    assert_int_equal(gateway_close_code(ERR_CHANNEL_DEVICE_DISABLED), 23);
    assert_int_equal(gateway_close_code(ERR_TEMPLATE_CHECKSUM), 6);
    assert_int_equal(gateway_close_code(ERR_PROTOCOL_NO_IDENT), 4);
    assert_int_equal(gateway_close_code(ERR_NO_MEMORY), 5);
    assert_int_equal(gateway_close_code(ERR_CONN_RESET), -1);
}

#define WITH_BENCH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(a_message_is_published_then_acknowledged),
        WITH_BENCH(cuts_do_not_matter),
        WITH_BENCH(garbage_closes_and_is_counted),
        WITH_BENCH(a_refused_frame_leaves_the_connection_open),
        WITH_BENCH(an_endless_frame_is_refused),
        WITH_BENCH(a_frame_of_the_greatest_length_is_taken),
        WITH_BENCH(the_protocol_may_end_the_connection),
        WITH_BENCH(what_was_not_published_is_not_acknowledged),
        WITH_BENCH(a_device_that_does_not_read_is_not_read_either),
        WITH_BENCH(data_before_an_ident_is_refused),
        WITH_BENCH(the_newest_connection_has_the_ident),
        WITH_BENCH(a_connection_may_say_its_ident_again),
        WITH_BENCH(a_registered_device_is_named),
        WITH_BENCH(a_disabled_device_is_rejected_and_takes_nothing_over),
        WITH_BENCH(a_message_may_name_its_own_ident),
        WITH_BENCH(more_connections_than_allowed_are_refused),
        WITH_BENCH(a_silent_device_is_closed),
        cmocka_unit_test_setup_teardown(a_device_must_say_its_ident_in_time, set_up_hasty,
                                        tear_down),
        WITH_BENCH(many_frames_without_an_ident_are_too_many),
        WITH_BENCH(a_datagram_is_a_frame_with_its_own_ident),
        WITH_BENCH(ports_come_from_the_range_or_are_refused),
        WITH_BENCH(a_closed_channel_hangs_up_and_frees_its_port),
        WITH_BENCH(a_change_of_options_hangs_up_a_new_name_does_not),
        WITH_BENCH(a_change_of_port_moves_the_channel),
        WITH_BENCH(a_disabled_channel_does_not_listen),
        WITH_BENCH(figures_add_up),
        WITH_BENCH(stopping_hangs_up_with_the_last_answers_sent),
        cmocka_unit_test(reasons_have_flespis_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
