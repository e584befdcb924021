/* `trackwire serve`: from arguments to a configuration, then the hub. Its options are the keys of
 * the configuration, so that nothing can be set in one way only. */
#include "app/config.h"
#include "app/options.h"
#include "app/service.h"
#include "app/suggest.h"
#include "base/clock.h"

/* Where the settings come from; kept, because SIGHUP reads them again. */
struct arguments {
    int argc;
    char **argv;
    const char *file; /* of --config; NULL: none */
};

/* The value of the option at argv[*at], which may be the next word; moves *at on. NULL: missing. */
static const char *take_value(const struct arguments *a, const struct option_word *word, int *at)
{
    if (word->value)
        return word->value;
    return *at + 1 < a->argc ? a->argv[++*at] : NULL;
}

static int problem_at(struct config_problem *problem, int err, const char *source, const char *text)
{
    *problem = (struct config_problem){.err = err};
    (void)snprintf(problem->source, sizeof(problem->source), "%s", source);
    (void)snprintf(problem->text, sizeof(problem->text), "%s", text);
    return err;
}

static int set_pair(struct config *config, struct span pair, struct config_problem *problem)
{
    size_t equals = span_find(pair, '=');
    if (equals == pair.n)
        return problem_at(problem, ERR_CONFIG_SYNTAX, "--set", "a setting reads KEY=VALUE");
    return config_set(config, span_head(pair, equals), span_from(pair, equals + 1), "--set",
                      problem);
}

/* The option at argv[*at]. With `is_file_pass` only --config is looked at, because the file comes
 * before all other options wherever it stands. */
static int take_option(struct arguments *a, int *at, bool is_file_pass, struct config *config,
                       struct config_problem *problem)
{
    const char *typed = a->argv[*at];
    struct option_word word = option_word(typed);
    if (!word.name)
        return problem_at(problem, ERR_OPTION_UNKNOWN, typed, "serve takes options, no words");
    struct span name = span_of(word.name, word.name_n);
    const struct config_key *key = config_key_find(name);
    bool is_config = span_equal(name, SPAN_LIT("config"));
    bool is_set = span_equal(name, SPAN_LIT("set"));
    if (!key && !is_config && !is_set)
        return config_set(config, name, SPAN_LIT(""), typed,
                          problem); /* which says what is wrong */
    const char *value = word.value;
    if (!value && key && config_key_is_flag(key))
        value = "true";
    else
        value = take_value(a, &word, at);
    if (!value)
        return problem_at(problem, ERR_OPTION_VALUE_MISSING, typed, "the option needs a value");
    if (is_file_pass) {
        a->file = is_config ? value : a->file;
        return 0;
    }
    if (is_config)
        return 0;
    return is_set ? set_pair(config, span_str(value), problem)
                  : config_set(config, name, span_str(value), typed, problem);
}

static int read_options(struct arguments *a, bool is_file_pass, struct config *config,
                        struct config_problem *problem)
{
    int err = 0;
    for (int i = 0; i < a->argc && !err; i++)
        err = take_option(a, &i, is_file_pass, config, problem);
    return err;
}

static int configure(struct arguments *a, struct config *config, struct config_problem *problem)
{
    config_init(config);
    int err = read_options(a, true, config, problem);
    if (!err && a->file)
        err = config_read(config, a->file, problem);
    if (!err)
        err = read_options(a, false, config, problem);
    return err ? err : config_check(config, problem);
}

static int reload(void *context, struct config *ret)
{
    struct config_problem problem;
    int err = configure(context, ret, &problem);
    if (err)
        log_error("SIGHUP: configuration not read, nothing changed: %s:%u:%u: %s", problem.source,
                  problem.line, problem.column, problem.text);
    return err;
}

static int refuse(const struct config_problem *problem)
{
    if (problem->line || problem->err == ERR_CONFIG_FILE ||
        problem->err == ERR_CONFIG_FILE_TOO_LONG) {
        config_problem_print(stderr, problem);
        return EXIT_FAILED;
    }
    return command_usage(&command_serve, "%s: %s%s%s%s", problem->source, problem->text,
                         problem->suggestion ? "; did you mean `" : "",
                         problem->suggestion ? problem->suggestion : "",
                         problem->suggestion ? "`?" : "");
}

static int run(int argc, char **argv)
{
    int64_t started_ms = clock_mono_ms();
    struct arguments arguments = {argc, argv, NULL};
    static struct config config; /* several KiB, for as long as the program runs */
    struct config_problem problem;
    if (configure(&arguments, &config, &problem))
        return refuse(&problem);
    const struct service_options options = {
        .config = &config,
        .reload = arguments.file ? reload : NULL,
        .context = &arguments,
        .started_ms = started_ms,
    };
    return service_run(&command_serve, &options);
}

static void help(void)
{
    printf("\nEvery option is also a key of the configuration file and of --set.\n\n");
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char head[48];
        (void)snprintf(head, sizeof(head), "--%s %s", key->name, key->type->argument);
        printf("  %-31s %s%s%s%s\n", head, key->help, key->value[0] ? " [" : "", key->value,
               key->value[0] ? "]" : "");
    }
    printf("  %-31s a file of `key = value` lines; `#` begins a comment\n", "--config FILE");
    printf("  %-31s one key; may be repeated\n", "--set KEY=VALUE");
    printf("\nTRACKWIRE_MASTER_TOKEN (64 characters A-Z a-z 0-9) becomes the master token at the\n"
           "first start, instead of a random one.\n"
           "SIGTERM and SIGINT stop the hub, SIGHUP reads the configuration\n"
           "(log-level, tls-*) and the certificates again.\n");
}

const struct command command_serve = {
    .name = "serve",
    .summary = "run the hub",
    .synopsis =
        "serve [--config FILE] [--data DIR] [--mqtt|--mqtts|--http|--https [ADDR:]PORT|off] "
        "...",
    .help = help,
    .run = run,
};

/* ---- `trackwire check FILE` ---- */

static int run_check(int argc, char **argv)
{
    if (argc != 1 || option_word(argv[0]).name)
        return command_usage(&command_check, "wants the name of one file");
    static struct config config;
    struct config_problem problem;
    config_init(&config);
    int err = config_read(&config, argv[0], &problem);
    if (!err)
        err = config_check(&config, &problem);
    if (!err) {
        printf("%s: good\n", argv[0]);
        return EXIT_OK;
    }
    if (!problem.line)
        (void)snprintf(problem.source, sizeof(problem.source), "%s", argv[0]);
    config_problem_print(stderr, &problem);
    return EXIT_FAILED;
}

const struct command command_check = {
    .name = "check",
    .summary = "check a configuration file without starting anything",
    .synopsis = "check FILE",
    .run = run_check,
};
