#include "sys/twin.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/netaddr.h"

static int
copy_option(int from, int to, int level, int name)
{
	int value;
	socklen_t len = sizeof(value);

	if (getsockopt(from, level, name, &value, &len) < 0)
		return -1;
	return setsockopt(to, level, name, &value, sizeof(value));
}

static int
share(int fd)
{
	static const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

static int
bind_beside(int twin, int fd, const struct netaddr *at)
{
	if (share(fd) < 0 || share(twin) < 0 ||
		copy_option(fd, twin, SOL_SOCKET, SO_REUSEADDR) < 0)
		return -errno;
	if (at->sa.sa_family == AF_INET6 &&
		copy_option(fd, twin, IPPROTO_IPV6, IPV6_V6ONLY) < 0)
		return -errno;
	return bind(twin, &at->sa, netaddr_len(at)) < 0 ? -errno : 0;
}

int
socket_twin(int fd)
{
	struct netaddr at = {0};
	socklen_t at_len = sizeof(at), type_len = sizeof(int);
	int type, twin, err;

	if (getsockname(fd, &at.sa, &at_len) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0)
		return -errno;
	twin = socket(at.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (twin < 0)
		return -errno;
	err = bind_beside(twin, fd, &at);
	if (err == 0)
		return twin;
	close(twin);
	return err;
}
