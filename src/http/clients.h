/* The addresses that have connections open: how many each, and who it is. */
#ifndef PIXIE_HTTP_CLIENTS_H
#define PIXIE_HTTP_CLIENTS_H

#include "base/netaddr.h"
#include "boot/identify.h"

struct client {
	struct client *next;
	struct netaddr host; /* port 0 */
	unsigned conns;
	bool known; /* `who` is filled; asked of the kernel once, when first needed */
	struct who who;
};

#define CLIENT_BUCKETS 1024

struct clients {
	struct client *bucket[CLIENT_BUCKETS];
};

/* The entry for a peer's address, one connection more; NULL without memory. */
struct client *client_join(struct clients *all, const struct netaddr *peer);
/* One connection less; the last one frees it. */
void client_leave(struct clients *all, struct client *client);
const struct who *client_who(struct client *client);

#endif
