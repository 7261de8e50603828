/*
 * The listening sockets: new connections within the limits, and a pause where there
 * is no room for more.
 */
#ifndef PIXIE_HTTP_ACCEPT_H
#define PIXIE_HTTP_ACCEPT_H

#include "http/server.h"

struct listener {
	struct http_server *server;
	int fd;
	struct loop_fd watch;
};

/*
 * Takes over the listening sockets of `o`, for whose number `server` has room, and
 * watches them. -1 where that fails; accept_deinit() ends it in either case.
 */
int accept_init(struct http_server *server, const struct http_options *o);
void accept_deinit(struct http_server *server);
/* A connection is gone: where that was waited for, go on. */
void accept_resume(struct http_server *server);

#endif
