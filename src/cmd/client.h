/* One question to the running server, by its Unix socket, and the answer. */
#ifndef PIXIE_CMD_CLIENT_H
#define PIXIE_CMD_CLIENT_H

#include <jansson.h>

#include "conf/conf.h"

struct answer {
	int status;
	char *text; /* the body, with a NUL */
	size_t len;
	json_t *json; /* NULL: it is none */
};

/*
 * Asks; `body` is JSON or NULL. EX_OK with any status of HTTP's in `out`, or an exit
 * status after one line. answer_free() in either case.
 */
int client_ask(const struct conf *c, const char *method, const char *path,
	const char *body, struct answer *out);
void answer_free(struct answer *a);

/* Whether the word can name a machine: a MAC address in any spelling, or an IP address.
 */
bool client_names_machine(const char *word);

/* The words of an error. Never NULL. */
const char *answer_error(const struct answer *a);

/* Members of JSON: "" and 0 when they are not there. Borrowed. */
const char *member_text(const json_t *o, const char *name);
int64_t member_number(const json_t *o, const char *name);
/* A time of the API's as milliseconds since 1970; 0: none. */
int64_t member_time(const json_t *o, const char *name);

/* Prints, at most `width` bytes; what could steer the terminal becomes '?'. */
void print_plain(const char *text, size_t width);
/* Words from `column` on, broken before `width`; the cursor stands at `column`. */
void print_folded(const char *text, size_t column, size_t width);

#endif
