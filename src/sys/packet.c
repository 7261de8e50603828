#include "sys/packet.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <unistd.h>

#include "wire/udp4.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define RECEIVE_BUFFER (4 << 20)

static int
close_with(int fd, int err)
{
	close(fd);
	return err;
}

/* tcpdump's "udp dst port PORT", and no fragments; from the IP header on. */
static int
listen_only_to(int fd, uint16_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT16_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int
packet_listen(uint16_t port)
{
	int on = 1, size = RECEIVE_BUFFER;
	/* Protocol 0 hears nothing, until the filter is there and bind() gives one. */
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_ll all = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};

	if (fd < 0)
		return -errno;
	if (listen_only_to(fd, port) < 0)
		return close_with(fd, -errno);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&all, sizeof(all)) < 0)
		return close_with(fd, -errno);
	return fd;
}

int
packet_recv(int fd, uint8_t *buf, size_t cap, struct udp_dgram *out)
{
	struct sockaddr_ll from = {0};
	socklen_t len = sizeof(from);
	struct udp4 d;
	ssize_t n;

	do {
		n = recvfrom(fd, buf, cap, MSG_TRUNC, (struct sockaddr *)&from, &len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENETDOWN))
			return 0;
		if (n < 0)
			return -errno;
		/* OTHERHOST: a promiscuous interface's, or a bridge port's. */
	} while (from.sll_pkttype == PACKET_OUTGOING ||
		 from.sll_pkttype == PACKET_OTHERHOST || (size_t)n > cap ||
		 !udp4_parse(buf, (size_t)n, &d));
	*out = (struct udp_dgram){.data = d.data, .len = d.len};
	out->path.peer = netaddr_of_v4(d.src, d.sport);
	if (from.sll_pkttype == PACKET_HOST)
		out->path.local = netaddr_of_v4(d.dst, 0);
	out->path.ifindex = (unsigned)from.sll_ifindex;
	return 1;
}

int
packet_sender(void)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &nothing};
	int on = 1,
	    fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd < 0)
		return -errno;
	/* A raw socket also hears all UDP there is; this one shall not. */
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0)
		return close_with(fd, -errno);
	return fd;
}

int
packet_send(
	int fd, uint16_t port, const struct udp_path *path, const void *data, size_t len)
{
	uint8_t packet[UDP4_HEAD + 1500];
	struct udp4 d = {netaddr_v4(&path->local), netaddr_v4(&path->peer), port,
		netaddr_port(&path->peer), data, len};

	if (len > sizeof(packet) - UDP4_HEAD)
		return -EMSGSIZE;
	udp4_head(packet, &d);
	memcpy(packet + UDP4_HEAD, data, len);
	return udp_send(fd, path, packet, UDP4_HEAD + len);
}
