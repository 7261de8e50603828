#define _GNU_SOURCE
#include "http/server.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "http/access.h"
#include "http/clients.h"
#include "http/later.h"
#include "http/route.h"
#include "http/send.h"
#include "http/stream.h"
#include "http/tell.h"

/*
 * What one connection may do before the others have their turn. Large turns are
 * cheap; among many connections they get smaller, so that a round of all of them
 * stays short.
 */
#define TURN_REQUESTS 16
#define TURN_ACCEPTS 64
#define TURN_BYTES_MAX (2 * 1024 * 1024)
#define TURN_BYTES_MIN (128 * 1024)
#define ROUND_BYTES (64 * 1024 * 1024)

#define FDS_RESERVED 256 /* for TFTP, the log, the store */
#define PER_CLIENT_MAX 1024
#define ACCEPT_AGAIN_AFTER MONO_MS(100)

/* What a stream may have in the kernel: beyond that its reader is a slow one. */
#define STREAM_BUFFER (64 * 1024)
/* A reader that was switched off: without this the kernel tries for 15 minutes. */
#define STREAM_DEAD_MS (60 * 1000)

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

struct listener {
	struct http_server *server;
	int fd;
	struct loop_fd watch;
};

struct http_server {
	struct loop *loop;
	const struct site *site;
	const struct conn_limits *limits;
	const struct activity *activity;
	struct api *api;
	struct links queues[CONN_STATES];
	struct loop_timer timer;
	struct mono timer_at;
	struct loop_timer ticker; /* of streams, while there are any */
	unsigned links, links_max, per_client_max;
	struct pace *pace; /* NULL: no limit */
	struct clients clients;
	struct inbox_pool inboxes;
	time_t date_at; /* when `date` was written */
	char date[HTTP_DATE_TEXT];
	bool paused; /* not accepting: at the limit, or out of descriptors */
	struct loop_timer accept_timer;
	struct mono complained;
	struct quota lines; /* of the log, for what is refused */
	uint8_t scratch[SEND_COPY_MAX];
	unsigned nlisteners;
	struct listener listeners[];
};

static void on_link(void *arg);
static void resume_accepting(struct http_server *server);

/* Links: queues, watches, birth and death. */

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

static struct link *
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

/* The reply is over: its line in the log, and the registry's event. */
static void
link_record(struct link *link, const char *cut, struct mono now)
{
	const struct exchange *x = link->conn.exchange;

	access_record(x, link->client, cut, &link->server->lines, now);
	if (link->told.is_told)
		told_end(&link->told, link->server->site->registry, x,
			client_who(link->client), &link->client->host, cut, link->fd,
			now);
}

static void
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

static void
tick_later(struct http_server *server)
{
	loop_timer_at(&server->ticker, mono_after(loop_now(server->loop), STREAM_TICK));
}

/* The end of every turn: the link is gone, or waits in its queue for its event. */
static void
link_settle(struct link *link)
{
	struct http_server *server = link->server;
	struct conn *c = &link->conn;

	if (c->state != CONN_CLOSED && link_watch(link) < 0)
		conn_abort(c);
	if (c->state == CONN_CLOSED) {
		link_free(link);
		resume_accepting(server);
		return;
	}
	if (link->queue != c->state || link->queued.us != c->deadline.us) {
		link_unqueue(link);
		link_enqueue(link);
	}
	if (c->state == CONN_STREAM && !server->ticker.armed)
		tick_later(server);
	if (c->deadline.us < server->timer_at.us) {
		server->timer_at = c->deadline;
		loop_timer_at(&server->timer, server->timer_at);
	}
}

static void
link_abort(struct link *link, const char *why)
{
	link->cut = why;
	conn_abort(&link->conn);
}

/* The steps of a turn. */

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

static void on_later(struct link *link);

