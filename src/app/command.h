/* The commands of the command line: one row each, and what they share. */
#ifndef TRACKWIRE_APP_COMMAND_H
#define TRACKWIRE_APP_COMMAND_H

/* Exit statuses of every command. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2
};

struct command {
    const char *name;
    const char *summary;  /* one line, for the list of commands */
    const char *synopsis; /* what follows `trackwire` */
    /* Prints the rest of `trackwire help NAME` to standard output; NULL: the synopsis is all. */
    void (*help)(void);
    /* Runs with the arguments after its name; the exit status. Main thread. */
    int (*run)(int argc, char **argv);
};

extern const struct command command_serve;
extern const struct command command_simulate;
extern const struct command command_decode;
extern const struct command command_check;
extern const struct command command_version;

#define TRACKWIRE_NAME "trackwire " TRACKWIRE_VERSION

/* Says on standard error what is wrong with the command line and where help is: EXIT_USAGE. */
int command_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says on standard error what failed: EXIT_FAILED. */
int command_failed(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
