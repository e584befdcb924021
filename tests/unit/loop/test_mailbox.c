/* loop/mailbox.h through shard_send: order, nothing lost, no sleeper left asleep, nobody awake
 * woken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "on_shard.h"

#include <pthread.h>
#include <stdlib.h>

#define SHARDS 4
#define MAILS 100000 /* of each sender */
#define BURST 100    /* a turn */
#define OUTSIDERS 2  /* senders that are no shard */
#define SENDERS (SHARDS + OUTSIDERS)

struct numbered {
    struct mail mail; /* first */
    int sender, number;
};

/* What shard `i` received; its thread only, the main thread after `all_there`. */
static struct receiver {
    int next[SENDERS];
    int received, disordered, misplaced;
} receivers[SHARDS];

static struct sender {
    struct task task; /* first */
    struct numbered *mails;
    struct shard *to;
    int sent;
} senders[SENDERS];

static struct shard_set *set;
static sem_t all_there;
static int expected_of(int shard)
{
    return MAILS + (shard == 0 ? OUTSIDERS * MAILS : 0);
}

static void receive(struct mail *m)
{
    struct numbered *n = (struct numbered *)(void *)m;
    int shard = (int)shard_index(shard_self());
    struct receiver *r = &receivers[shard];
    r->misplaced += senders[n->sender].to != shard_self();
    r->disordered += r->next[n->sender]++ != n->number;
    if (++r->received == expected_of(shard))
        sem_post(&all_there);
}

static void send_some(struct sender *s, int count)
{
    for (int i = 0; i < count && s->sent < MAILS; i++, s->sent++)
        shard_send(s->to, &s->mails[s->sent].mail);
}

/* Every other burst leaves the loop a chance to sleep between. */
static void send_burst(struct task *t)
{
    struct sender *s = (struct sender *)(void *)t;
    send_some(s, BURST);
    if (s->sent < MAILS)
        shard_again(shard_self(), t);
}

static void *send_from_outside(void *arg)
{
    send_some(arg, MAILS);
    return NULL;
}

static void make_senders(void)
{
    for (int i = 0; i < SENDERS; i++) {
        struct sender *s = &senders[i];
        s->task.run = send_burst;
        s->to = shard_at(set, i < SHARDS ? (unsigned)(i + 1) % SHARDS : 0);
        s->mails = calloc(MAILS, sizeof *s->mails);
        for (int k = 0; k < MAILS; k++)
            s->mails[k] = (struct numbered){{NULL, receive}, i, k};
    }
}

static void test_all_arrive_in_order(void **state)
{
    (void)state;
    pthread_t outsiders[OUTSIDERS];
    sem_init(&all_there, 0, 0);
    assert_int_equal(shard_set_new(SHARDS, &set), 0);
    make_senders();
    for (unsigned i = 0; i < SHARDS; i++)
        shard_defer(shard_at(set, i), &senders[i].task);
    assert_int_equal(shard_set_start(set), 0);
    for (int i = 0; i < OUTSIDERS; i++)
        pthread_create(&outsiders[i], NULL, send_from_outside, &senders[SHARDS + i]);
    for (int i = 0; i < SHARDS; i++)
        assert_true(wait_posted(&all_there, 60));
    for (int i = 0; i < OUTSIDERS; i++)
        pthread_join(outsiders[i], NULL);
    shard_set_stop(set);
    shard_set_join(set);
    for (int i = 0; i < SHARDS; i++) {
        assert_int_equal(receivers[i].received, expected_of(i));
        assert_int_equal(receivers[i].disordered, 0);
        assert_int_equal(receivers[i].misplaced, 0);
        /* One write a burst at most. */
        assert_in_range(shard_stats(shard_at(set, (unsigned)i)).wakeups_sent, 0, MAILS / BURST);
        assert_int_equal(shard_stats(shard_at(set, (unsigned)i)).mails_sent, MAILS);
    }
    shard_set_free(&set);
    for (int i = 0; i < SENDERS; i++)
        free(senders[i].mails);
}

/* ---- sleepers ---- */

#define ROUNDS 20000

static struct ball {
    struct mail mail; /* first */
    int rounds;
} ball;

static sem_t game_over;

/* The other side sleeps, or is just about to, whenever the ball comes. */
static void hit(struct mail *m)
{
    if (++ball.rounds == ROUNDS)
        sem_post(&game_over);
    else
        shard_send(shard_at(set, !shard_index(shard_self())), m);
}

static void test_no_sleeper_is_left_asleep(void **state)
{
    (void)state;
    sem_init(&game_over, 0, 0);
    assert_int_equal(shard_set_new(2, &set), 0);
    assert_int_equal(shard_set_start(set), 0);
    ball = (struct ball){.mail.deliver = hit};
    shard_send(shard_at(set, 0), &ball.mail);
    assert_true(wait_posted(&game_over, 60));
    shard_set_stop(set);
    shard_set_join(set);
    assert_int_equal(ball.rounds, ROUNDS);
    shard_set_free(&set);
}

/* ---- to oneself ---- */

static struct self_mail {
    struct mail mail; /* first */
    uint64_t sent_turn, delivered_turn;
    sem_t done;
} self_mail;

static void note_turn(struct mail *m)
{
    (void)m;
    self_mail.delivered_turn = shard_stats(shard_self()).turns;
    sem_post(&self_mail.done);
}

static void send_to_self(void *arg)
{
    (void)arg;
    self_mail.mail.deliver = note_turn;
    self_mail.sent_turn = shard_stats(shard_self()).turns;
    shard_send(shard_self(), &self_mail.mail);
}

static void test_own_mail_comes_in_the_next_turn_unwoken(void **state)
{
    (void)state;
    sem_init(&self_mail.done, 0, 0);
    assert_int_equal(shard_set_new(1, &set), 0);
    assert_int_equal(shard_set_start(set), 0);
    on_shard(shard_at(set, 0), send_to_self, NULL);
    assert_true(wait_posted(&self_mail.done, 10));
    shard_set_stop(set);
    shard_set_join(set);
    assert_int_equal(self_mail.delivered_turn, self_mail.sent_turn + 1);
    assert_int_equal(shard_stats(shard_at(set, 0)).wakeups_sent, 0);
    shard_set_free(&set);
}

/* ---- at the end ---- */

static int relayed;

static void relay(struct mail *m)
{
    relayed++;
    if (shard_index(shard_self()) > 0)
        shard_send(shard_at(set, shard_index(shard_self()) - 1), m);
}

/* Mail that nobody's thread delivers any more, and mail that this mail sends. */
static void test_join_delivers_the_rest(void **state)
{
    (void)state;
    assert_int_equal(shard_set_new(3, &set), 0);
    assert_int_equal(shard_set_start(set), 0);
    shard_set_stop(set);
    static struct mail late;
    late.deliver = relay;
    shard_send(shard_control(set), &late);
    shard_set_join(set);
    assert_int_equal(relayed, 4);
    assert_null(shard_self());
    shard_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_arrive_in_order),
        cmocka_unit_test(test_no_sleeper_is_left_asleep),
        cmocka_unit_test(test_own_mail_comes_in_the_next_turn_unwoken),
        cmocka_unit_test(test_join_delivers_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
