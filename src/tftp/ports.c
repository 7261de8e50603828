#include "tftp/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/udp.h"
#include "tftp/engine.h"

/* Few, so that what comes and goes by one of them is much at a time. */
#define POOL_RANDOM 8

struct port *
listener_pick(struct listener *l, const struct netaddr *peer)
{
	struct pool *pool = peer->sa.sa_family == AF_INET6 ? &l->v6 : &l->v4;
	unsigned start;

	if (pool->n == 0)
		return &l->request;
	start = arc4random_uniform(pool->n);
	for (unsigned i = 0; i < pool->n; i++) {
		struct port *port = &pool->ports[(start + i) % pool->n];

		if (table_find(&l->server->table, peer, port) == NULL)
			return port;
	}
	return &pool->ports[start];
}

static int
open_port(struct listener *l, struct port *port, int fd, void (*readable)(void *))
{
	port->listener = l;
	port->fd = fd;
	TAILQ_INIT(&port->blocked);
	return loop_fd_read(l->server->config.loop, &port->readable, fd, readable, port);
}

static void
close_port(struct port *port)
{
	loop_fd_del(&port->readable);
	loop_fd_del(&port->writable);
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
}

void
listener_each(struct listener *l, void (*visit)(struct port *))
{
	visit(&l->request);
	for (unsigned i = 0; i < l->v4.n; i++)
		visit(&l->v4.ports[i]);
	for (unsigned i = 0; i < l->v6.n; i++)
		visit(&l->v6.ports[i]);
}

void
listener_close(struct listener *l)
{
	listener_each(l, close_port);
}

/* Ports of the range that are taken by others are left out, as long as one is left. */
static int
fill_pool(struct listener *l, struct pool *pool, struct netaddr addr,
	void (*readable)(void *))
{
	const struct tftp_config *c = &l->server->config;
	unsigned want = c->port_lo ? c->port_hi - c->port_lo + 1u : POOL_RANDOM;
	int err = 0;

	for (unsigned i = 0; i < want && pool->n < POOL_MAX; i++) {
		int fd;

		netaddr_set_port(&addr, c->port_lo ? (uint16_t)(c->port_lo + i) : 0);
		fd = udp_bind(&addr);
		if (fd >= 0)
			udp_learn_local(fd, false);
		if (fd < 0)
			err = fd;
		else if (open_port(l, &pool->ports[pool->n++], fd, readable) < 0)
			return -ENOMEM;
	}
	return pool->n ? 0 : err;
}

static bool
takes_ipv4_too(int fd, const struct netaddr *addr)
{
	int only = 1;
	socklen_t len = sizeof(only);

	return netaddr_is_wildcard(addr) &&
	       getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && !only;
}

int
listener_open(struct listener *l, void (*readable)(void *))
{
	struct netaddr addr = {0}, any_v4 = {.v4 = {.sin_family = AF_INET}};
	socklen_t len = sizeof(addr);
	int err = open_port(l, &l->request, l->request.fd, readable) < 0 ? -ENOMEM : 0;

	if (err < 0 || l->server->config.single_port)
		return err;
	if (getsockname(l->request.fd, &addr.sa, &len) < 0)
		return -errno;
	netaddr_unmap(&addr);
	l->is_at_one_address = !netaddr_is_wildcard(&addr);
	if (addr.sa.sa_family != AF_INET6)
		return fill_pool(l, &l->v4, addr, readable);
	if (takes_ipv4_too(l->request.fd, &addr))
		err = fill_pool(l, &l->v4, any_v4, readable);
	return err < 0 ? err : fill_pool(l, &l->v6, addr, readable);
}

bool
listener_is_single_port(const struct listener *l)
{
	return l->v4.n == 0 && l->v6.n == 0;
}
