/* The API, and by which ways it is reached: the part of `pixie serve` for admins. */
#ifndef PIXIE_CMD_ADMIN_H
#define PIXIE_CMD_ADMIN_H

#include "cmd/control.h"
#include "cmd/token.h"
#include "conf/conf.h"
#include "http/api.h"

struct admin {
	struct api *api;
	int control_fd; /* for http_options.control_fd; 0: none */
	char control[CONTROL_PATH];
	char token[TOKEN_TEXT];
};

/*
 * EX_OK, or an exit status after one line. `control_fd` is the caller's (an HTTP
 * server takes it over); `a` stays where it is until admin_stop().
 */
int admin_start(struct admin *a, const struct conf *c, const struct site *site,
	struct store *store);
/* When no loop runs any more; before the store is closed and any loop is freed. */
void admin_stop(struct admin *a);
/* After the HTTP servers are freed and the store is closed. */
void admin_free(struct admin *a);

#endif
