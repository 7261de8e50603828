/*
 * A connection and its socket: birth, death, the queue it is on, and what the record
 * says of its replies. What it does meanwhile is in turn.h.
 */
#ifndef PIXIE_HTTP_LINK_H
#define PIXIE_HTTP_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "http/clients.h"
#include "http/conn.h"
#include "http/tell.h"
#include "sys/loop.h"

struct http_server;
struct later;

enum watching { WATCH_NONE, WATCH_READ, WATCH_WRITE };

/* A connection and its socket. */
struct link {
	struct conn conn;
	struct http_server *server;
	struct client *client;
	struct later *later;  /* WAITING for it */
	const char *cut;      /* why a reply did not get through */
	struct netaddr local; /* our end; family 0 until it is asked for */
	struct told told;     /* what the registry of machines is told of the reply */
	int fd;
	uint64_t paced; /* bytes a second that the kernel was told */
	enum watching watching;
	struct loop_fd watch;
	enum conn_state queue; /* the one it is on, and with which deadline */
	struct mono queued;
	TAILQ_ENTRY(link) entry;
};

TAILQ_HEAD(links, link);

/*
 * A connection of `client`, which has joined and now leaves with it, on its queue and
 * watching nothing. Takes `fd` over; NULL without memory, then both stay the caller's.
 */
struct link *link_new(struct http_server *server, int fd, struct client *client);
/* Closes it, with all it owns; a reply under way is recorded as cut. */
void link_free(struct link *link);
/* Puts it on the queue of its state and deadline, where it is not there yet. */
void link_requeue(struct link *link);
/* Nothing gets through any more, and `why` (static) is what the record says. */
void link_abort(struct link *link, const char *why);
/*
 * The reply is over: its line in the log, and the registry's event. `cut`: why it did
 * not get through, or NULL.
 */
void link_record(struct link *link, const char *cut, struct mono now);

#endif
