#include "http/answer.h"

#include <netinet/tcp.h>
#include <time.h>

#include "http/engine.h"
#include "http/later.h"
#include "http/route.h"
#include "http/turn.h"

/* A reader that was switched off: without this the kernel tries for 15 minutes. */
#define STREAM_DEAD_MS (60 * 1000)

static const struct netaddr *
local_address(struct link *link)
{
	socklen_t len = sizeof(link->local);

	if (link->local.sa.sa_family == AF_UNSPEC &&
		getsockname(link->fd, &link->local.sa, &len) == 0)
		netaddr_unmap(&link->local);
	return &link->local;
}

static const char *
date_text(struct http_server *server, time_t now)
{
	if (server->date_at != now) {
		server->date_at = now;
		http_date_format(now, server->date);
	}
	return server->date;
}

/* A little buffer, so that what a slow reader misses is counted, not stored. */
static void
begin_stream(struct link *link)
{
	int buffer = STREAM_BUFFER, dead = STREAM_DEAD_MS;

	setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	setsockopt(link->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
}

static void
link_reply(struct link *link, struct reply *reply, struct mono now)
{
	struct http_server *server = link->server;
	bool is_told = reply->is_told;

	if (reply->stream != NULL)
		begin_stream(link);
	conn_reply(&link->conn, reply, date_text(server, time(NULL)), now);
	if (is_told && link->conn.exchange != NULL)
		told_begin(&link->told, server->site->registry, link->conn.exchange,
			client_who(link->client), &link->client->host, link->fd);
}

/* The answer is there. */
static void
on_later(struct link *link)
{
	struct reply reply = {0};

	link->later->fill(link->later, &reply);
	link->later = NULL;
	link_reply(link, &reply, loop_now(link->server->loop));
	link_turn(link, false);
	link_settle(link);
}

static void
link_wait(struct link *link, struct later *later, struct mono now)
{
	link->later = later;
	later_wait(later, link, on_later);
	conn_defer(&link->conn, now);
}

void
link_answer(struct link *link, struct mono now)
{
	struct http_server *server = link->server;
	struct visit visit = {.site = server->site,
		.api = server->api,
		.loop = server->loop,
		.req = conn_request(&link->conn),
		.who = client_who(link->client),
		.peer = &link->client->host,
		.control = link->client->host.sa.sa_family == AF_UNIX,
		.now = time(NULL)};
	struct reply reply = {0};

	if (!request_host(visit.req, &visit.reached))
		visit.reached = *local_address(link);
	if (server->activity != NULL && !visit.control)
		activity_heard(
			server->activity, client_who(link->client), &link->client->host);
	route_answer(&visit, &reply);
	if (reply.later != NULL)
		link_wait(link, reply.later, now);
	else
		link_reply(link, &reply, now);
}

void
link_late(struct link *link, struct mono now)
{
	struct reply reply = {.retry_after = 5};

	later_leave(link->later);
	link->later = NULL;
	reply_text(&reply, 503, "The answer took too long.");
	link_reply(link, &reply, now);
}
