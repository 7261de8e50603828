/*
 * A machine asked for something: told by the servers that hear it to whoever wants
 * to know, so that neither knows the other. proxyDHCP learns from it that an offer
 * of its worked.
 */
#ifndef PIXIE_BOOT_ACTIVITY_H
#define PIXIE_BOOT_ACTIVITY_H

#include "base/netaddr.h"
#include "boot/identify.h"

struct activity {
	/* `who` may have no MAC: a machine behind a router is known by its address. */
	void (*heard)(void *arg, const struct who *who, const struct netaddr *peer);
	void *arg;
};

static inline void
activity_heard(
	const struct activity *a, const struct who *who, const struct netaddr *peer)
{
	if (a != NULL)
		a->heard(a->arg, who, peer);
}

#endif
