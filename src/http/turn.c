#define _GNU_SOURCE
#include "http/turn.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http/accept.h"
#include "http/answer.h"
#include "http/engine.h"
#include "http/send.h"
#include "http/stream.h"

/*
 * What one connection may do before the others have their turn. Large turns are
 * cheap; among many connections they get smaller, so that a round of all of them
 * stays short.
 */
#define TURN_REQUESTS 16
#define TURN_BYTES_MAX (2 * 1024 * 1024)
#define TURN_BYTES_MIN (128 * 1024)
#define ROUND_BYTES (64 * 1024 * 1024)

static void
link_read(struct link *link, struct mono now)
{
	size_t room;
	void *space = conn_space(&link->conn, &room);
	ssize_t n;

	if (space == NULL)
		return;
	n = recv(link->fd, space, room, 0);
	if (n > 0) {
		conn_received(&link->conn, (size_t)n, now);
	} else if (n == 0) {
		if (conn_amid(&link->conn))
			log_drop(client_who(link->client)->label, "http",
				"connection ended inside a request");
		conn_eof(&link->conn, now);
	} else if (errno == EAGAIN || errno == EINTR)
		conn_received(&link->conn, 0, now);
	else
		link_abort(link, "connection lost"); /* EDK2 ends with RST: no error */
}

/* Sends a slice of what is new in the stream; false when nothing is. */
static bool
link_feed(struct link *link, struct mono now)
{
	size_t len;
	struct stream *stream = link->conn.exchange->stream;
	char *text = stream->more(stream, &len, now);

	if (text == NULL)
		return false;
	conn_append(&link->conn, text, len, now);
	return true;
}

static const char *
cut_reason(ssize_t error)
{
	switch (-error) {
	case EIO: /* a disk's; sockets have other words for their troubles */
	case EBADF:
	case EISDIR:
		return "the file cannot be read";
	case ESTALE:
		return "the file changed while it was being sent";
	case ECONNRESET:
	case EPIPE:
		return "client closed the connection";
	default:
		return "connection lost";
	}
}

/*
 * --pace: the kernel spaces the segments. The connections of an address divide its
 * rate, and a change in their number is seen when one has room to send.
 */
static void
link_pace(struct link *link)
{
	uint64_t bytes = pace_share(link->server->pace, &link->client->host) / 8;

	if (link->paced == bytes)
		return;
	link->paced = bytes;
	setsockopt(link->fd, SOL_SOCKET, SO_MAX_PACING_RATE, &bytes, sizeof(bytes));
}

/* Writes until the socket is full or the turn is over; false: wait for the socket. */
static bool
link_write(struct link *link, struct mono now, size_t *budget)
{
	struct output o = conn_output(&link->conn);
	bool more = false;
	ssize_t n;

	if (link->server->pace != NULL)
		link_pace(link);
	n = send_output(link->fd, &o, link->server->scratch, *budget, &more);

	if (n < 0) {
		link_abort(link, cut_reason(n));
		return true;
	}
	conn_sent(&link->conn, (size_t)n, now);
	if (link->told.progress != NULL)
		progress_set(link->told.progress, link->conn.exchange->sent);
	*budget -= (size_t)n < *budget ? (size_t)n : *budget;
	return link->conn.state != CONN_SENDING || (more && *budget > 0);
}

static void
link_sent(struct link *link, struct mono now)
{
	link_record(link, NULL, mono_now());
	conn_next(&link->conn, now);
	if (link->conn.state == CONN_LINGER)
		shutdown(link->fd, SHUT_WR);
}

static size_t
turn_bytes(const struct http_server *server)
{
	size_t share = ROUND_BYTES / server->links;

	if (share > TURN_BYTES_MAX)
		return TURN_BYTES_MAX;
	return share < TURN_BYTES_MIN ? TURN_BYTES_MIN : share;
}

void
link_turn(struct link *link, bool readable)
{
	struct mono now = loop_now(link->server->loop);
	size_t budget = turn_bytes(link->server);
	bool fed = false; /* one slice a turn: a hundred readers begin at once */

	for (int requests = 0; requests < TURN_REQUESTS;) {
		switch (link->conn.state) {
		case CONN_ASKED:
			link_answer(link, now);
			break;
		case CONN_SENDING:
			if (!link_write(link, now, &budget))
				return;
			break;
		case CONN_SENT:
			link_sent(link, now);
			requests++;
			break;
		case CONN_WAITING:
		case CONN_CLOSED:
			return;
		default:
			if (link->conn.state == CONN_STREAM && !fed &&
				(fed = link_feed(link, now)))
				break;
			if (!readable)
				return;
			readable = false;
			link_read(link, now);
		}
	}
}

static void
on_link(void *arg)
{
	struct link *link = arg;

	link_turn(link, link->watching == WATCH_READ);
	link_settle(link);
}

/* While an answer is being made nothing is read; that the client left shows then. */
static enum watching
watching_in(enum conn_state state)
{
	switch (state) {
	case CONN_SENDING:
	case CONN_ASKED:
		return WATCH_WRITE;
	case CONN_WAITING:
		return WATCH_NONE;
	default:
		return WATCH_READ;
	}
}

static int
link_watch(struct link *link)
{
	enum watching want = watching_in(link->conn.state);

	if (link->watching == want)
		return 0;
	loop_fd_del(&link->watch);
	link->watching = want;
	if (want == WATCH_NONE)
		return 0;
	if (want == WATCH_WRITE)
		return loop_fd_write(
			link->server->loop, &link->watch, link->fd, on_link, link);
	return loop_fd_read(link->server->loop, &link->watch, link->fd, on_link, link);
}

void
link_settle(struct link *link)
{
	struct http_server *server = link->server;
	struct conn *c = &link->conn;

	if (c->state != CONN_CLOSED && link_watch(link) < 0)
		conn_abort(c);
	if (c->state == CONN_CLOSED) {
		link_free(link);
		accept_resume(server);
		return;
	}
	link_requeue(link);
	if (c->state == CONN_STREAM && !server->ticker.armed)
		http_tick_later(server);
	if (c->deadline.us < server->timer_at.us) {
		server->timer_at = c->deadline;
		loop_timer_at(&server->timer, server->timer_at);
	}
}
