/* Configuration: the command line over the environment over the defaults. */
#ifndef PIXIE_CONF_CONF_H
#define PIXIE_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONF_OPERANDS 2

/* Every value as it was written; "" when absent. Borrowed from argv and environ. */
struct conf {
#define CONF_TYPE_TEXT const char *
#define CONF_TYPE_FLAG bool
#define CONF_TYPE_MAYBE const char *
#define OPT(kind, field, ...) CONF_TYPE_##kind field;
#include "conf/conf.def"
#undef OPT
	/* The words that a command takes besides options. */
	const char *operand[CONF_OPERANDS];
	int n_operands;
};

/*
 * Fills `c` from defaults, environment and the arguments (argv[0] is the first
 * argument, not the program). As the original's parser did, it takes -t V, -t=V,
 * --tftp V, --tftp=V and -tftp V. False with one line for a person in `err`.
 */
bool conf_read(struct conf *c, int argc, const char *const *argv, char *err, size_t cap);
/* The same for a command that takes up to `operands` words (of CONF_OPERANDS). */
bool conf_read_words(struct conf *c, int operands, int argc, const char *const *argv,
	char *err, size_t cap);

/* Whether a word switches on: anything but "", 0, false, no and off. */
bool conf_is_on(const char *text);
/* Whether it does no more than that: 1, true, yes or on. */
bool conf_is_plain_on(const char *text);

/* The option list of --help. */
void conf_help(FILE *out);
/* The same as mdoc for the man page. */
void conf_man(FILE *out);

#endif
