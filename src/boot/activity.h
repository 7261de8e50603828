/*
 * A machine asked for something: told by the servers that hear it to whoever wants
 * to know, so that neither knows the other. proxyDHCP learns from it that an offer
 * of its worked.
 */
#ifndef PIXIE_BOOT_ACTIVITY_H
#define PIXIE_BOOT_ACTIVITY_H

#include <stdatomic.h>

#include "base/netaddr.h"
#include "boot/identify.h"
#include "sys/loop.h"

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

/*
 * For servers in other threads: passes on to `to` in the thread of `loop`, in order
 * for each thread. Beyond this many under way it passes nothing on: it is a hint, and
 * a machine that boots asks again and again.
 */
#define ACTIVITY_RELAY_MAX 4096

struct activity_relay {
	struct activity activity; /* what the other threads are given */
	const struct activity *to;
	struct loop *loop;
	atomic_uint under_way;
};

/* Lives until `loop` is freed; what is under way then is forgotten. */
void activity_relay_init(
	struct activity_relay *r, const struct activity *to, struct loop *loop);

#endif
