/* `trackwire version`. */
#include "app/command.h"

#include "gateway/protocols/protocol.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argv;
    if (argc > 0)
        return command_usage(&command_version, "takes no arguments");
    size_t count;
    const struct protocol *const *list = protocol_list(&count);
    printf("%s\nprotocols:", TRACKWIRE_NAME);
    for (size_t i = 0; i < count; i++)
        printf(" %s", list[i]->name);
    printf("\n");
    return EXIT_OK;
}

const struct command command_version = {
    .name = "version",
    .summary = "which version this is, and which protocols it speaks",
    .synopsis = "version",
    .run = run,
};