static void
link_wait(struct link *link, struct later *later, struct mono now)
{
	link->later = later;
	later_wait(later, link, on_later);
	conn_defer(&link->conn, now);
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

static void
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

/* Sends what is new in the stream; false when nothing is, or others have waited enough.
 */
static bool
link_feed(struct link *link, struct mono now, size_t budget)
{
	size_t len, most = budget < STREAM_BUFFER ? budget : STREAM_BUFFER;
	struct stream *stream = link->conn.exchange->stream;
	char *text = budget > 0 ? stream->more(stream, most, &len, now) : NULL;

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

/* Goes on until the connection waits for its socket, or others have waited enough. */
static void
link_turn(struct link *link, bool readable)
{
	struct mono now = loop_now(link->server->loop);
	size_t budget = turn_bytes(link->server);

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
			if (link->conn.state == CONN_STREAM &&
				link_feed(link, now, budget))
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
on_ticker(void *arg)
{
	struct http_server *server = arg;
	struct links *streams = &server->queues[CONN_STREAM];
	struct link *last = TAILQ_LAST(streams, links), *link, *next;
	bool more = last != NULL;

	/* Turns put links behind the last one. */
	for (link = TAILQ_FIRST(streams); more; link = next) {
		more = link != last;
		next = TAILQ_NEXT(link, entry);
		link_turn(link, false);
		link_settle(link);
	}

	if (!TAILQ_EMPTY(streams))
		tick_later(server);
}

/* Deadlines. */

/* The other thread is too late; its answer will find nobody. */
static void
link_late(struct link *link, struct mono now)
{
	struct reply reply = {.retry_after = 5};

	later_leave(link->later);
	link->later = NULL;
	reply_text(&reply, 503, "The answer took too long.");
	link_reply(link, &reply, now);
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

/* Accepting. */

static void on_listener(void *arg);

static int
listeners_watch(struct http_server *server)
{
	for (unsigned i = 0; i < server->nlisteners; i++) {
		struct listener *l = &server->listeners[i];

		if (loop_fd_read(server->loop, &l->watch, l->fd, on_listener, l) < 0)
			return -1;
	}
	return 0;
}

/* That there is no room, at most once a second. */
static void
complain(struct http_server *server, const char *why, const struct netaddr *peer)
{
	struct mono now = loop_now(server->loop);

	if (mono_since(now, server->complained) < MONO_S(1))
		return;
	server->complained = now;
	if (peer != NULL)
		log_warning(NULL, "http-full", STR("why", why),
			NUM("connections", server->links), PEER("peer", peer));
	else
		log_warning(NULL, "http-full", STR("why", why),
			NUM("connections", server->links));
}

static void
pause_accepting(struct http_server *server)
{
	server->paused = true;
	for (unsigned i = 0; i < server->nlisteners; i++)
		loop_fd_del(&server->listeners[i].watch);
	loop_timer_at(&server->accept_timer,
		mono_after(loop_now(server->loop), ACCEPT_AGAIN_AFTER));
}

static void
resume_accepting(struct http_server *server)
{
	if (!server->paused)
		return;
	server->paused = false;
	loop_timer_del(&server->accept_timer);
	if (listeners_watch(server) < 0)
		pause_accepting(server);
}

static void
on_accept_timer(void *arg)
{
	resume_accepting(arg);
}

/* Closes the connection that has been idle for longest; false when none is. */
static bool
make_room(struct http_server *server)
{
	struct link *oldest = TAILQ_FIRST(&server->queues[CONN_IDLE]);

	if (oldest == NULL)
		return false;
	conn_abort(&oldest->conn);
	link_free(oldest);
	return true;
}

/*
 * One address has all the connections it may have. The request that came with the
 * handshake is read, else the RST that unread bytes cause may overtake the 503.
 */
static void
turn_away(struct http_server *server, int fd, const struct netaddr *peer)
{
	static const char reply[] = "HTTP/1.1 503 Service Unavailable\r\n"
				    "Content-Type: text/plain; charset=utf-8\r\n"
				    "Content-Length: 40\r\n"
				    "Retry-After: 5\r\n"
				    "Connection: close\r\n\r\n"
				    "Too many connections from your address.\n";

	if (recv(fd, server->scratch, HEAD_MAX, MSG_DONTWAIT) != 0)
		send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	complain(server, "too many connections from one address", peer);
}

static void
welcome(struct http_server *server, int fd, struct netaddr *peer)
{
	struct client *client;
	struct link *link = NULL;

	netaddr_unmap(peer);
	client = client_join(&server->clients, peer);
	if (client != NULL && client->conns > server->per_client_max) {
		turn_away(server, fd, peer);
		client_leave(&server->clients, client);
		return;
	}
	if (client != NULL)
		link = link_new(server, fd, client);
	if (link == NULL) {
		if (client != NULL)
			client_leave(&server->clients, client);
		close(fd);
		return;
	}
	/* Often the request is there already; then no event is needed. */
	link_turn(link, true);
	link_settle(link);
}

/* Whether to go on accepting after accept4() failed. */
static bool
accept_failed(struct http_server *server, int error)
{
	switch (error) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		if (make_room(server))
			return true;
		complain(server, strerror(error), NULL);
		pause_accepting(server);
		return false;
	default:
		return true; /* that connection's own trouble, accept(2) */
	}
}

static void
on_listener(void *arg)
{
	struct listener *l = arg;
	struct http_server *server = l->server;

	for (int i = 0; i < TURN_ACCEPTS && !server->paused; i++) {
		struct netaddr peer = {
			0}; /* an unnamed Unix socket tells only its family */
		socklen_t len = sizeof(peer);
		int fd;

		if (server->links >= server->links_max &&
			TAILQ_EMPTY(&server->queues[CONN_IDLE])) {
			complain(server, "all connections are taken", NULL);
			pause_accepting(server);
			return;
		}
		fd = accept4(l->fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && !accept_failed(server, errno))
			return;
		if (fd >= 0 && server->links >= server->links_max)
			make_room(server);
		if (fd >= 0)
			welcome(server, fd, &peer);
	}
}

/* Each connection has a socket and, while it is sent, a file. */
static unsigned
room_for_links(void)
{
	struct rlimit nofile;

	if (getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return 512;
	if (nofile.rlim_cur <= 2 * FDS_RESERVED)
		return (unsigned)(nofile.rlim_cur / 4) + 1;
	return (unsigned)((nofile.rlim_cur - FDS_RESERVED) / 2);
}

/*
 * The kernel divides the connections of one address by their ports, so not quite
 * evenly: each worker bears a quarter more than its part.
 */
static void
share_limits(struct http_server *server, const struct http_options *o)
{
	unsigned workers = o->workers ? o->workers : 1;
	unsigned links =
		o->connections_max ? o->connections_max : room_for_links() / workers + 1;
	unsigned fair = links - links / 4, usual = PER_CLIENT_MAX / workers;

	if (workers > 1)
		usual += usual / 4;
	server->links_max = links;
	server->per_client_max = fair < usual ? fair : usual;
	if (o->per_client_max)
		server->per_client_max = o->per_client_max;
}

static void
close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static void
add_listener(struct http_server *server, int fd)
{
	server->listeners[server->nlisteners++] =
		(struct listener){.server = server, .fd = fd};
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
	share_limits(server, o);
	server->timer_at = MONO_NEVER;
	for (int i = 0; i < CONN_STATES; i++)
		TAILQ_INIT(&server->queues[i]);
	loop_timer_init(o->loop, &server->timer, on_timer, server);
	loop_timer_init(o->loop, &server->accept_timer, on_accept_timer, server);
	loop_timer_init(o->loop, &server->ticker, on_ticker, server);
	for (unsigned i = 0; i < o->nfds; i++)
		add_listener(server, o->fds[i]);
	if (o->control_fd > 0)
		add_listener(server, o->control_fd);
	if (listeners_watch(server) < 0) {
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
	loop_timer_del(&server->accept_timer);
	loop_timer_del(&server->ticker);
	for (unsigned i = 0; i < server->nlisteners; i++) {
		loop_fd_del(&server->listeners[i].watch);
		close(server->listeners[i].fd);
	}
	inbox_pool_deinit(&server->inboxes);
	access_end(&server->lines);
	free(server);
}
