/* Shared groups: picking members, keeping messages while there are none, passing on what is left.
 */
#include "broker/share.h"

#include "base/hash.h"
#include "broker/deliver.h"
#include "broker/route.h"

static uint64_t random_next(struct broker_shard *bs)
{
    bs->random ^= bs->random << 13;
    bs->random ^= bs->random >> 7;
    bs->random ^= bs->random << 17;
    return bs->random;
}

static bool is_online(const struct broker *b, uint64_t who)
{
    struct slot *slot = broker_slot(b->state[subscriber_shard(who)], subscriber_slot(who));
    /* Sequentially consistent, as in session_attach: see share_keep. */
    return slot && atomic_load(&slot->is_online) &&
           atomic_load_explicit(&slot->generation, memory_order_relaxed) ==
               subscriber_generation(who);
}

static uint32_t member_count(const struct subscribers *members)
{
    return members
               ? atomic_load_explicit(&((struct subscribers *)members)->count, memory_order_acquire)
               : 0;
}

static uint64_t member_at(const struct subscribers *members, uint32_t i, uint64_t *ret_options)
{
    struct subscribers_place *place = (struct subscribers_place *)&members->places[i];
    *ret_options = atomic_load_explicit(&place->options, memory_order_relaxed);
    return atomic_load_explicit(&place->who, memory_order_relaxed);
}

/* Starts anywhere and takes the first that is connected. */
static uint64_t pick_random(struct broker_shard *bs, const struct subscribers *members,
                            uint64_t *ret_options)
{
    uint32_t count = member_count(members);
    uint32_t start = count ? (uint32_t)(random_next(bs) % count) : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t who = member_at(members, (start + i) % count, ret_options);
        if (who && is_online(bs->broker, who))
            return who;
    }
    return 0;
}

/* The levels that decide, as one span of the topic. */
static struct span sticky_part(const struct branch *group, struct span topic)
{
    struct span rest = topic, level, part = {topic.p, 0};
    bool more = true;
    for (unsigned i = 0; topic_level_next(&rest, &more, &level); i++) {
        if (i == group->sticky_from)
            part.p = level.p;
        if (i >= group->sticky_from && i < (unsigned)group->sticky_from + group->sticky_count)
            part.n = (size_t)(level.p + level.n - part.p);
    }
    return part;
}

/* The connected member with the highest hash of (levels, member): when one comes or goes only its
 * own share of the topics moves. */
static uint64_t pick_sticky(struct broker_shard *bs, const struct branch *group,
                            const struct subscribers *members, struct span topic,
                            uint64_t *ret_options)
{
    uint64_t key = hash_bytes(sticky_part(group, topic));
    uint64_t best = 0, best_rank = 0;
    uint32_t count = member_count(members);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t options;
        uint64_t who = member_at(members, i, &options);
        uint64_t rank = hash_mix(key, who) | 1;
        if (!who || rank <= best_rank || !is_online(bs->broker, who))
            continue;
        best = who;
        best_rank = rank;
        *ret_options = options;
    }
    return best;
}

uint64_t share_pick(struct broker_shard *bs, const struct branch *group, struct span topic,
                    uint64_t *ret_options)
{
    const struct subscribers *members = subscribers_read(&group->members);
    return group->sticky_count ? pick_sticky(bs, group, members, topic, ret_options)
                               : pick_random(bs, members, ret_options);
}

/* The group's queue has more, or less, than it had. */
static void note_queue(struct branch *group, int64_t bytes, int64_t messages)
{
    group->queue_bytes += (uint64_t)bytes;
    holdings_change_group(group->holdings, bytes, messages);
    atomic_store(&group->waiting, group->queue.count);
}

static void count_drop(struct broker_shard *bs, int err)
{
    (void)err_raise(err);
    broker_count(bs, COUNT_DROPPED, 1);
}

static uint64_t drop_oldest(struct broker_shard *bs, struct branch *group, int err)
{
    struct outbox_item oldest = ring_pop(&group->queue);
    uint64_t bytes = msg_bytes(oldest.msg);
    note_queue(group, -(int64_t)bytes, -1);
    item_drop(&oldest, bs->broker->store);
    count_drop(bs, err);
    return bytes;
}

/* Under the group's lock, as deliver.c does for a session: at the group's own limits the oldest go;
 * at those of all that waits the group may not grow. False: the new one is to be dropped. */
static bool make_room(struct broker_shard *bs, struct branch *group, uint64_t bytes)
{
    const struct broker_config *config = &bs->broker->config;
    while (group->queue.count && (group->queue.count >= config->session_queue_count_max ||
                                  group->queue_bytes + bytes > config->session_queue_bytes_max))
        (void)drop_oldest(bs, group, ERR_SHARE_QUEUE_LIMIT);
    int err = holdings_check_group(group->holdings, bytes);
    uint64_t freed = 0;
    while (err < 0 && freed < bytes && group->queue.count)
        freed += drop_oldest(bs, group, err);
    if (err == 0 || freed >= bytes)
        return true;
    count_drop(bs, err);
    return false;
}

