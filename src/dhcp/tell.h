/* What the machine registry is told of DHCP: who asks, what it was told, and by whom
 * else. */
#ifndef PIXIE_DHCP_TELL_H
#define PIXIE_DHCP_TELL_H

#include "dhcp/proxy.h"
#include "machine/registry.h"

/* A request that was understood, whether it is answered or not. */
void dhcp_tell_asked(struct registry *r, const struct proxy_ask *ask);
/* It was answered, on port 67 (EV_OFFER) or 4011 (EV_ACK). */
void dhcp_tell_answered(
	struct registry *r, const struct proxy_ask *ask, const struct proxy_reply *reply);
/* It was not; `why` in words. Only of what boots from the network and waits for us. */
void dhcp_tell_silent(struct registry *r, const struct proxy_ask *ask,
	enum proxy_silence silence, const char *why);
/*
 * A reply of another server's was overheard: the address it gives a machine we know,
 * and the boot file if it names one.
 */
void dhcp_tell_rival(
	struct registry *r, const struct dhcp_pkt *pkt, const struct netaddr *from);

#endif
