/*
 * The TFTP server: sockets, clock and table of transfers around tftp/session.
 * Requests come to the sockets it is given; a transfer goes on from a port of its
 * own side, picked from a small pool (RFC 1350 §4: a fresh transfer identifier),
 * or from the request socket when --tftp-single-port asks for that. Everything
 * runs in one loop, in one thread; several servers may live beside each other.
 */
#ifndef PIXIE_TFTP_SERVER_H
#define PIXIE_TFTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

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
	unsigned max_transfers;    /* 0: 20000 */
	unsigned max_per_host;     /* 0: half of them: a NAT may hide a whole rack */
	unsigned min_rto_ms;       /* 0: 100 */
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
