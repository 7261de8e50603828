/*
 * The proxyDHCP server: sockets, clock and memory around dhcp/proxy. It hears the
 * DISCOVERs of machines that boot from the network, beside the DHCP server that
 * gives them addresses, and names the boot file; it never gives an address.
 */
#ifndef PIXIE_DHCP_SERVER_H
#define PIXIE_DHCP_SERVER_H

#include <stdbool.h>

#include "boot/activity.h"
#include "boot/resolve.h"
#include "dhcp/listen.h"
#include "sys/loop.h"

#define DHCP_INTERFACES_MAX 32

struct dhcp_config {
	struct loop *loop;
	const struct site *site;
	struct dhcp_sockets sockets; /* taken over, also on failure */
	/* Interfaces to answer on, by name; none: all. They may come and go. */
	const char *const *interfaces;
	unsigned n_interfaces;
	/* The one address TFTP listens on, as machines must use that; family 0: all. */
	struct netaddr tftp;
	bool known_only; /* --answer known */
};

struct dhcp_server;

/* NULL without memory. */
struct dhcp_server *dhcp_server_new(const struct dhcp_config *config);
void dhcp_server_free(struct dhcp_server *server);

/* To be given to the servers that hear from machines later. Lives as the server. */
const struct activity *dhcp_server_activity(const struct dhcp_server *server);

#endif
