/* How commands complain. */
#include "app/command.h"

#include <stdarg.h>
#include <stdio.h>

static void say(const struct command *command, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void say(const struct command *command, const char *format, va_list args)
{
    fprintf(stderr, "trackwire %s: ", command->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int command_usage(const struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(command, format, args);
    va_end(args);
    fprintf(stderr, "`trackwire help %s` tells more\n", command->name);
    return EXIT_USAGE;
}

int command_failed(const struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(command, format, args);
    va_end(args);
    return EXIT_FAILED;
}
