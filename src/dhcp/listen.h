/* The sockets of proxyDHCP. */
#ifndef PIXIE_DHCP_LISTEN_H
#define PIXIE_DHCP_LISTEN_H

/* -1 for those that are not open. */
struct dhcp_sockets {
	int server; /* UDP 67, when nobody else on this host has it */
	int ear;    /* else a packet socket that hears what comes to 67, */
	int mouth;  /* and a raw socket that speaks from it */
	int pxe;    /* UDP 4011 */
	int rivals; /* a packet socket that hears what DHCP servers broadcast to clients
		     */
};
#define DHCP_NO_SOCKETS ((struct dhcp_sockets){-1, -1, -1, -1, -1})

/* 0, or -errno and in `*port` the one that is in the way; nothing is open then. */
int dhcp_listen(struct dhcp_sockets *s, int *port);
void dhcp_sockets_close(struct dhcp_sockets *s);

#endif
