/* See tracker.h. One timer drives it: what is due depends on how far it came. */
#include "app/tracker.h"

#include "app/answers.h"

#include <errno.h>
#include <unistd.h>

#define ANSWER_WAIT_MS 5000 /* for a login's answer, and for the last report's */
/* Connections in a row that may fail: few when the server was never heard, since then the address
 * is probably wrong; more when it was, since then it probably restarts. */
#define FAILURES_MAX_UNHEARD 3
#define FAILURES_MAX_HEARD 10
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 8000
#define REPORT_BYTES_MAX 8192
#define INPUT_MAX 8192
#define TIMER_SLACK_MS 5

static int64_t now_ms(void)
{
    return shard_now_ms(shard_self());
}

static void wait_until(struct tracker *t, int64_t due_ms)
{
    shard_timer_start(shard_self(), &t->timer, due_ms, TIMER_SLACK_MS);
}

static bool is_done(const struct tracker *t)
{
    return t->fleet->count && t->sent >= t->fleet->count;
}

/* ---- end ---- */

static void forget_connection(struct tracker *t)
{
    t->fleet->lost += t->waiting;
    t->waiting = 0;
    t->conn = NULL;
    t->is_logged_in = false;
}

static void end(struct tracker *t)
{
    if (t->has_ended)
        return;
    t->has_ended = true;
    shard_timer_stop(shard_self(), &t->timer);
    if (t->conn)
        conn_close(t->conn, ERR_CONN_EOF);
    udp_free(&t->udp);
    forget_connection(t);
    t->fleet->on_end(t->fleet);
}

/* The connection is gone or was never there: try again, later each time, and not for ever. */
static void fail(struct tracker *t, int err)
{
    forget_connection(t);
    if (t->has_ended)
        return;
    t->fleet->last_err = err;
    if (is_done(t)) {
        end(t);
        return;
    }
    if (++t->failures > (t->was_heard ? FAILURES_MAX_HEARD : FAILURES_MAX_UNHEARD)) {
        t->fleet->given_up++;
        end(t);
        return;
    }
    int64_t pause_ms = (int64_t)PAUSE_MIN_MS << t->failures;
    int64_t again_ms = now_ms() + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
    wait_until(t, again_ms > t->due_ms ? again_ms : t->due_ms);
}

/* ---- reports ---- */

static struct protocol_sample sample_of(struct tracker *t)
{
    struct vehicle *v = &t->vehicle;
    int64_t now = now_ms();
    vehicle_advance(v, (double)(now - t->moved_ms) / 1000);
    t->moved_ms = now;
    struct route_point at = vehicle_position(v);
    return (struct protocol_sample){
        .ident = span_str(t->ident),
        .time_us = shard_wall_us(shard_self()) / 1000 * 1000,
        .latitude = at.latitude,
        .longitude = at.longitude,
        .altitude_m = v->route->altitude_m,
        .speed_kmh = vehicle_speed_kmh(v),
        .direction_deg = vehicle_direction_deg(v),
        .satellites = 9 + (int)(t->seqnum % 5),
        .is_ignition_on = true,
        .battery_v = 4.1,
        .external_v = v->speed > 0 ? 14.1 : 13.8,
        .mileage_m = (uint64_t)v->mileage_m,
        .seqnum = t->seqnum,
    };
}

static void send_bytes(struct tracker *t, struct buf *bytes)
{
    if (t->udp)
        udp_send(t->udp, &t->fleet->to, buf_span(bytes));
    else if (t->conn)
        conn_write(t->conn, buf_span(bytes));
    buf_fini(bytes);
}

static void send_login(struct tracker *t)
{
    const struct protocol *protocol = t->fleet->protocol;
    t->is_logged_in = t->udp || !protocol->encode_login;
    if (t->is_logged_in)
        return;
    struct buf bytes = buf_make(MEM_BASE, REPORT_BYTES_MAX);
    struct protocol_sample sample = sample_of(t);
    protocol->encode_login(&sample, &bytes);
    send_bytes(t, &bytes);
}

static void send_report(struct tracker *t)
{
    struct buf bytes = buf_make(MEM_BASE, REPORT_BYTES_MAX);
    struct protocol_sample sample = sample_of(t);
    t->fleet->protocol->encode_report(&sample, t->fleet->transport, &bytes);
    send_bytes(t, &bytes);
    t->seqnum++;
    t->sent++;
    t->waiting++;
    t->fleet->sent++;
    t->due_ms += t->fleet->interval_ms;
    if (t->due_ms < now_ms())
        t->due_ms = now_ms(); /* it was away: go on from here */
    wait_until(t, is_done(t) ? now_ms() + ANSWER_WAIT_MS : t->due_ms);
}

