/*
 * The TFTP server: sockets, clock and table of transfers around tftp/session.
 * Requests come to the sockets it is given; a transfer goes on from a port of its
 * own side, picked from a small pool (RFC 1350 §4: a fresh transfer identifier),
 * or from the request socket when --tftp-single-port asks for that. Everything
 * runs in one loop, in one thread; several servers may live beside each other, each in
 * a thread of its own.
 */
#ifndef PIXIE_TFTP_SERVER_H
#define PIXIE_TFTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pace.h"
#include "boot/activity.h"
#include "boot/resolve.h"
#include "sys/loop.h"

struct tftp_config {
	struct loop *loop;
	const struct site *site;
	const int *fds; /* request sockets from udp_bind() or udp_adopt(), taken over */
	unsigned n_fds;
	bool single_port;
	uint16_t port_lo, port_hi; /* ports of transfers; 0: the kernel chooses */
	unsigned refuse;           /* 1 << TFTP_BLKSIZE …: options to ignore */
	unsigned max_transfers;    /* 0: 20000, divided among the workers */
	unsigned max_per_host;     /* 0: half of them: a NAT may hide a whole rack */
	/*
	 * This is number `worker` (from 0) of `workers` servers with sockets at the same
	 * addresses; 0 of 0: it is alone. What was broadcast reaches all of them, and
	 * the first answers.
	 */
	unsigned worker, workers;
	unsigned min_rto_ms;             /* 0: 100 */
	struct pace *pace;               /* outlives the server; NULL: no limit */
	const struct activity *activity; /* told of every request; may be NULL */
};

#define TFTP_WHY 160

struct tftp_server;

/* NULL with the reason in `why`; the descriptors are closed then, too. */
struct tftp_server *tftp_server_new(
	const struct tftp_config *config, char why[static TFTP_WHY]);
/* Tells the clients of running transfers, closes everything. NULL is fine. */
void tftp_server_free(struct tftp_server *server);

#endif
