#include "http/server.h"

#include <linux/sockios.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "http/access.h"
#include "http/answer.h"
#include "http/engine.h"
#include "http/stream.h"
#include "http/turn.h"

/* So that what else is served waits for a few copies only, however many readers. */
#define STREAMS_A_TURN 16

void
http_tick_later(struct http_server *server)
{
	int64_t pause = STREAM_TICK;
	struct link *link;
	unsigned n = 0;

	TAILQ_FOREACH(link, &server->queues[CONN_STREAM], entry)
	{
		if (link->conn.exchange->stream->is_hungry)
			pause = STREAM_SOON;
		n++;
	}
	if (n > STREAMS_A_TURN)
		pause = pause * STREAMS_A_TURN / n;
	loop_timer_at(&server->ticker, mono_after(loop_now(server->loop), pause));
}

/* The first few streams' turn; then they are the last. */
static void
on_ticker(void *arg)
{
	struct http_server *server = arg;
	struct links *streams = &server->queues[CONN_STREAM];
	struct link *link, *end = TAILQ_LAST(streams, links);

	for (unsigned n = 0; end != NULL && n < STREAMS_A_TURN; n++) {
		link = TAILQ_FIRST(streams);
		if (link == end)
			end = NULL;
		TAILQ_REMOVE(streams, link, entry);
		TAILQ_INSERT_TAIL(streams, link, entry);
		link_turn(link, false);
		link_settle(link);
	}
	if (!TAILQ_EMPTY(streams))
		http_tick_later(server);
}

/* Written bytes that the client has not acknowledged. */
static uint64_t
held_by_socket(int fd)
{
	int held = 0;

	return ioctl(fd, SIOCOUTQ, &held) < 0 || held < 0 ? 0 : (uint64_t)held;
}

static void
expire(struct http_server *server, struct links *queue, struct mono now)
{
	struct link *link;

	while ((link = TAILQ_FIRST(queue)) != NULL && mono_reached(link->queued, now)) {
		if (link->conn.state == CONN_WAITING)
			link_late(link, now);
		else
			conn_timeout(&link->conn, held_by_socket(link->fd), now);
		if (link->conn.reset)
			link->cut = "client stopped reading";
		link_turn(link, false);
		link_settle(link);
	}
}

static void
on_timer(void *arg)
{
	struct http_server *server = arg;
	struct mono now = loop_now(server->loop), next = MONO_NEVER;

	server->timer_at = (struct mono){0}; /* nobody arms it meanwhile */
	for (int i = 0; i < CONN_STATES; i++)
		expire(server, &server->queues[i], now);
	for (int i = 0; i < CONN_STATES; i++)
		if (!TAILQ_EMPTY(&server->queues[i]))
			next = mono_earlier(
				next, TAILQ_FIRST(&server->queues[i])->queued);
	server->timer_at = next;
	loop_timer_at(&server->timer, next);
}

static void
close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

struct http_server *
http_server_new(const struct http_options *o)
{
	struct http_server *server =
		calloc(1, sizeof(*server) + (o->nfds + 1) * sizeof(*server->listeners));

	if (server == NULL) {
		close_all(o->fds, o->nfds);
		if (o->control_fd > 0)
			close(o->control_fd);
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN);
	server->loop = o->loop;
	server->api = o->api;
	server->site = o->site;
	server->activity = o->activity;
	server->pace = o->pace;
	server->limits = o->limits ? o->limits : &conn_limits_default;
	server->timer_at = MONO_NEVER;
	for (int i = 0; i < CONN_STATES; i++)
		TAILQ_INIT(&server->queues[i]);
	loop_timer_init(o->loop, &server->timer, on_timer, server);
	loop_timer_init(o->loop, &server->ticker, on_ticker, server);
	if (accept_init(server, o) < 0) {
		http_server_free(server);
		return NULL;
	}
	return server;
}

void
http_server_free(struct http_server *server)
{
	struct link *link;

	if (server == NULL)
		return;
	for (int i = 0; i < CONN_STATES; i++)
		while ((link = TAILQ_FIRST(&server->queues[i])) != NULL) {
			link->cut = "server stops";
			conn_abort(&link->conn);
			link_free(link);
		}
	loop_timer_del(&server->timer);
	loop_timer_del(&server->ticker);
	accept_deinit(server);
	inbox_pool_deinit(&server->inboxes);
	access_end(&server->lines);
	free(server);
}
