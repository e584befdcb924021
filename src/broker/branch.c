/* Branches of the index: their life. */
#include "broker/branch.h"

static void branch_free(struct ref *r)
{
    struct branch *b = branch_of_ref(r);
    if (b->holdings)
        holdings_change_group(b->holdings, -(int64_t)b->queue_bytes, -(int64_t)b->queue.count);
    ring_fini(&b->queue, NULL);
    filter_spec_free(&b->spec);
    pthread_mutex_destroy(&b->lock);
    mem_free(MEM_INDEX, b);
}

int branch_new(const struct filter *filter, struct branch **ret)
{
    struct filter_spec *spec = NULL;
    int err = filter->spec.n ? filter_spec_parse(filter->spec, &spec) : 0;
    if (err < 0)
        return err;
    struct branch *b = mem_zalloc(MEM_INDEX, sizeof(*b) + filter->branch.n);
    if (!b) {
        filter_spec_free(&spec);
        return ERR_NO_MEMORY;
    }
    ref_init(&b->ref, branch_free);
    pthread_mutex_init(&b->lock, NULL);
    b->spec = spec;
    b->is_shared = filter->is_shared;
    b->has_whole_text = filter->has_whole_text;
    b->sticky_from = filter->sticky_from;
    b->sticky_count = filter->sticky_count;
    b->name_n = (uint32_t)filter->branch.n;
    memcpy(b->name, filter->branch.p, filter->branch.n);
    *ret = b;
    return 0;
}

static void run_drop(struct rcu_later *later)
{
    ref_drop(&((struct branch *)((char *)later - offsetof(struct branch, later)))->ref);
}

void branch_drop_later(struct branch *b)
{
    rcu_defer(&b->later, run_drop);
}
