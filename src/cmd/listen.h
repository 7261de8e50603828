/* The sockets pixie listens on: handed over by systemd, or its own. */
#ifndef PIXIE_CMD_LISTEN_H
#define PIXIE_CMD_LISTEN_H

#include "cmd/setup.h"

#define LISTEN_MAX 16

struct listeners {
	int fds[LISTEN_MAX];
	int n;
	bool adopted; /* they came from systemd */
};

/*
 * Opens what `s` asks for; a service that systemd passed sockets for (datagram:
 * TFTP, stream: HTTP) uses those and no others. EX_OK, or an exit status after
 * one line that says what is in the way and what to do about it.
 */
int listen_all(const struct setup *s, struct listeners *tftp, struct listeners *http);
/*
 * Sockets for another worker, at the same addresses as the first one's, which were
 * opened by listen_all() and not adopted. EX_OK, or an exit status as above.
 */
int listen_beside(const struct listeners *tftp, const struct listeners *http,
	struct listeners *own_tftp, struct listeners *own_http);
/* The same for --proxy-dhcp; nothing is opened without it. */
int listen_dhcp(const struct setup *s, struct dhcp_sockets *dhcp);
void listen_close(struct listeners *l);

#endif