/* Under the group's lock. */
static void keep(struct broker_shard *bs, struct branch *group, const struct publication *p,
                 struct msg *m, bool is_first)
{
    struct outbox_item item = {.msg = m, .qos = p->qos, .is_retained = p->is_retained};
    group->holdings = &bs->broker->root->holdings;
    if (!make_room(bs, group, msg_bytes(m)))
        return;
    if (!(is_first ? ring_push_first(&group->queue, item) : ring_push(&group->queue, item))) {
        count_drop(bs, ERR_NO_MEMORY);
        return;
    }
    ref_take(&m->ref);
    note_queue(group, (int64_t)msg_bytes(m), 1);
}

/* A member that comes marks itself connected before it takes the lock to look at the queue, so
 * under the lock either we see the mark, or it sees our message. */
bool share_keep(struct broker_shard *bs, struct branch *group, struct publication *p, bool is_first)
{
    struct msg *m = p->qos ? publication_msg(p) : NULL;
    if (!m) {
        broker_count(bs, COUNT_DROPPED, 1);
        return true;
    }
    uint64_t options;
    pthread_mutex_lock(&group->lock);
    bool has_member = share_pick(bs, group, p->topic, &options) != 0;
    if (!has_member)
        keep(bs, group, p, m, is_first);
    pthread_mutex_unlock(&group->lock);
    return !has_member;
}

static bool take_waiting(struct branch *group, struct outbox_item *ret)
{
    pthread_mutex_lock(&group->lock);
    bool is_any = group->queue.count > 0;
    if (is_any) {
        *ret = ring_pop(&group->queue);
        note_queue(group, -(int64_t)msg_bytes(ret->msg), -1);
    }
    pthread_mutex_unlock(&group->lock);
    return is_any;
}

void share_join(struct session *s)
{
    for (uint32_t i = 0; i < s->subscriptions.count; i++) {
        const struct subscription *sub = &s->subscriptions.list[i];
        struct branch *group = sub->place.branch;
        struct outbox_item item;
        if (!group || !group->is_shared || !atomic_load(&group->waiting))
            continue;
        while (take_waiting(group, &item)) {
            struct publication p = publication_of(item.msg);
            p.is_retained = item.is_retained;
            route_to_member(s, &p, sub->options, group);
            publication_fini(&p);
            item_drop(&item, s->home->broker->store);
        }
    }
}

static bool is_groups(const struct outbox_item *item)
{
    return item->ids && item->ids->group;
}

/* Takes what may be passed on out of window and queue into `left`, oldest first, with its message.
 */
static void collect(struct session *s, struct outbox_ring *left)
{
    struct outbox *o = &s->outbox;
    for (uint32_t i = 0; i < o->window.count; i++) {
        struct outbox_item *item = ring_at(&o->window, i);
        bool is_open = item->state == ITEM_SENT || item->state == ITEM_AGAIN;
        if (!is_open || item->qos != 1 || !is_groups(item) || !ring_push(left, *item))
            continue;
        item->msg = NULL; /* the copy has what it held */
        item->ids = NULL;
    }
    outbox_settle(o);
    uint32_t count = o->queue.count;
    for (uint32_t i = 0; i < count; i++) {
        struct outbox_item item = ring_pop(&o->queue);
        if (!is_groups(&item)) {
            (void)ring_push(&o->queue, item); /* there was room for it just now */
            continue;
        }
        struct msg *m = item_load(&item, s->home->broker->store);
        if (m)
            o->queue_bytes -= msg_bytes(m);
        if (!m || !ring_push(left, item))
            item_drop(&item, s->home->broker->store);
    }
}

/* To a connected member, or back to the group before what waits there. False when `may_keep` is
 * needed and not given. */
static bool pass_on(struct broker_shard *bs, struct outbox_item *item, bool may_keep)
{
    struct branch *group = item->ids->group;
    uint64_t options;
    if (!may_keep && !share_pick(bs, group, msg_topic(item->msg), &options))
        return false;
    struct publication p = publication_of(item->msg);
    p.is_retained = item->is_retained;
    route_to_group(bs, &p, group, true);
    publication_fini(&p);
    item_drop(item, bs->broker->store);
    return true;
}

void share_leave(struct session *s)
{
    struct outbox_ring left = {0};
    if (s->home->is_stopping)
        return;
    collect(s, &left);
    /* Members get them oldest first; what goes back before others, newest first. */
    uint32_t passed = 0;
    while (passed < left.count && pass_on(s->home, ring_at(&left, passed), false))
        passed++;
    for (uint32_t i = left.count; i-- > passed;)
        (void)pass_on(s->home, ring_at(&left, i), true);
    ring_fini(&left, s->home->broker->store);
}
