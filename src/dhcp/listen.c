#include "dhcp/listen.h"

#include <errno.h>
#include <unistd.h>

#include "sys/packet.h"
#include "wire/dhcp_pkt.h"

static int
bind_port(uint16_t port)
{
	struct netaddr any = {.v4 = {.sin_family = AF_INET}};
	int fd, on = 1;

	netaddr_set_port(&any, port);
	fd = udp_bind(&any);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	return fd;
}

/*
 * A DHCP server beside us owns port 67, or a part of it. Sharing it by
 * SO_REUSEADDR would take its unicast packets away, so we listen over its shoulder.
 */
static int
listen_beside(struct dhcp_sockets *s)
{
	s->ear = packet_listen(DHCP_SERVER_PORT);
	if (s->ear < 0)
		return s->ear;
	s->mouth = packet_sender();
	return s->mouth < 0 ? s->mouth : 0;
}

/*
 * A DHCP server that is started after us and asks to share the port, as dhcpd does,
 * may have it: broadcasts then reach both, and what is sent to this host alone
 * reaches the one that came last, not us. dnsmasq and Kea do not ask; they have to be
 * started first.
 */
static void
give_way(int fd)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

int
dhcp_listen(struct dhcp_sockets *s, int *port)
{
	int err = 0;

	*s = DHCP_NO_SOCKETS;
	*port = PXE_SERVER_PORT;
	s->pxe = bind_port(PXE_SERVER_PORT);
	if (s->pxe < 0)
		return s->pxe;
	*port = DHCP_SERVER_PORT;
	s->server = bind_port(DHCP_SERVER_PORT);
	if (s->server == -EADDRINUSE)
		err = listen_beside(s);
	else if (s->server >= 0)
		give_way(s->server);
	else
		err = s->server;
	if (err < 0)
		dhcp_sockets_close(s);
	else
		s->rivals =
			packet_listen(DHCP_CLIENT_PORT); /* without CAP_NET_RAW: not */
	return err;
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
dhcp_sockets_close(struct dhcp_sockets *s)
{
	close_one(&s->server);
	close_one(&s->ear);
	close_one(&s->mouth);
	close_one(&s->pxe);
	close_one(&s->rivals);
}
