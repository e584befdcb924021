/* Packet identifier set. */
#include "broker/pid_set.h"

#include "base/mem.h"

#define LIST_MAX 64
#define BITMAP_BYTES (65536 / 8)

static uint32_t find(const struct pid_set *s, uint16_t pid)
{
    uint32_t i = 0;
    while (i < s->count && s->list[i] != pid)
        i++;
    return i;
}

static bool bit(const struct pid_set *s, uint16_t pid)
{
    return s->bitmap[pid / 8] >> pid % 8 & 1;
}

bool pid_set_has(const struct pid_set *s, uint16_t pid)
{
    return s->bitmap ? bit(s, pid) : find(s, pid) < s->count;
}

static int to_bitmap(struct pid_set *s)
{
    uint8_t *bitmap = mem_zalloc(MEM_SESSION, BITMAP_BYTES);
    if (!bitmap)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < s->count; i++)
        bitmap[s->list[i] / 8] |= (uint8_t)(1u << s->list[i] % 8);
    mem_free(MEM_SESSION, s->list);
    s->list = NULL;
    s->cap = 0;
    s->bitmap = bitmap;
    return 0;
}

int pid_set_add(struct pid_set *s, uint16_t pid)
{
    if (!s->bitmap && s->count == LIST_MAX && to_bitmap(s) < 0)
        return ERR_NO_MEMORY;
    if (s->bitmap) {
        s->bitmap[pid / 8] |= (uint8_t)(1u << pid % 8);
        s->count++;
        return 0;
    }
    if (s->count == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 8;
        uint16_t *list = mem_realloc(MEM_SESSION, s->list, cap * sizeof(list[0]));
        if (!list)
            return ERR_NO_MEMORY;
        s->list = list;
        s->cap = cap;
    }
    s->list[s->count++] = pid;
    return 0;
}

bool pid_set_remove(struct pid_set *s, uint16_t pid)
{
    if (s->bitmap) {
        if (!bit(s, pid))
            return false;
        s->bitmap[pid / 8] &= (uint8_t) ~(1u << pid % 8);
        if (--s->count == 0)
            pid_set_clear(s);
        return true;
    }
    uint32_t at = find(s, pid);
    if (at == s->count)
        return false;
    s->list[at] = s->list[--s->count];
    return true;
}

void pid_set_clear(struct pid_set *s)
{
    mem_free(MEM_SESSION, s->list);
    mem_free(MEM_SESSION, s->bitmap);
    *s = (struct pid_set){0};
}
