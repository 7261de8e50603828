#define _GNU_SOURCE
#include "http/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/engine.h"
#include "http/turn.h"

#define TURN_ACCEPTS 64  /* before the open connections have their turn */
#define FDS_RESERVED 256 /* for TFTP, the log, the store */
#define PER_CLIENT_MAX 1024
#define ACCEPT_AGAIN_AFTER MONO_MS(100)

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

void
accept_resume(struct http_server *server)
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
	accept_resume(arg);
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
add_listener(struct http_server *server, int fd)
{
	server->listeners[server->nlisteners++] =
		(struct listener){.server = server, .fd = fd};
}

int
accept_init(struct http_server *server, const struct http_options *o)
{
	share_limits(server, o);
	loop_timer_init(o->loop, &server->accept_timer, on_accept_timer, server);
	for (unsigned i = 0; i < o->nfds; i++)
		add_listener(server, o->fds[i]);
	if (o->control_fd > 0)
		add_listener(server, o->control_fd);
	return listeners_watch(server);
}

void
accept_deinit(struct http_server *server)
{
	loop_timer_del(&server->accept_timer);
	for (unsigned i = 0; i < server->nlisteners; i++) {
		loop_fd_del(&server->listeners[i].watch);
		close(server->listeners[i].fd);
	}
}
