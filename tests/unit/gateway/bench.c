/* See bench.h. */
#include "bench.h"

#include "base/hash.h"
#include "net/net.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 5000

/* ---- the protocol ---- */

static int bench_frame(const struct protocol_link *link, struct span in)
{
    (void)link;
    if (in.n && !memchr("LDMTXQP", in.p[0], 7))
        return err_raise(ERR_TEMPLATE_LENGTH);
    size_t n = span_find(in, '\n');
    return n == in.n ? 0 : (int)n + 1;
}

static int add_message(struct protocol_result *result, struct span text)
{
    struct message *m = protocol_add_message(result);
    if (!m)
        return ERR_NO_MEMORY;
    message_add_text(m, "text", text);
    return 0;
}

static int decode_login(struct protocol_link *link, struct span body,
                        struct protocol_result *result)
{
    int err = protocol_set_ident(link, body);
    result->is_login = true;
    buf_add_str(&result->reply, "+");
    buf_add_str(&result->reject, "-");
    return err;
}

static int decode_data(struct protocol_link *link, struct span body, struct protocol_result *result)
{
    (void)link;
    buf_add_str(&result->reply, "A");
    return add_message(result, body);
}

static int decode_own_ident(struct protocol_link *link, struct span body,
                            struct protocol_result *result)
{
    size_t colon = span_find(body, ':');
    int err = decode_data(link, span_from(body, colon + 1), result);
    if (!err)
        message_add_text(result->messages[0], "ident", span_head(body, colon));
    return err;
}

static int decode_many(struct protocol_link *link, struct span body, struct protocol_result *result)
{
    (void)link;
    for (int i = 0; i < body.p[0] - '0'; i++) {
        char text[16];
        int n = snprintf(text, sizeof(text), "%d", i);
        int err = add_message(result, span_of(text, (size_t)n));
        if (err)
            return err;
    }
    buf_addf(&result->reply, "A%c", body.p[0]);
    return 0;
}

static int decode_refused(struct protocol_link *link, struct span body,
                          struct protocol_result *result)
{
    (void)link;
    (void)body;
    buf_add_str(&result->reply, "N");
    return err_raise(ERR_TEMPLATE_CHECKSUM);
}

static int decode_end(struct protocol_link *link, struct span body, struct protocol_result *result)
{
    (void)link;
    (void)body;
    buf_add_str(&result->reply, "B");
    result->must_close = true;
    return 0;
}

static int decode_ping(struct protocol_link *link, struct span body, struct protocol_result *result)
{
    (void)link;
    (void)body;
    for (int i = 0; i < 1000; i++)
        buf_add_u8(&result->reply, 'p');
    return 0;
}

static const struct {
    char kind;
    int (*decode)(struct protocol_link *link, struct span body, struct protocol_result *result);
} kinds[] = {
    {'L', decode_login},   {'D', decode_data}, {'M', decode_own_ident}, {'T', decode_many},
    {'X', decode_refused}, {'Q', decode_end},  {'P', decode_ping},
};

/* Over UDP a datagram is several lines: the login's and the rest. */
static int bench_decode(struct protocol_link *link, struct span frame,
                        struct protocol_result *result)
{
    while (frame.n) {
        size_t end = span_find(frame, '\n');
        struct span body = span_from(span_head(frame, end), 1);
        int err = ERR_TEMPLATE_LENGTH;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            if ((char)frame.p[0] == kinds[i].kind)
                err = kinds[i].decode(link, body, result);
        }
        if (err)
            return err;
        frame = span_from(frame, end + 1);
    }
    return 0;
}

const struct protocol bench_protocol = {
    .name = "bench",
    .title = "Bench",
    .id = 77,
    .transports = PROTOCOL_TCP | PROTOCOL_UDP,
    .frame_max = BENCH_FRAME_MAX,
    .frame = bench_frame,
    .decode = bench_decode,
};

/* ---- the hub ---- */

static struct {
    pthread_mutex_t lock;
    struct published all[64];
    size_t count;
    int err;
} hub = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void copy_text(char *out, size_t size, struct span s)
{
    (void)snprintf(out, size, "%.*s", SPAN_FMT(s));
}

