/* The list of channels or devices: an array in order of id. Ids only grow, so that adding is
 * appending. Control shard only. Knows nothing of what the objects are. */
#include "hub/hub_internal.h"

static size_t find_place(const struct hub_list *list, uint64_t id)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->objects[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct hub_object *hub_list_find(const struct hub_list *list, uint64_t id)
{
    size_t at = find_place(list, id);
    return at < list->count && list->objects[at].id == id ? &list->objects[at] : NULL;
}

int hub_list_reserve(struct hub_list *list)
{
    if (list->count < list->cap)
        return 0;
    size_t cap = list->cap ? list->cap * 2 : 16;
    struct hub_object *grown = mem_realloc(MEM_HUB, list->objects, cap * sizeof(*grown));
    if (!grown)
        return err_raise(ERR_NO_MEMORY);
    list->objects = grown;
    list->cap = cap;
    return 0;
}

void hub_list_add(struct hub_list *list, struct hub_object object)
{
    list->objects[list->count++] = object;
}

void hub_object_fini(struct hub_object *object)
{
    json_decref(object->json);
    if (object->snapshot)
        ref_drop(object->snapshot);
}

void hub_list_remove(struct hub_list *list, struct hub_object *object)
{
    size_t at = (size_t)(object - list->objects);
    hub_object_fini(object);
    list->count--;
    memmove(object, object + 1, (list->count - at) * sizeof(*object));
}

void hub_list_fini(struct hub_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        hub_object_fini(&list->objects[i]);
    mem_free(MEM_HUB, list->objects);
    *list = (struct hub_list){0};
}
