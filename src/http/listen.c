#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "sys/twin.h"

/* A rack that comes back after a power cut connects all at once. */
#define BACKLOG 4096

static const int on = 1;

static int
prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	/*
	 * Accepted sockets inherit it (Linux), which saves a call a connection.
	 * Without it the end of a reply waits for the client's delayed ACK.
	 */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static int
open_at(int fd, const struct netaddr *addr)
{
	int family = addr->sa.sa_family;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		(family == AF_INET6 &&
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
		bind(fd, &addr->sa, netaddr_len(addr)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return prepare(fd);
}

int
http_listen(const struct netaddr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	error = open_at(fd, addr);
	if (error < 0) {
		close(fd);
		return error;
	}
	return fd;
}

int
http_twin(int fd)
{
	int twin = socket_twin(fd), err;

	if (twin < 0)
		return twin;
	err = listen(twin, BACKLOG) < 0 ? -errno : prepare(twin);
	if (err == 0)
		return twin;
	close(twin);
	return err;
}

int
http_adopt(int fd)
{
	return prepare(fd);
}
