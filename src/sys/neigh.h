/* The kernel's neighbour table: which MAC an address on our link belongs to. */
#ifndef PIXIE_SYS_NEIGH_H
#define PIXIE_SYS_NEIGH_H

#include <stdbool.h>

#include "base/hwaddr.h"
#include "base/netaddr.h"

/*
 * Looks `peer` up (rtnetlink RTM_GETNEIGH for one entry, Linux 5.0). `ifindex`
 * is the interface it was heard on; 0 finds it by the route. False when the peer
 * is behind a router, local, or the kernel does not answer. Never blocks.
 */
bool neigh_lookup(const struct netaddr *peer, unsigned ifindex, struct mac *out);
/*
 * Opens the socket this thread asks by, which it keeps, now: so that what a server
 * holds when it is idle is the same before the first request and after the last.
 */
void neigh_prepare(void);

#endif
