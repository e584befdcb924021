/* Routing: match the topic, deliver to sessions of this shard at once, mail the rest. */
#include "broker/route.h"

#include "broker/deliver.h"
#include "broker/share.h"

/* In the options of a remote entry: the delivery stands alone. What a session gets as a member of a
 * group is not merged with what it gets for itself. */
#define REMOTE_ALONE ((uint64_t)1 << 16)

/* One publication for sessions of another shard. */
struct route_mail {
    struct mail mail;
    struct broker *broker;
    struct msg *msg;
    uint64_t source;
    bool is_retained;
    uint32_t count;
    struct remote_entry entries[];
};

static uint8_t weaker(uint8_t a, uint64_t options)
{
    uint8_t qos = (uint8_t)(options & SUBSCRIPTION_QOS_MASK);
    return a < qos ? a : qos;
}

static void deliver_one(struct session *s, struct publication *p, uint64_t options,
                        const uint32_t *ids, uint32_t id_count, struct branch *group)
{
    struct delivery d = {
        .publication = p,
        .qos = weaker(p->qos, options),
        .is_retained = p->is_retained && (options & SUBSCRIPTION_RETAIN_AS_PUBLISHED),
        .ids = ids,
        .id_count = id_count,
        .group = group,
    };
    deliver(s, &d);
}

static bool gathered_grow(struct broker_shard *bs)
{
    if (bs->gathered_count < bs->gathered_cap)
        return true;
    uint32_t cap = bs->gathered_cap ? bs->gathered_cap * 2 : 16;
    struct gathered *list = mem_realloc(MEM_SESSION, bs->gathered, cap * sizeof(list[0]));
    if (!list)
        return false;
    bs->gathered = list;
    bs->gathered_cap = cap;
    return true;
}

/* A session with several subscriptions gets one message with the strongest QoS and all identifiers
 * (MQTT 5.0 3.3.4): it is gathered first and delivered when all matches were seen. */
static void gather(struct broker_shard *bs, struct session *s, uint64_t options)
{
    struct gathered *g;
    if (s->gathered_number == bs->publication_number) {
        g = &bs->gathered[s->gathered_at];
        uint64_t qos = options & SUBSCRIPTION_QOS_MASK;
        if (qos > (g->options & SUBSCRIPTION_QOS_MASK))
            g->options = (g->options & ~(uint64_t)SUBSCRIPTION_QOS_MASK) | qos;
        g->options |= options & SUBSCRIPTION_RETAIN_AS_PUBLISHED;
    } else {
        if (!gathered_grow(bs))
            return;
        s->gathered_number = bs->publication_number;
        s->gathered_at = bs->gathered_count;
        g = &bs->gathered[bs->gathered_count++];
        g->session = s;
        g->options = options;
        g->id_count = 0;
    }
    uint32_t id = subscription_id(options);
    if (id && g->id_count < MQTT_SUBSCRIPTION_IDS_MAX)
        g->ids[g->id_count++] = id;
}

static void deliver_gathered(struct broker_shard *bs, struct publication *p)
{
    for (uint32_t i = 0; i < bs->gathered_count; i++) {
        struct gathered *g = &bs->gathered[i];
        deliver_one(g->session, p, g->options, g->ids, g->id_count, NULL);
    }
    bs->gathered_count = 0;
}

static void deliver_here(struct broker_shard *bs, struct publication *p, uint64_t who,
                         uint64_t options, bool may_overlap)
{
    if ((options & SUBSCRIPTION_NO_LOCAL) && who == p->source)
        return;
    struct session *s = session_by_who(bs, who);
    if (!s)
        return;
    if (may_overlap && s->subscriptions.count > 1) {
        gather(bs, s, options);
        return;
    }
    uint32_t id = subscription_id(options);
    deliver_one(s, p, options, &id, id ? 1 : 0, NULL);
}

void route_to_member(struct session *s, struct publication *p, uint64_t options,
                     struct branch *group)
{
    uint32_t id = subscription_id(options);
    deliver_one(s, p, options, &id, id ? 1 : 0, group);
}

static void collect_remote(struct broker_shard *bs, uint64_t who, uint64_t options,
                           struct branch *group)
{
    struct remote_list *list = &bs->remote[subscriber_shard(who)];
    if (list->count == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 16;
        struct remote_entry *entries =
            mem_realloc(MEM_SESSION, list->entries, cap * sizeof(entries[0]));
        if (!entries)
            return;
        list->entries = entries;
        list->cap = cap;
    }
    list->entries[list->count++] = (struct remote_entry){who, options, group};
}

/* The member was there when it was picked; when it is not any more, another gets the message. */
static void deliver_to_member(struct broker_shard *bs, struct publication *p,
                              const struct remote_entry *e)
{
    struct session *s = session_by_who(bs, e->who);
    if (s && s->client)
        route_to_member(s, p, e->options, e->group);
    else
        route_to_group(bs, p, e->group, false);
    ref_drop(&e->group->ref);
}

static void on_route_mail(struct mail *mail)
{
    struct route_mail *m = (struct route_mail *)mail;
    struct broker_shard *bs = broker_here(m->broker);
    struct publication p = publication_of(m->msg);
    p.source = m->source;
    p.is_retained = m->is_retained;
    bs->publication_number++;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct remote_entry *e = &m->entries[i];
        if (!e->group)
            deliver_here(bs, &p, e->who, e->options & ~REMOTE_ALONE, !(e->options & REMOTE_ALONE));
    }
    deliver_gathered(bs, &p);
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->entries[i].group)
            deliver_to_member(bs, &p, &m->entries[i]);
    }
    publication_fini(&p);
    msg_drop(m->msg);
    mem_free(MEM_SESSION, m);
}

