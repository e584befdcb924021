/* Branches of the index: their life. */
#include "broker/branch.h"

static void branch_free(struct ref *r)
{
    struct branch *b = branch_of_ref(r);
    ring_fini(&b->queue, NULL);
    pthread_mutex_destroy(&b->lock);
    mem_free(MEM_INDEX, b);
}

struct branch *branch_new(const struct filter *filter)
{
    struct branch *b = mem_zalloc(MEM_INDEX, sizeof(*b) + filter->branch.n);
    if (!b)
        return NULL;
    ref_init(&b->ref, branch_free);
    pthread_mutex_init(&b->lock, NULL);
    b->is_shared = filter->is_shared;
    b->has_whole_text = filter->has_lists;
    b->sticky_from = filter->sticky_from;
    b->sticky_count = filter->sticky_count;
    b->name_n = (uint32_t)filter->branch.n;
    memcpy(b->name, filter->branch.p, filter->branch.n);
    return b;
}

static void run_drop(struct rcu_later *later)
{
    ref_drop(&((struct branch *)((char *)later - offsetof(struct branch, later)))->ref);
}

void branch_drop_later(struct branch *b)
{
    rcu_defer(&b->later, run_drop);
}
