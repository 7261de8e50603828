/* The configuration's words made into values, checked before anything is opened. */
#ifndef PIXIE_CMD_SETUP_H
#define PIXIE_CMD_SETUP_H

#include <net/if.h>
#include <stdint.h>

#include "base/log.h"
#include "base/netaddr.h"
#include "base/pace.h"
#include "boot/resolve.h"
#include "conf/conf.h"
#include "dhcp/server.h"

/* Where one service listens: one address, or a wildcard of both families. */
struct endpoints {
	struct netaddr at[2];
	int n;
};

#define WORKERS_MAX 64

struct setup {
	struct site site;
	struct endpoints tftp, http;
	enum log_level level;
	uint16_t port_lo, port_hi; /* --tftp-ports, 0 without */
	unsigned tftp_refuse;      /* bits of enum tftp_option */
	unsigned tftp_min_ms;      /* --tftp-min-timer */
	struct pace *pace;         /* --pace, NULL without; for serve to free */
	unsigned workers;          /* --workers, 0: auto */
	bool proxy_dhcp, known_only;
	const char *interfaces[DHCP_INTERFACES_MAX]; /* of --proxy-dhcp; none: all */
	unsigned n_interfaces;
	char interface_names[DHCP_INTERFACES_MAX * IF_NAMESIZE];
};

/* EX_OK, or an exit status after one line on standard error. Borrows from `c`. */
int setup_read(const struct conf *c, struct setup *s);

/*
 * Whether `path` (of `option`) is a directory we can read; "" is none and fine. EX_OK
 * with `*out` set, or an exit status after one line on standard error.
 */
int setup_directory(const char *option, const char *path, const char **out);

#endif
