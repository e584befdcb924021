/* The program `trackwire`: finds the command and runs it. */
#include "app/command.h"
#include "app/suggest.h"

#include <stdio.h>

static const struct command *const commands[] = {
    &command_serve, &command_simulate, &command_decode, &command_check, &command_version,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (span_equal(span_str(commands[i]->name), span_str(name)))
            return commands[i];
    }
    return NULL;
}

static int help_overview(void)
{
    printf("%s: a hub between trackers and MQTT clients\n\n"
           "  trackwire serve --http 8080              start the hub\n"
           "  trackwire simulate --protocol teltonika --to 127.0.0.1:12000\n"
           "                                           send it a tracker that drives around\n"
           "  trackwire decode --protocol teltonika 000F33353230...\n"
           "                                           explain what a tracker said\n\nCommands:\n",
           TRACKWIRE_NAME);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("  %-10s this text; `trackwire help COMMAND` tells more of one\n", "help");
    return EXIT_OK;
}

static int help_command(const struct command *command)
{
    printf("trackwire %s: %s\n\nusage: trackwire %s\n", command->name, command->summary,
           command->synopsis);
    if (command->help)
        command->help();
    return EXIT_OK;
}

static int unknown(const char *name)
{
    struct suggestion suggestion = suggestion_for(span_str(name));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        suggestion_offer(&suggestion, commands[i]->name);
    suggestion_offer(&suggestion, "help");
    fprintf(stderr, "trackwire: there is no command \"%s\"", name);
    if (suggestion.best)
        fprintf(stderr, "; did you mean `%s`?", suggestion.best);
    fprintf(stderr, "\n`trackwire help` lists them\n");
    return EXIT_USAGE;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    struct span s = span_str(word);
    return span_equal(s, span_str(a)) || span_equal(s, span_str(b)) || span_equal(s, span_str(c));
}

static bool asks_help(const char *word)
{
    return is_one_of(word, "help", "--help", "-h");
}

static int help(int argc, char **argv)
{
    if (argc < 1)
        return help_overview();
    const struct command *command = find(argv[0]);
    return command ? help_command(command) : unknown(argv[0]);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)help_overview();
        return EXIT_USAGE;
    }
    if (asks_help(argv[1]))
        return help(argc - 2, argv + 2);
    const char *name = is_one_of(argv[1], "version", "--version", "-V") ? "version" : argv[1];
    const struct command *command = find(name);
    if (!command)
        return unknown(argv[1]);
    for (int i = 2; i < argc; i++) {
        if (is_one_of(argv[i], "--help", "-h", "-?"))
            return help_command(command);
    }
    return command->run(argc - 2, argv + 2);
}