/* In place of hub/publish.c's. */
int hub_publish_message(const struct hub_origin *origin, struct message *m, struct buf *scratch)
{
    (void)scratch;
    pthread_mutex_lock(&hub.lock);
    int err = hub.err;
    if (!err && hub.count < 64) {
        struct published *p = &hub.all[hub.count++];
        const struct message_value *text = message_find(m, SPAN_LIT("text"));
        p->channel_id = origin->channel->id;
        p->device_id = origin->device ? origin->device->id : 0;
        copy_text(p->ident, sizeof(p->ident), origin->ident);
        copy_text(p->peer, sizeof(p->peer), origin->peer);
        copy_text(p->text, sizeof(p->text), text->text);
    }
    pthread_mutex_unlock(&hub.lock);
    return err;
}

size_t bench_published_count(void)
{
    pthread_mutex_lock(&hub.lock);
    size_t count = hub.count;
    pthread_mutex_unlock(&hub.lock);
    return count;
}

struct published bench_published(size_t index)
{
    bench_await(bench_published_count() > index);
    pthread_mutex_lock(&hub.lock);
    struct published p = hub.all[index];
    pthread_mutex_unlock(&hub.lock);
    return p;
}

void bench_refuse_publish(int err)
{
    pthread_mutex_lock(&hub.lock);
    hub.err = err;
    pthread_mutex_unlock(&hub.lock);
}

void bench_pause(void)
{
    (void)poll(NULL, 0, 1);
}

/* ---- calls on the control shard ---- */

#define WORKERS 2

struct call {
    struct mail mail;
    struct mail settled[WORKERS]; /* follow what the call ordered from the workers */
    unsigned unsettled;
    void (*run)(struct call *call);
    struct bench *bench;
    struct hub_channel *channel;
    struct hub_device *device;
    uint64_t id;
    uint16_t *ret_port;
    int result;
    bool is_done;
};

static pthread_mutex_t call_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t call_done = PTHREAD_COND_INITIALIZER;

static void count_settled(struct call *call)
{
    pthread_mutex_lock(&call_lock);
    if (--call->unsettled == 0) {
        call->is_done = true;
        pthread_cond_broadcast(&call_done);
    }
    pthread_mutex_unlock(&call_lock);
}

static void settle_first(struct mail *m)
{
    count_settled((struct call *)((char *)m - offsetof(struct call, settled[0])));
}

static void settle_second(struct mail *m)
{
    count_settled((struct call *)((char *)m - offsetof(struct call, settled[1])));
}

/* The caller goes on when each worker has carried out what was ordered from it before. */
static void finish_call(void *context)
{
    struct call *call = context;
    call->unsettled = WORKERS;
    call->settled[0].deliver = settle_first;
    call->settled[1].deliver = settle_second;
    for (unsigned i = 0; i < WORKERS; i++)
        shard_send(shard_at(call->bench->shards, i), &call->settled[i]);
}

static void deliver_call(struct mail *m)
{
    struct call *call = (struct call *)m;
    call->run(call);
}

static int on_control(struct call call)
{
    struct call *shared = test_malloc(sizeof(*shared));
    *shared = call;
    shared->mail.deliver = deliver_call;
    shard_send(shard_control(call.bench->shards), &shared->mail);
    pthread_mutex_lock(&call_lock);
    while (!shared->is_done)
        pthread_cond_wait(&call_done, &call_lock);
    pthread_mutex_unlock(&call_lock);
    int result = shared->result;
    test_free(shared);
    return result;
}

static void run_open(struct call *c)
{
    c->result = gateway_operations.channel_open(c->bench->gateway, c->channel, c->ret_port);
    finish_call(c);
}

static void run_change(struct call *c)
{
    c->result = gateway_operations.channel_change(c->bench->gateway, c->channel, c->ret_port);
    finish_call(c);
}

static void run_close(struct call *c)
{
    gateway_operations.channel_close(c->bench->gateway, c->id);
    finish_call(c);
}

static void run_device_set(struct call *c)
{
    gateway_operations.device_set(c->bench->gateway, c->device);
    finish_call(c);
}

static void run_device_unset(struct call *c)
{
    gateway_operations.device_unset(c->bench->gateway, c->id);
    finish_call(c);
}

static void run_stop(struct call *c)
{
    gateway_stop(c->bench->gateway, finish_call, c);
}

static struct account account = {.id = 1};

static void free_channel(struct ref *ref)
{
    mem_free(MEM_HUB, ref);
}

struct hub_channel *bench_channel(uint64_t id, uint16_t port, uint32_t idle_timeout_s)
{
    struct hub_channel *channel = mem_zalloc(MEM_HUB, sizeof(*channel));
    ref_init(&channel->ref, free_channel);
    channel->id = id;
    channel->account = &account;
    channel->protocol = &bench_protocol;
    channel->port = port;
    channel->is_enabled = true;
    channel->idle_timeout_s = idle_timeout_s;
    (void)snprintf(channel->name, sizeof(channel->name), "channel %d", (int)id);
    return channel;
}

