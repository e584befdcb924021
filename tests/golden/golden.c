/* The golden runner: for each NN-what.hex in a protocol's folder, decodes it and compares with
 * NN-what.json; streams also byte by byte and under 200 random cuts. See README.md for the files.
 *
 *   golden FOLDER                 compares all, TAP on standard output
 *   golden --print PROTOCOL FILE  prints what FILE.hex decodes to, to start a new golden from */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay.h"

#define CUTS 200
#define FILE_LIMIT (1024 * 1024)
#define PATH_BYTES 1024

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    uint8_t *to = buf_reserve(out, FILE_LIMIT);
    size_t n = to ? fread(to, 1, FILE_LIMIT, file) : 0;
    out->n += n;
    bool is_read = to && !ferror(file) && n < FILE_LIMIT;
    fclose(file);
    return is_read;
}

static bool is_udp(const json_t *golden)
{
    const char *transport = json_string_value(json_object_get(golden, "transport"));
    return transport && strcmp(transport, "udp") == 0;
}

static struct replay_setup setup_of(const struct protocol *protocol, const json_t *golden)
{
    const char *checksum = json_string_value(json_object_get(golden, "checksum"));
    return (struct replay_setup){
        .protocol = protocol,
        .transport = is_udp(golden) ? PROTOCOL_UDP : PROTOCOL_TCP,
        .is_lenient = checksum && strcmp(checksum, "lenient") == 0,
        .ident = json_string_value(json_object_get(golden, "session_ident")),
    };
}

/* A line of the file is a datagram. */
static json_t *report_datagrams(struct replay_setup setup, struct span text)
{
    struct replay *r = replay_new(setup);
    struct buf bytes = buf_make(MEM_GATEWAY, FILE_LIMIT);
    while (text.n > 0) {
        size_t end = span_find(text, '\n');
        buf_clear(&bytes);
        if (replay_unhex(span_head(text, end), &bytes) && bytes.n > 0)
            replay_decode(r, buf_span(&bytes));
        text = span_from(text, end + 1);
    }
    json_t *report = json_incref(replay_report(r));
    buf_fini(&bytes);
    replay_free(&r);
    return report;
}

static const char *const compared[] = {"ident", "messages", "replies", "errors"};

static bool is_as_expected(const json_t *golden, const json_t *report)
{
    bool is_same = true;
    for (size_t i = 0; i < sizeof(compared) / sizeof(compared[0]); i++) {
        const json_t *expected = json_object_get(golden, compared[i]);
        const json_t *got = json_object_get(report, compared[i]);
        if (!expected || json_equal(expected, got))
            continue;
        is_same = false;
        size_t flags = JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
        char *wanted_text = json_dumps(expected, flags);
        char *got_text = json_dumps(got, flags);
        printf("# %s: wanted %s\n# %s: got    %s\n", compared[i], wanted_text, compared[i],
               got_text);
        free(wanted_text);
        free(got_text);
    }
    return is_same;
}

/* A golden that expects nothing would pass whatever the decoder does. */
static bool expects_something(const json_t *golden)
{
    return json_object_get(golden, "messages") && json_object_get(golden, "replies") &&
           json_object_get(golden, "errors") && json_object_get(golden, "source");
}

static bool check(const struct protocol *protocol, const json_t *golden, struct span hex)
{
    struct replay_setup setup = setup_of(protocol, golden);
    struct buf stream = buf_make(MEM_GATEWAY, FILE_LIMIT);
    bool is_good = expects_something(golden);
    json_t *report = NULL;
    if (is_udp(golden)) {
        report = report_datagrams(setup, hex);
    } else {
        is_good = is_good && replay_unhex(hex, &stream) && stream.n > 0;
        report = replay_stream(setup, buf_span(&stream));
        bool is_proof = replay_is_cut_proof(setup, buf_span(&stream), CUTS);
        if (!is_proof)
            printf("# the result depends on how the stream is cut\n");
        is_good = is_good && is_proof;
    }
    is_good = is_as_expected(golden, report) && is_good;
    json_decref(report);
    buf_fini(&stream);
    return is_good;
}

static bool check_file(const struct protocol *protocol, const char *folder, const char *hex_name)
{
    char path[PATH_BYTES];
    struct buf hex = buf_make(MEM_GATEWAY, FILE_LIMIT);
    json_error_t why;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, hex_name);
    bool is_good = read_file(path, &hex);
    (void)snprintf(path, sizeof(path), "%s/%.*s.json", folder, (int)strlen(hex_name) - 4, hex_name);
    json_t *golden = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!golden)
        printf("# %s: %s\n", path, why.text);
    is_good = is_good && golden && check(protocol, golden, buf_span(&hex));
    json_decref(golden);
    buf_fini(&hex);
    return is_good;
}

static int is_hex_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 4 && strcmp(entry->d_name + n - 4, ".hex") == 0;
}

static const struct protocol *protocol_of(const char *folder)
{
    const char *name = strrchr(folder, '/');
    return protocol_by_name(span_str(name ? name + 1 : folder));
}

static int run_folder(const char *folder)
{
    struct dirent **entries;
    const struct protocol *protocol = protocol_of(folder);
    int count = protocol ? scandir(folder, &entries, is_hex_file, alphasort) : -1;
    if (count <= 0) {
        printf("Bail out! %s: no goldens, or no protocol of that name\n", folder);
        return 1;
    }
    int failed = 0;
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        bool is_good = check_file(protocol, folder, entries[i]->d_name);
        printf("%s %d - %s\n", is_good ? "ok" : "not ok", i + 1, entries[i]->d_name);
        failed += !is_good;
        free(entries[i]);
    }
    free(entries);
    return failed > 0;
}

static int print_file(const char *protocol_name, const char *path)
{
    const struct protocol *protocol = protocol_by_name(span_str(protocol_name));
    struct buf hex = buf_make(MEM_GATEWAY, FILE_LIMIT);
    struct buf stream = buf_make(MEM_GATEWAY, FILE_LIMIT);
    bool is_read = protocol && read_file(path, &hex) && replay_unhex(buf_span(&hex), &stream);
    if (is_read) {
        struct replay_setup setup = {.protocol = protocol, .transport = PROTOCOL_TCP};
        json_t *report = replay_stream(setup, buf_span(&stream));
        json_dumpf(report, stdout, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
        printf("\n");
        json_decref(report);
    }
    buf_fini(&hex);
    buf_fini(&stream);
    return is_read ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--print") == 0)
        return print_file(argv[2], argv[3]);
    if (argc == 2)
        return run_folder(argv[1]);
    fprintf(stderr, "usage: golden FOLDER | golden --print PROTOCOL FILE\n");
    return 2;
}
