/* The timer wheel; see the header for the arrangement. */
#include "loop/timer_wheel.h"

/* The first timer of a slot of a higher level is searched among this many; past it the loop wakes
 * when the slot begins instead, and its timers move down. */
#define SEARCH_MAX 64
#define DUE_MAX ((INT64_C(1) << (WHEEL_BITS * WHEEL_LEVELS)) - 1)

static void list_init(struct timer *head)
{
    head->next = head->prev = head;
}

static bool list_is_empty(const struct timer *head)
{
    return head->next == head;
}

static void list_append(struct timer *head, struct timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

static void list_remove(struct timer *t)
{
    t->prev->next = t->next;
    t->next->prev = t->prev;
}

/* Moves all of `from` to the empty list `to`. */
static void list_move(struct timer *to, struct timer *from)
{
    if (list_is_empty(from))
        return;
    to->next = from->next;
    to->prev = from->prev;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

void wheel_init(struct timer_wheel *w, int64_t now_ms)
{
    w->now_ms = now_ms;
    w->next_ms = WHEEL_NEVER;
    list_init(&w->overdue);
    list_init(&w->firing);
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (int slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
    }
}

/* Where a timer due after now sits. It holds from the start of a timer until its slot is emptied,
 * because the digit in which due and now differ stays the same until now enters the slot. */
static int level_of(const struct timer_wheel *w, int64_t due_ms)
{
    uint64_t differing = (uint64_t)(due_ms ^ w->now_ms);
    return (63 - __builtin_clzll(differing)) / WHEEL_BITS;
}

static int slot_of(int level, int64_t due_ms)
{
    return (int)(due_ms >> (level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
}

static void insert(struct timer_wheel *w, struct timer *t)
{
    if (t->due_ms <= w->now_ms) {
        list_append(&w->overdue, t);
        return;
    }
    int level = level_of(w, t->due_ms), slot = slot_of(level, t->due_ms);
    list_append(&w->slots[level][slot], t);
    w->occupied[level] |= UINT64_C(1) << slot;
}

/* Up to a multiple of the greatest power of two within the slack: timers of alike slack meet there.
 */
static int64_t round_due(int64_t due_ms, int64_t slack_ms)
{
    if (due_ms < 1)
        due_ms = 1; /* 0 means not started */
    if (slack_ms > 0 && due_ms < DUE_MAX) {
        int64_t tick = INT64_C(1) << (63 - __builtin_clzll((uint64_t)slack_ms + 1));
        due_ms = (due_ms + tick - 1) & -tick;
    }
    return due_ms < DUE_MAX ? due_ms : DUE_MAX;
}

void wheel_start(struct timer_wheel *w, struct timer *t, int64_t due_ms, int64_t slack_ms)
{
    wheel_stop(w, t);
    t->due_ms = round_due(due_ms, slack_ms);
    insert(w, t);
    if (w->next_ms && t->due_ms < w->next_ms && t->due_ms > w->now_ms)
        w->next_ms = t->due_ms;
}

void wheel_stop(struct timer_wheel *w, struct timer *t)
{
    if (!timer_is_started(t))
        return;
    list_remove(t);
    if (t->due_ms > w->now_ms) {
        int level = level_of(w, t->due_ms), slot = slot_of(level, t->due_ms);
        if (list_is_empty(&w->slots[level][slot]))
            w->occupied[level] &= ~(UINT64_C(1) << slot);
    }
    if (t->due_ms == w->next_ms)
        w->next_ms = 0;
    t->due_ms = 0;
}

/* The slot of the next timer, and when it begins; false: no timer. */
static bool first_slot(const struct timer_wheel *w, int *ret_level, int *ret_slot, int64_t *ret_ms)
{
    int level = 0;
    while (level < WHEEL_LEVELS && !w->occupied[level])
        level++;
    if (level == WHEEL_LEVELS)
        return false;
    int shift = level * WHEEL_BITS;
    *ret_level = level;
    *ret_slot = __builtin_ctzll(w->occupied[level]);
    int64_t round = (w->now_ms >> (shift + WHEEL_BITS)) << (shift + WHEEL_BITS);
    *ret_ms = round | (int64_t)*ret_slot << shift;
    return true;
}

/* Tells the timers in `firing`. They may start and stop any timer, those beside them too. */
static unsigned fire(struct timer_wheel *w)
{
    unsigned count = 0;
    while (!list_is_empty(&w->firing)) {
        struct timer *t = w->firing.next;
        list_remove(t);
        t->due_ms = 0;
        t->on_due(t);
        count++;
    }
    return count;
}

/* Now has entered the slot: each of its timers is due at once or belongs on a lower level. */
static void move_down(struct timer_wheel *w, struct timer *slot)
{
    struct timer list;
    list_init(&list);
    list_move(&list, slot);
    while (!list_is_empty(&list)) {
        struct timer *t = list.next;
        list_remove(t);
        if (t->due_ms == w->now_ms)
            list_append(&w->firing, t);
        else
            insert(w, t);
    }
}

unsigned wheel_run(struct timer_wheel *w, int64_t now_ms)
{
    int level, slot;
    int64_t begin_ms;
    list_move(&w->firing, &w->overdue);
    unsigned count = fire(w);
    while (first_slot(w, &level, &slot, &begin_ms) && begin_ms <= now_ms) {
        w->now_ms = begin_ms;
        w->next_ms = 0;
        w->occupied[level] &= ~(UINT64_C(1) << slot);
        if (level == 0)
            list_move(&w->firing, &w->slots[level][slot]);
        else
            move_down(w, &w->slots[level][slot]);
        count += fire(w);
    }
    if (w->now_ms < now_ms)
        w->now_ms = now_ms;
    return count;
}

static int64_t earliest(const struct timer *slot, int64_t begin_ms)
{
    int64_t first = WHEEL_NEVER;
    int searched = 0;
    for (const struct timer *t = slot->next; t != slot; t = t->next) {
        if (++searched > SEARCH_MAX)
            return begin_ms;
        if (t->due_ms < first)
            first = t->due_ms;
    }
    return first;
}

int64_t wheel_next_ms(struct timer_wheel *w)
{
    int level, slot;
    int64_t begin_ms;
    if (!list_is_empty(&w->overdue))
        return w->now_ms;
    if (w->next_ms)
        return w->next_ms;
    if (!first_slot(w, &level, &slot, &begin_ms))
        w->next_ms = WHEEL_NEVER;
    else
        w->next_ms = level ? earliest(&w->slots[level][slot], begin_ms) : begin_ms;
    return w->next_ms;
}
