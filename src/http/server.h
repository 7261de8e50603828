/*
 * The HTTP server of one thread: sockets, deadlines and limits around struct conn.
 *
 * Every connection is on one queue, that of its state. A state has one length of
 * stay, so each queue is in the order of its deadlines: one timer for all of them,
 * armed for the earliest, and the connection that has been idle for longest is the
 * first of its queue.
 */
#ifndef PIXIE_HTTP_SERVER_H
#define PIXIE_HTTP_SERVER_H

#include "base/pace.h"
#include "boot/activity.h"
#include "boot/resolve.h"
#include "http/conn.h"
#include "http/listen.h"
#include "sys/loop.h"

struct http_server;

struct http_options {
	struct loop *loop;
	const struct site *site; /* outlives the server */
	const int *fds; /* listening sockets, from http_listen() or http_adopt() */
	unsigned nfds;
	/* A listening Unix socket: who may open it may change things. 0: none. */
	int control_fd;
	/*
	 * Connections open at once; 0 takes what RLIMIT_NOFILE leaves room for. At
	 * the limit the longest idle one makes room; when none is idle, new ones
	 * wait in the backlog, which firmware bears better than a refusal.
	 */
	unsigned connections_max;
	/*
	 * Servers in this process at the same addresses; 0: one. They divide what
	 * RLIMIT_NOFILE leaves, and what one address may have.
	 */
	unsigned workers;
	/*
	 * From one address; 0: 1024 (a NAT may hide a rack) and at most three quarters
	 * of them all. More get a 503.
	 */
	unsigned per_client_max;
	struct pace *pace;                /* outlives the server; NULL: no limit */
	const struct conn_limits *limits; /* NULL: conn_limits_default */
	const struct activity *activity;  /* told of every request; may be NULL */
	struct api *api; /* http/api.h; outlives the server; NULL: there is none */
};

/*
 * Starts serving. Takes the descriptors over, also on failure (NULL: no memory).
 * Has the process ignore SIGPIPE: sendfile has no MSG_NOSIGNAL.
 */
struct http_server *http_server_new(const struct http_options *options);
/* Closes everything, replies under way included. NULL is fine. */
void http_server_free(struct http_server *server);

#endif
