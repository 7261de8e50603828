/*
 * Who is asking. A machine is named by its MAC: the one in the name it asks for,
 * else the one the kernel's neighbour table has for its address; else by its address.
 */
#ifndef PIXIE_BOOT_IDENTIFY_H
#define PIXIE_BOOT_IDENTIFY_H

#include <stdbool.h>

#include "base/hwaddr.h"
#include "base/netaddr.h"

struct who {
	char label[NETADDR_TEXT]; /* for the log: "00-11-22-33-44-55" or "192.0.2.7" */
	struct mac mac;
	bool has_mac;
	bool by_name; /* the name asked for says so, not the neighbour table */
};

/* `ifindex`: interface the request came in by, 0 when unknown. */
void identify(struct who *who, const struct netaddr *peer, unsigned ifindex);
/* The same once the requested name is known: a MAC in its last part wins. */
void identify_by_name(struct who *who, const char *name);

#endif