/* Until the mail is read its groups may leave the index. */
static void take_groups(struct route_mail *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->entries[i].group)
            ref_take(&m->entries[i].group->ref);
    }
}

static void send_remote(struct broker_shard *bs, struct publication *p)
{
    for (unsigned i = 0; i < bs->broker->workers; i++) {
        struct remote_list *list = &bs->remote[i];
        if (!list->count)
            continue;
        struct msg *msg = publication_msg(p);
        struct route_mail *m =
            msg ? mem_alloc(MEM_SESSION, sizeof(*m) + list->count * sizeof(m->entries[0])) : NULL;
        if (m) {
            m->mail.deliver = on_route_mail;
            m->broker = bs->broker;
            m->msg = msg;
            ref_take(&msg->ref);
            m->source = p->source;
            m->is_retained = p->is_retained;
            m->count = list->count;
            memcpy(m->entries, list->entries, list->count * sizeof(m->entries[0]));
            take_groups(m);
            shard_send(shard_at(bs->broker->shards, i), &m->mail);
        }
        list->count = 0;
    }
}

static uint32_t hand_out(struct broker_shard *bs, struct publication *p, uint64_t who,
                         uint64_t options, bool may_overlap)
{
    if (subscriber_shard(who) == bs->index)
        deliver_here(bs, p, who, options, may_overlap);
    else
        collect_remote(bs, who, options | (may_overlap ? 0u : REMOTE_ALONE), NULL);
    return 1;
}

void route_to_session(struct broker_shard *bs, struct publication *p, uint64_t who,
                      uint64_t options)
{
    (void)hand_out(bs, p, who, options, false);
    send_remote(bs, p);
}

static uint32_t deliver_plain(struct broker_shard *bs, struct publication *p,
                              const struct subscribers *list, bool may_overlap)
{
    uint32_t matched = 0;
    uint32_t count =
        atomic_load_explicit(&((struct subscribers *)list)->count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        struct subscribers_place *place = (struct subscribers_place *)&list->places[i];
        uint64_t who = atomic_load_explicit(&place->who, memory_order_relaxed);
        if (who)
            matched +=
                hand_out(bs, p, who, atomic_load_explicit(&place->options, memory_order_relaxed),
                         may_overlap);
    }
    return matched;
}

static void keep_retained(struct broker_shard *bs, struct space *space, struct publication *p)
{
    if (p->payload.n == 0) {
        retained_clear(&space->retained, p->topic);
        return;
    }
    struct msg *m = publication_msg(p);
    if (!m || retained_set(&space->retained, m) < 0)
        broker_count(bs, COUNT_DROPPED, 1);
}

/* One member gets it; without any the group keeps it. */
static void to_group(struct broker_shard *bs, struct publication *p, struct branch *group,
                     bool is_first)
{
    uint64_t who, options;
    do {
        who = share_pick(bs, group, p->topic, &options);
    } while (!who && !share_keep(bs, group, p, is_first));
    if (!who)
        return;
    struct session *s = subscriber_shard(who) == bs->index ? session_by_who(bs, who) : NULL;
    if (s)
        route_to_member(s, p, options, group);
    else
        collect_remote(bs, who, options, group);
}

void route_to_group(struct broker_shard *bs, struct publication *p, struct branch *group,
                    bool is_first)
{
    to_group(bs, p, group, is_first);
    send_remote(bs, p);
}

/* How many of the matches may name the same session. */
static uint32_t overlap(const struct index_match *m)
{
    uint32_t n = m->plain_count;
    for (uint32_t i = 0; i < m->branch_count; i++)
        n += !m->branches[i]->is_shared;
    return n;
}

/* Those of branches whose spec the message does not meet drop out of the match. */
static void apply_specs(struct index_match *m, const struct publication *p, uint64_t cid)
{
    struct filter_subject subject;
    filter_subject_init(&subject, p, cid);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->branch_count; i++) {
        struct branch *b = m->branches[i];
        if (!b->spec || filter_spec_matches(b->spec, &subject))
            m->branches[kept++] = b;
    }
    m->branch_count = kept;
    filter_subject_fini(&subject);
}

static uint32_t deliver_branches(struct broker_shard *bs, struct publication *p,
                                 const struct index_match *m, bool may_overlap)
{
    uint32_t matched = 0;
    for (uint32_t i = 0; i < m->branch_count; i++) {
        const struct subscribers *list = subscribers_read(&m->branches[i]->members);
        if (!m->branches[i]->is_shared && list)
            matched += deliver_plain(bs, p, list, may_overlap);
    }
    return matched;
}

uint32_t route_publication(struct broker_shard *bs, struct space *space, struct publication *p)
{
    if (p->is_retained)
        keep_retained(bs, space, p);
    struct tree_path path;
    if (!tree_path_split(&path, p->topic))
        return 0;
    struct index_match *m = &bs->match;
    index_match(&space->index, &path, m);
    if (m->branch_count)
        apply_specs(m, p, space->account->id);
    bs->publication_number++;
    bool may_overlap = overlap(m) > 1;
    uint32_t matched = deliver_branches(bs, p, m, may_overlap);
    for (uint32_t i = 0; i < m->plain_count; i++)
        matched += deliver_plain(bs, p, m->plain[i], may_overlap);
    deliver_gathered(bs, p);
    for (uint32_t i = 0; i < m->branch_count; i++) {
        if (!m->branches[i]->is_shared)
            continue;
        to_group(bs, p, m->branches[i], false);
        matched++;
    }
    send_remote(bs, p);
    return matched;
}
