/*
 * UDP of a port that another program on this host owns: a packet socket hears what
 * is sent to it, a raw socket sends from it. Needs CAP_NET_RAW.
 */
#ifndef PIXIE_SYS_PACKET_H
#define PIXIE_SYS_PACKET_H

#include "sys/udp.h"

/* Hears every UDP datagram to `port` on all interfaces. Descriptor or -errno. */
int packet_listen(uint16_t port);
/*
 * Takes one datagram; `buf` keeps its bytes. The path's `local` is the address it was
 * sent to, of no family when that was a broadcast. 1, 0 when there is none, -errno.
 */
int packet_recv(int fd, uint8_t *buf, size_t cap, struct udp_dgram *out);

/* A socket for packet_send(); descriptor or -errno. */
int packet_sender(void);
/* As udp_send(), from `port`. Only IPv4. */
int packet_send(
	int fd, uint16_t port, const struct udp_path *path, const void *data, size_t len);

#endif