int bench_open(struct bench *b, struct hub_channel *channel, uint16_t *ret_port)
{
    int err = on_control(
        (struct call){.run = run_open, .bench = b, .channel = channel, .ret_port = ret_port});
    ref_drop(&channel->ref);
    return err;
}

int bench_change(struct bench *b, struct hub_channel *channel, uint16_t *ret_port)
{
    int err = on_control(
        (struct call){.run = run_change, .bench = b, .channel = channel, .ret_port = ret_port});
    ref_drop(&channel->ref);
    return err;
}

void bench_close(struct bench *b, uint64_t channel_id)
{
    (void)on_control((struct call){.run = run_close, .bench = b, .id = channel_id});
}

void bench_device(struct bench *b, uint64_t id, const char *ident, bool is_enabled)
{
    struct hub_device *device = mem_zalloc(MEM_HUB, sizeof(*device));
    ref_init(&device->ref, free_channel);
    device->id = id;
    device->account = &account;
    device->is_enabled = is_enabled;
    (void)snprintf(device->ident, sizeof(device->ident), "%s", ident);
    (void)on_control((struct call){.run = run_device_set, .bench = b, .device = device});
    ref_drop(&device->ref);
}

void bench_forget_device(struct bench *b, uint64_t id)
{
    (void)on_control((struct call){.run = run_device_unset, .bench = b, .id = id});
}

struct gateway_channel_stats bench_stats(struct bench *b, uint64_t channel_id)
{
    struct gateway_channel_stats stats = {0};
    (void)gateway_channel_stats(b->gateway, channel_id, &stats);
    return stats;
}

/* ---- begin and end ---- */

int bench_start(struct bench *b, const struct gateway_config *config)
{
    hash_seed();
    bench_refuse_publish(0);
    hub.count = 0;
    int err = shard_set_new(WORKERS, &b->shards);
    for (unsigned i = 0; !err && i <= shard_set_workers(b->shards); i++)
        err = net_shard_open(shard_at(b->shards, i));
    if (!err)
        err = gateway_new(b->shards, NULL, config, &b->gateway);
    if (!err)
        err = shard_set_start(b->shards);
    return err ? err : bench_open(b, bench_channel(1, 0, 0), &b->port);
}

void bench_stop(struct bench *b)
{
    (void)on_control((struct call){.run = run_stop, .bench = b});
    shard_set_stop(b->shards);
    shard_set_join(b->shards);
    gateway_free(&b->gateway);
    for (unsigned i = 0; i <= shard_set_workers(b->shards); i++)
        net_shard_close(shard_at(b->shards, i));
    shard_set_free(&b->shards);
    assert_int_equal(mem_bytes(MEM_GATEWAY), 0);
    assert_int_equal(mem_bytes(MEM_HUB), 0);
    assert_int_equal(conn_count(), 0);
}

/* ---- trackers ---- */

static int connect_to(uint16_t port, int kind)
{
    struct net_address address;
    assert_int_equal(net_address_parse(SPAN_LIT("127.0.0.1:1"), "", &address), 0);
    net_address_set_port(&address, port);
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, &address.any, address.n) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

int tracker_connect(uint16_t port)
{
    return connect_to(port, SOCK_STREAM);
}

int tracker_connect_udp(uint16_t port)
{
    return connect_to(port, SOCK_DGRAM);
}

void tracker_send(int fd, const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

/* Up to `n` bytes within `wait_ms`; 0 at the end of the stream, -1 when nothing came. */
static ssize_t receive(int fd, char *out, size_t n, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, wait_ms) <= 0)
        return -1;
    ssize_t got = recv(fd, out, n, 0);
    return got < 0 && errno == ECONNRESET ? 0 : got;
}

void tracker_expect(int fd, const char *text)
{
    size_t n = strlen(text), got = 0;
    char said[2048];
    assert_true(n < sizeof(said));
    while (got < n) {
        ssize_t more = receive(fd, said + got, n - got, WAIT_MS);
        assert_true(more > 0);
        got += (size_t)more;
    }
    assert_memory_equal(said, text, n);
}

void tracker_expect_closed(int fd)
{
    char byte;
    assert_int_equal(receive(fd, &byte, 1, WAIT_MS), 0);
    (void)close(fd);
}

void tracker_expect_silence(int fd)
{
    char byte;
    assert_int_equal(receive(fd, &byte, 1, 50), -1);
}