/* ---- answers ---- */

static void take_answer(struct tracker *t, enum answer answer)
{
    if (answer == ANSWER_NONE)
        return;
    if (!t->is_logged_in) {
        if (answer == ANSWER_REFUSED) {
            t->fleet->refused++;
            return; /* the server closes; fail() follows */
        }
        t->is_logged_in = t->was_heard = true;
        wait_until(t, t->due_ms > now_ms() ? t->due_ms : now_ms());
        return;
    }
    t->failures = 0;
    t->was_heard = true;
    t->waiting -= t->waiting > 0;
    if (answer == ANSWER_ACCEPTED)
        t->fleet->accepted++;
    else
        t->fleet->refused++;
    if (is_done(t) && !t->waiting)
        wait_until(t, now_ms()); /* not from in here: the connection is telling us something */
}

static size_t take_answers(struct tracker *t, struct span in)
{
    size_t used = 0;
    while (used < in.n) {
        enum answer answer;
        size_t n = answer_read(t->fleet->protocol, t->fleet->transport, !t->is_logged_in,
                               span_from(in, used), &answer);
        if (!n)
            break;
        used += n;
        take_answer(t, answer);
    }
    return used;
}

static ssize_t on_data(struct conn *c, void *owner, struct span in)
{
    (void)c;
    return (ssize_t)take_answers(owner, in);
}

static void on_close(struct conn *c, void *owner, int err)
{
    (void)c;
    struct tracker *t = owner;
    t->conn = NULL;
    fail(t, err);
}

static const struct conn_handler handler = {on_data, on_close, NULL};

static void on_datagram(void *owner, const struct net_address *peer, struct span in)
{
    (void)peer;
    (void)take_answers(owner, in);
}

/* ---- connections ---- */

static int connect_tcp(struct tracker *t)
{
    const struct net_address *to = &t->fleet->to;
    int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_raise(ERR_SIMULATE_SOCKET);
    if (connect(fd, &to->any, to->n) < 0 && errno != EINPROGRESS) {
        (void)close(fd);
        return err_raise(ERR_SIMULATE_CONNECT);
    }
    int err = conn_new(fd, &transport_tcp, to, &t->conn);
    if (err < 0) {
        (void)close(fd);
        return err;
    }
    conn_set_handler(t->conn, &handler, t);
    conn_set_input_limit(t->conn, INPUT_MAX);
    return conn_start(t->conn);
}

static int connect_udp(struct tracker *t)
{
    const char *any = t->fleet->to.any.sa_family == AF_INET ? "0.0.0.0" : "::";
    struct net_address local;
    int fd;
    int err = net_address_parse(SPAN_LIT("0"), any, &local);
    if (!err)
        err = net_bind_udp(&local, &fd);
    if (err)
        return err;
    err = udp_new(fd, on_datagram, t, &t->udp);
    (void)close(fd);
    return err;
}

static void begin(struct tracker *t)
{
    int err = t->fleet->transport == PROTOCOL_UDP ? connect_udp(t) : connect_tcp(t);
    if (err) {
        if (t->conn)
            conn_close(t->conn, err); /* which tells fail() */
        else
            fail(t, err);
        return;
    }
    t->fleet->reconnects += t->was_connected;
    t->was_connected = true;
    send_login(t);
    wait_until(t, t->is_logged_in ? now_ms() : now_ms() + ANSWER_WAIT_MS);
}

static void on_timer(struct timer *timer)
{
    struct tracker *t = (struct tracker *)((char *)timer - offsetof(struct tracker, timer));
    if (is_done(t))
        end(t);
    else if (!t->conn && !t->udp)
        begin(t);
    else if (t->is_logged_in)
        send_report(t);
    else
        conn_close(t->conn, ERR_SIMULATE_NO_ANSWER);
}

void tracker_start(struct tracker *t, struct fleet *fleet, uint64_t number, int64_t delay_ms)
{
    t->fleet = fleet;
    t->timer.on_due = on_timer;
    t->moved_ms = now_ms();
    t->due_ms = now_ms() + delay_ms;
    vehicle_init(&t->vehicle, number);
    wait_until(t, t->due_ms);
}

void tracker_stop(struct tracker *t)
{
    end(t);
}
