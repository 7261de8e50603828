#include "http/link.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/access.h"
#include "http/engine.h"
#include "http/later.h"

static void
link_unqueue(struct link *link)
{
	TAILQ_REMOVE(&link->server->queues[link->queue], link, entry);
}

static void
link_enqueue(struct link *link)
{
	link->queue = link->conn.state;
	link->queued = link->conn.deadline;
	TAILQ_INSERT_TAIL(&link->server->queues[link->queue], link, entry);
}

void
link_requeue(struct link *link)
{
	if (link->queue != link->conn.state ||
		link->queued.us != link->conn.deadline.us) {
		link_unqueue(link);
		link_enqueue(link);
	}
}

struct link *
link_new(struct http_server *server, int fd, struct client *client)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	conn_init(&link->conn, server->limits, &server->inboxes, loop_now(server->loop));
	link->server = server;
	link->client = client;
	link->fd = fd;
	link_enqueue(link);
	server->links++;
	if (server->pace != NULL)
		pace_join(server->pace, &client->host);
	return link;
}

/* RST in place of FIN: the client sees an error and not a whole file. */
static void
reset_on_close(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* That a stream is closed by its reader is its usual end. */
static const char *
cut_of(const struct link *link)
{
	return link->cut || link->conn.exchange->stream ? link->cut : "closed";
}

void
link_record(struct link *link, const char *cut, struct mono now)
{
	const struct exchange *x = link->conn.exchange;

	access_record(x, link->client, cut, &link->server->lines, now);
	if (link->told.is_told)
		told_end(&link->told, link->server->site->registry, x,
			client_who(link->client), &link->client->host, cut, link->fd,
			now);
}

void
link_free(struct link *link)
{
	struct http_server *server = link->server;

	if (link->conn.exchange != NULL)
		link_record(link, cut_of(link), loop_now(server->loop));
	later_leave(link->later);
	if (link->conn.reset)
		reset_on_close(link->fd);
	loop_fd_del(&link->watch);
	close(link->fd);
	if (server->pace != NULL)
		pace_leave(server->pace, &link->client->host);
	link_unqueue(link);
	conn_deinit(&link->conn);
	client_leave(&server->clients, link->client);
	free(link);
	server->links--;
}

void
link_abort(struct link *link, const char *why)
{
	link->cut = why;
	conn_abort(&link->conn);
}
