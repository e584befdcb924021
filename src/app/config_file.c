/* The configuration file: `key = value`, one a line, `#` begins a comment where a word could begin.
 * A value may stand in double quotes, which keep spaces and `#`. Every problem is told with its
 * place. */
#include "app/config.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILE_MAX (1024 * 1024)

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct span trim(struct span s)
{
    while (s.n && is_blank(s.p[0]))
        s = span_from(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The line without its comment: from a `#` that is first or follows a blank, outside quotes. */
static struct span without_comment(struct span line)
{
    bool is_quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"')
            is_quoted = !is_quoted;
        if (line.p[i] == '#' && !is_quoted && (i == 0 || is_blank(line.p[i - 1])))
            return span_head(line, i);
    }
    return line;
}

/* One line and where it stands. */
struct line {
    const char *file_name;
    unsigned number;
    struct span text;
};

static int at(const struct line *line, const uint8_t *place, struct config_problem *problem)
{
    (void)snprintf(problem->source, sizeof(problem->source), "%s", line->file_name);
    (void)snprintf(problem->excerpt, sizeof(problem->excerpt), "%.*s",
                   (int)(line->text.n < 255 ? line->text.n : 255), (const char *)line->text.p);
    problem->line = line->number;
    problem->column = (unsigned)(place - line->text.p) + 1;
    return problem->err;
}

static int syntax(const struct line *line, const uint8_t *place, const char *text,
                  struct config_problem *problem)
{
    *problem = (struct config_problem){.err = ERR_CONFIG_SYNTAX};
    (void)snprintf(problem->text, sizeof(problem->text), "%s", text);
    return at(line, place, problem);
}

static int unquote(const struct line *line, struct span *value, struct config_problem *problem)
{
    if (!value->n || value->p[0] != '"')
        return 0;
    struct span inner = span_from(*value, 1);
    size_t end = span_find(inner, '"');
    if (end == inner.n)
        return syntax(line, value->p, "the quote is not closed", problem);
    if (end + 1 != inner.n)
        return syntax(line, inner.p + end + 1, "nothing may follow the closing quote", problem);
    *value = span_head(inner, end);
    return 0;
}

static int set_line(struct config *config, const struct line *line, uint64_t *seen,
                    struct config_problem *problem)
{
    struct span text = trim(without_comment(line->text));
    if (!text.n)
        return 0;
    size_t equals = span_find(text, '=');
    if (equals == text.n)
        return syntax(line, text.p, "a line reads `key = value`", problem);
    struct span name = trim(span_head(text, equals));
    struct span value = trim(span_from(text, equals + 1));
    if (!name.n)
        return syntax(line, text.p, "a key stands before the `=`", problem);
    const uint8_t *value_at = value.n ? value.p : text.p + equals;
    int err = unquote(line, &value, problem);
    if (err)
        return err;
    err = config_set(config, name, value, line->file_name, problem);
    if (err)
        return at(line, err == ERR_CONFIG_KEY_UNKNOWN ? name.p : value_at, problem);
    uint64_t bit = 1ULL << (size_t)(config_key_find(name) - config_keys);
    if (*seen & bit) {
        (void)syntax(line, name.p, "the key was set before in this file", problem);
        problem->err = ERR_CONFIG_KEY_TWICE;
        return problem->err;
    }
    *seen |= bit;
    return 0;
}

int config_parse(struct config *config, struct span text, const char *file_name,
                 struct config_problem *problem)
{
    uint64_t seen = 0; /* a bit for each key */
    struct line line = {.file_name = file_name};
    while (text.n) {
        size_t end = span_find(text, '\n');
        line.number++;
        line.text = span_head(text, end);
        int err = set_line(config, &line, &seen, problem);
        if (err)
            return err;
        text = span_from(text, end + 1);
    }
    return 0;
}

/* The whole file; the caller frees with mem_free(MEM_BASE). */
static int read_all(const char *path, uint8_t **ret, size_t *ret_n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_CONFIG_FILE;
    uint8_t *bytes = mem_alloc(MEM_BASE, FILE_MAX + 1);
    size_t n = 0;
    ssize_t got = bytes ? 1 : -1;
    while (got > 0 && n <= FILE_MAX) {
        got = read(fd, bytes + n, FILE_MAX + 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    int failure = errno;
    (void)close(fd);
    if (got < 0 || n > FILE_MAX) {
        mem_free(MEM_BASE, bytes);
        errno = failure;
        return got < 0 ? ERR_CONFIG_FILE : ERR_CONFIG_FILE_TOO_LONG;
    }
    *ret = bytes;
    *ret_n = n;
    return 0;
}

int config_read(struct config *config, const char *path, struct config_problem *problem)
{
    uint8_t *bytes;
    size_t n;
    int err = read_all(path, &bytes, &n);
    if (err) {
        *problem = (struct config_problem){.err = err};
        (void)snprintf(problem->source, sizeof(problem->source), "%s", path);
        (void)snprintf(problem->text, sizeof(problem->text), "%s%s%s", err_text(err),
                       err == ERR_CONFIG_FILE ? ": " : "",
                       err == ERR_CONFIG_FILE ? strerror(errno) : "");
        return err;
    }
    err = config_parse(config, span_of(bytes, n), path, problem);
    mem_free(MEM_BASE, bytes);
    return err;
}

/* Tabs stay tabs, so that the caret stands under the place however wide a tab is. */
static void print_caret(FILE *out, const struct config_problem *problem)
{
    fprintf(out, "    %s\n    ", problem->excerpt);
    for (unsigned i = 0; i + 1 < problem->column && problem->excerpt[i]; i++)
        fputc(problem->excerpt[i] == '\t' ? '\t' : ' ', out);
    fprintf(out, "^\n");
}

void config_problem_print(FILE *out, const struct config_problem *problem)
{
    if (problem->line)
        fprintf(out, "%s:%u:%u: %s\n", problem->source, problem->line, problem->column,
                problem->text);
    else
        fprintf(out, "%s: %s\n", problem->source, problem->text);
    if (problem->line)
        print_caret(out, problem);
    if (problem->suggestion)
        fprintf(out, "did you mean `%s`?\n", problem->suggestion);
}
