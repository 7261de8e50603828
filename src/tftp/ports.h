/*
 * The server's sockets: those where requests arrive, and for each of them a small
 * pool of ports on the same address that transfers go on from (RFC 1350 §4: a
 * fresh transfer identifier). A client's transfers are kept apart by the port.
 */
#ifndef PIXIE_TFTP_PORTS_H
#define PIXIE_TFTP_PORTS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/netaddr.h"
#include "sys/loop.h"

#define POOL_MAX 64

TAILQ_HEAD(transfers, transfer);

/* A socket: where requests arrive, or one of the pool that transfers use. */
struct port {
	struct listener *listener;
	int fd;
	struct loop_fd readable, writable;
	bool more; /* there may be more to read than its turn had time for */
	struct transfers blocked;    /* transfers that wait for room in the socket */
	const struct transfer *turn; /* the one whose turn it is, while it tries */
};

struct pool {
	struct port ports[POOL_MAX];
	unsigned n;
};

/*
 * A request socket and the ports its transfers go on from, on the same address.
 * A dual-stack socket (from systemd) has a pool for either family. With
 * --tftp-single-port the pools are empty.
 */
struct listener {
	struct tftp_server *server;
	struct port request;
	struct pool v4, v6;
	bool is_at_one_address; /* the pools are, too: the kernel need not be told it */
};

/*
 * Reads from the request socket `l->request.fd` and from the ports of its pools,
 * which are bound here: `readable` is called with the port. 0 or -errno; what was
 * opened is closed by listener_close() in either case.
 */
int listener_open(struct listener *l, void (*readable)(void *port));
void listener_close(struct listener *l);

/*
 * A port for a new transfer, at best one the client's earlier transfers did not
 * use: a late packet of theirs must not count here.
 */
struct port *listener_pick(struct listener *l, const struct netaddr *peer);
/* Calls `visit` with the request socket and every port of the pools. */
void listener_each(struct listener *l, void (*visit)(struct port *));
bool listener_is_single_port(const struct listener *l);

#endif
