/*
 * The transfers of one server, by client address and port and by the port of ours
 * they use, and how many each host has. The table does not own them.
 */
#ifndef PIXIE_TFTP_TABLE_H
#define PIXIE_TFTP_TABLE_H

#include <stddef.h>

#include "base/netaddr.h"

#define TABLE_HOSTS 4096

struct listener;
struct port;
struct transfer;

struct table {
	struct transfer **buckets;
	size_t n, held; /* buckets, a power of two; transfers in them */
	/*
	 * Live transfers by a hash of the client's address. Hosts may share a
	 * bucket: with a limit that only stops floods that does no harm.
	 */
	unsigned per_host[TABLE_HOSTS];
};

/* 0, or -ENOMEM. A zeroed table that was never initialised may be freed. */
int table_init(struct table *table);
void table_free(struct table *table);

void table_put(struct table *table, struct transfer *t);
/* `t` must be in it. */
void table_remove(struct table *table, struct transfer *t);
/* The transfer between `peer` and our `port`, over or not; NULL when there is none. */
struct transfer *table_find(
	const struct table *table, const struct netaddr *peer, const struct port *port);
/* The client's running transfer that was asked for at `l`; at most one runs. */
struct transfer *table_find_running(
	const struct table *table, const struct netaddr *peer, const struct listener *l);

/*
 * A look-up of `peer` is coming: fetches into the caches first the way to its transfer
 * and then, called again when that has come, the transfer. Neither waits.
 */
void table_expect_way(const struct table *table, const struct netaddr *peer);
void table_expect(const struct table *table, const struct netaddr *peer);

/* The count of the host that `peer` belongs to. */
unsigned *table_host(struct table *table, const struct netaddr *peer);

#endif
