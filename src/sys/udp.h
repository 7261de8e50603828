/*
 * UDP datagrams with both of their addresses: whom they came from and which of
 * our addresses they were sent to, so that an answer leaves from the address
 * that was asked (RFC 1350 clients drop packets from another one), batched
 * receive, and bursts sent by UDP GSO (linux: UDP_SEGMENT) with fallback.
 */
#ifndef PIXIE_SYS_UDP_H
#define PIXIE_SYS_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/netaddr.h"

#define UDP_BURST_MAX 64 /* frames a burst, the kernel's GSO limit */

/* The two ends of a conversation, seen from us. */
struct udp_path {
	struct netaddr peer;
	struct netaddr local; /* what to send from, port 0; none: the socket's own */
	unsigned ifindex;     /* interface the last datagram came in by */
};

struct udp_dgram {
	struct udp_path path;
	const uint8_t *data; /* borrowed from the batch until the next receive */
	size_t len;
	bool truncated; /* it was longer than the batch's buffers */
	bool to_many;   /* it was sent to a broadcast or multicast address */
};

/*
 * Opens a non-blocking, close-on-exec socket bound to `addr`; IPv6 sockets are
 * IPv6 only. Returns the descriptor or -errno.
 */
int udp_bind(const struct netaddr *addr);
/* Prepares a bound socket that somebody else made (socket activation). 0 or -errno. */
int udp_adopt(int fd);
/*
 * Whether the datagrams of `fd` come with our side of their path, as they do at first. A
 * port whose conversations are known needs none, and to write it beside each datagram
 * costs 1 to 2 % of a block.
 */
void udp_learn_local(int fd, bool on);
/* Opens one more at the same address; see socket_twin(). The descriptor or -errno. */
int udp_twin(int fd);

struct udp_batch;

/* Room for `slots` datagrams of at most `size` bytes each; NULL without memory. */
struct udp_batch *udp_batch_new(unsigned slots, size_t size);
void udp_batch_free(struct udp_batch *batch);
/*
 * Receives what lies in the socket, at most `slots` datagrams. Returns how many,
 * 0 when there are none; errors a UDP socket reports of earlier sends (ICMP) are
 * none of ours and count as 0. -errno otherwise.
 */
int udp_recv(int fd, struct udp_batch *batch);
/* Who sent datagram `i` of the last udp_recv(). */
struct netaddr udp_batch_peer(const struct udp_batch *batch, unsigned i);
/* Datagram `i` of the last udp_recv(). */
struct udp_dgram udp_batch_get(const struct udp_batch *batch, unsigned i);

/* Sends one datagram. Returns 0 or -errno; a full socket buffer is -EAGAIN. */
int udp_send(int fd, const struct udp_path *path, const void *data, size_t len);

/* One datagram of a burst: a small header and a body that lies elsewhere. */
struct udp_frame {
	struct iovec iov[2];
};

/*
 * `n` (1…UDP_BURST_MAX) datagrams to one peer, in order; all but the last are `size`
 * bytes long, the last at most that.
 */
struct udp_burst {
	const struct udp_path *path;
	struct udp_frame *frames;
	unsigned n;
	size_t size;
	bool plain; /* no GSO on this one's route; set when that is found out */
	/* What became of it: */
	unsigned sent; /* datagrams taken */
	int error;     /* why no more were, -errno; a full socket is -EAGAIN */
};

/*
 * Sends bursts to whomever, as many as it takes in one call: a burst is one message
 * where the kernel cuts it (GSO), else one a datagram. A full socket ends it for all
 * that follow; another error only for that burst.
 */
void udp_send_bursts(int fd, struct udp_burst *bursts, unsigned n);

/* Forces plain sends when false (for tests and broken drivers). */
void udp_use_gso(bool on);

/*
 * The MTU of the route to the path's peer in bytes, IP header included; 1500
 * when it cannot be found out.
 */
unsigned udp_route_mtu(const struct udp_path *path);
/* Opens the sockets this thread looks routes up with, as neigh_prepare() does. */
void udp_route_prepare(void);

#endif
