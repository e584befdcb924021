/* The parameter dictionary: a sorted table, searched by halves. Off the data path. */
#include "message/dictionary.h"

#define NAME_MAX 64

static const struct dictionary_entry entries[] = {
#define X(name, type, unit, info) {name, type, unit, info},
#include "message/dictionary.def"
#undef X
};
#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

static const struct dictionary_entry *find_exact(struct span name)
{
    size_t low = 0;
    size_t high = ENTRY_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(span_str(entries[middle].name), name);
        if (order == 0)
            return &entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* How much of `name` is left when digits at its end are taken away. */
static size_t stem_bytes(struct span name)
{
    size_t n = name.n;
    while (n > 0 && name.p[n - 1] >= '0' && name.p[n - 1] <= '9')
        n--;
    return n;
}

const struct dictionary_entry *dictionary_find(struct span name)
{
    const struct dictionary_entry *entry = find_exact(name);
    size_t stem = stem_bytes(name);
    if (entry || stem == name.n || stem == 0 || stem >= NAME_MAX || name.p[stem - 1] != '.')
        return entry;
    uint8_t family[NAME_MAX];
    memcpy(family, name.p, stem);
    family[stem] = 'N';
    return find_exact(span_of(family, stem + 1));
}

const struct dictionary_entry *dictionary_list(size_t *ret_count)
{
    *ret_count = ENTRY_COUNT;
    return entries;
}
