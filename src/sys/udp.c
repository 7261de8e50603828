#define _GNU_SOURCE
#include "sys/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/twin.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* A storm of machines after a power cut must find room for every request. */
#define SOCKET_BUFFER (4 << 20)
/* What Linux gives to who may not have more, unless it was told otherwise. */
#define BUFFER_USUAL 212992
/* IPv4's limit for one UDP payload; a GSO call may not carry more either. */
#define UDP_PAYLOAD_MAX 65507
#define DEFAULT_MTU 1500

union control {
	struct cmsghdr align;
	uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		    CMSG_SPACE(sizeof(uint16_t)) + 64];
};

/* What is sent needs no room for what others may put there. */
union label {
	struct cmsghdr align;
	uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		    CMSG_SPACE(sizeof(uint16_t))];
};

struct udp_batch {
	unsigned slots, used; /* used: changed by the last receive */
	size_t size;
	struct mmsghdr *msgs;
	struct iovec *iovs;
	struct netaddr *peers;
	union control *controls;
	uint8_t *data;
};

static atomic_bool gso_works = true;

void
udp_use_gso(bool on)
{
	gso_works = on;
}

/* As the kernel's limits count: it doubles what is set. */
static int
buffer_of(int fd, int option)
{
	int size = 0;
	socklen_t len = sizeof(size);

	getsockopt(fd, SOL_SOCKET, option, &size, &len);
	return size / 2;
}

/* Returns what it is then. One that systemd gave (ReceiveBuffer=) is not made smaller. */
static int
grow_buffer(int fd, bool is_given, int forced, int plain)
{
	int want = SOCKET_BUFFER, was = buffer_of(fd, plain);

	if (was < want && setsockopt(fd, SOL_SOCKET, forced, &want, sizeof(want)) < 0 &&
		(!is_given || was < BUFFER_USUAL))
		setsockopt(fd, SOL_SOCKET, plain, &want, sizeof(want));
	return buffer_of(fd, plain);
}

/*
 * Who has no CAP_NET_ADMIN gets no more than the limits, and is not told so: a service
 * and a container have none. Said once, as it is the same for all sockets.
 */
static void
grow_buffers(int fd, bool is_given)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	int in = grow_buffer(fd, is_given, SO_RCVBUFFORCE, SO_RCVBUF);
	int out = grow_buffer(fd, is_given, SO_SNDBUFFORCE, SO_SNDBUF);
	int got = in < out ? in : out;

	if (got >= SOCKET_BUFFER || atomic_flag_test_and_set(&said))
		return;
	LOG_AT(got < BUFFER_USUAL ? LEVEL_WARNING : LEVEL_INFO, NULL, "udp-buffer",
		NUM("wanted", SOCKET_BUFFER), NUM("got", got),
		STR("why", "enough for some hundred machines at once; of more, some wait "
			   "seconds until they ask again, unless net.core.rmem_max and "
			   "net.core.wmem_max (sysctl) are as large as wanted"));
}

/*
 * Says of all that is sent not to be fragmented, IPv4. A datagram that never is one of
 * fragments needs no number of its own (RFC 6864 §4.1), and numbers are dear: for each
 * the kernel hashes the peer's address and goes to memory for its counter, 2 to 5 % of
 * the cost of a block.
 */
static void
forbid_fragments(int fd)
{
	int how = IP_PMTUDISC_DO;

	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &how, sizeof(how));
}

/*
 * When a path turns out to be narrower than what is to be sent, the kernel may cut it
 * up after all, from now on. False when it might already; errno stays as it is.
 */
static bool
allow_fragments(int fd)
{
	int how = IP_PMTUDISC_WANT, was;
	socklen_t len = sizeof(was);
	int err = errno;
	bool changed =
		getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &was, &len) == 0 &&
		was == IP_PMTUDISC_DO &&
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &how, sizeof(how)) == 0;

	errno = err;
	return changed;
}

static int
prepare(int fd, bool is_given)
{
	int on = 1, domain;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	grow_buffers(fd, is_given);
	forbid_fragments(fd);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	/* IPv6 sockets too: systemd's are dual-stack unless told otherwise. */
	if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	if (domain == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

int
udp_adopt(int fd)
{
	return prepare(fd, true);
}

int
udp_bind(const struct netaddr *addr)
{
	int family = addr->sa.sa_family, on = 1, err;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &addr->sa, netaddr_len(addr)) < 0)
		err = -errno;
	else
		err = prepare(fd, false);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

void
udp_learn_local(int fd, bool on)
{
	int flag = on;

	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &flag, sizeof(flag));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &flag, sizeof(flag));
}

int
udp_twin(int fd)
{
	int twin = socket_twin(fd), err;

	if (twin < 0)
		return twin;
	err = prepare(twin, false);
	if (err == 0)
		return twin;
	close(twin);
	return err;
}

struct udp_batch *
udp_batch_new(unsigned slots, size_t size)
{
	struct udp_batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	*b = (struct udp_batch){.slots = slots, .used = slots, .size = size};
	b->msgs = calloc(slots, sizeof(*b->msgs));
	b->iovs = calloc(slots, sizeof(*b->iovs));
	b->peers = calloc(slots, sizeof(*b->peers));
	b->controls = calloc(slots, sizeof(*b->controls));
	b->data = malloc(slots * size);
	if (!b->msgs || !b->iovs || !b->peers || !b->controls || !b->data) {
		udp_batch_free(b);
		return NULL;
	}
	for (unsigned i = 0; i < slots; i++)
		b->iovs[i] = (struct iovec){b->data + i * size, size};
	return b;
}

void
udp_batch_free(struct udp_batch *b)
{
	if (b == NULL)
		return;
	free(b->msgs);
	free(b->iovs);
	free(b->peers);
	free(b->controls);
	free(b->data);
	free(b);
}

int
udp_recv(int fd, struct udp_batch *b)
{
	int n;

	for (unsigned i = 0; i < b->used; i++)
		b->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &b->peers[i],
			.msg_namelen = sizeof(b->peers[i]),
			.msg_iov = &b->iovs[i],
			.msg_iovlen = 1,
			.msg_control = b->controls[i].buf,
			.msg_controllen = sizeof(b->controls[i].buf),
		};
	n = recvmmsg(fd, b->msgs, b->slots, MSG_DONTWAIT, NULL);
	b->used = n > 0 ? (unsigned)n : 1; /* the first may be touched by a failure */
	if (n >= 0)
		return n;
	switch (errno) {
	case EAGAIN:
	case EINTR:
	case ECONNREFUSED: /* ICMP errors of what we sent to a client that has gone */
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EPROTO:
	case EMSGSIZE:
		return 0;
	}
	return -errno;
}

/* Our side of the datagram: the address it was sent to, or ours when broadcast. */
static void
read_pktinfo(struct msghdr *msg, struct udp_dgram *d)
{
	struct udp_path *path = &d->path;
	struct in_pktinfo v4;
	struct in6_pktinfo v6;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			path->local.v4.sin_family = AF_INET;
			path->local.v4.sin_addr = v4.ipi_spec_dst;
			path->ifindex = (unsigned)v4.ipi_ifindex;
			/* Ours is unknown of what was queued before it was asked for. */
			d->to_many |= v4.ipi_spec_dst.s_addr != 0 &&
				      v4.ipi_addr.s_addr != v4.ipi_spec_dst.s_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			   c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			path->local.v6.sin6_family = AF_INET6;
			path->local.v6.sin6_addr = v6.ipi6_addr;
			path->ifindex = v6.ipi6_ifindex;
			d->to_many |= IN6_IS_ADDR_MULTICAST(&v6.ipi6_addr);
			if (IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr))
				path->local.v6.sin6_scope_id = v6.ipi6_ifindex;
		}
	}
}

/* Sent back as plain IPv4 it goes out of a dual-stack socket all the same. */
struct netaddr
udp_batch_peer(const struct udp_batch *b, unsigned i)
{
	struct netaddr peer = b->peers[i];

	netaddr_unmap(&peer);
	return peer;
}

struct udp_dgram
udp_batch_get(const struct udp_batch *b, unsigned i)
{
	struct udp_dgram d = {
		.data = b->iovs[i].iov_base,
		.len = b->msgs[i].msg_len,
		.truncated = b->msgs[i].msg_hdr.msg_flags & MSG_TRUNC,
	};

	d.path.peer = udp_batch_peer(b, i);
	read_pktinfo(&b->msgs[i].msg_hdr, &d);
	return d;
}

static void *
put_cmsg(struct msghdr *msg, int level, int type, size_t len)
{
	struct cmsghdr *c =
		(struct cmsghdr *)((uint8_t *)msg->msg_control + msg->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	msg->msg_controllen += CMSG_SPACE(len);
	return CMSG_DATA(c);
}

/*
 * The source address. The interface is given only for peers that are on every link,
 * link-local ones and 255.255.255.255: for all others the routing table decides, as
 * it does for every other server.
 */
static void
put_pktinfo(struct msghdr *msg, const struct udp_path *path)
{
	if (path->local.sa.sa_family == AF_INET) {
		struct in_pktinfo v4 = {.ipi_spec_dst = path->local.v4.sin_addr};

		if (path->peer.v4.sin_addr.s_addr == htonl(INADDR_BROADCAST))
			v4.ipi_ifindex = (int)path->ifindex;
		memcpy(put_cmsg(msg, IPPROTO_IP, IP_PKTINFO, sizeof(v4)), &v4,
			sizeof(v4));
	} else if (path->local.sa.sa_family == AF_INET6) {
		struct in6_pktinfo v6 = {.ipi6_addr = path->local.v6.sin6_addr};

		if (IN6_IS_ADDR_LINKLOCAL(&path->peer.v6.sin6_addr))
			v6.ipi6_ifindex = path->ifindex;
		memcpy(put_cmsg(msg, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(v6)), &v6,
			sizeof(v6));
	}
}

static struct msghdr
address(const struct udp_path *path, union label *label)
{
	struct msghdr msg = {
		.msg_name = (void *)&path->peer,
		.msg_namelen = netaddr_len(&path->peer),
		.msg_control = label->buf,
	};

	memset(label, 0, sizeof(*label));
	put_pktinfo(&msg, path);
	return msg;
}

int
udp_send(int fd, const struct udp_path *path, const void *data, size_t len)
{
	union label label;
	struct msghdr msg = address(path, &label);
	struct iovec iov = {(void *)data, len};

	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (sendmsg(fd, &msg, MSG_DONTWAIT) >= 0)
		return 0;
	if (errno == EMSGSIZE && allow_fragments(fd))
		return udp_send(fd, path, data, len);
	return -errno;
}

/*
 * EOPNOTSUPP: this kernel never will. EIO: not on this route, which is IPsec's or leaves
 * checksums to us (up to Linux 6.10). EINVAL and EMSGSIZE: neither, for a segment is
 * larger than its MTU. Other routes may work.
 */
static bool
gso_refused(int err, const struct udp_path *path)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (err == -EOPNOTSUPP)
		gso_works = false;
	if ((err == -EIO || err == -EOPNOTSUPP) && !atomic_flag_test_and_set(&said))
		log_info(NULL, "udp-gso-refused", PEER("peer", &path->peer),
			STR("why", strerror(-err)),
			STR("note", "its blocks go out one by one, at more CPU"));
	return err == -EIO || err == -EINVAL || err == -EMSGSIZE || !gso_works;
}

#define TRAIN_MAX 64

/* The messages of one sendmmsg. Each carries one datagram, or several to be cut. */
struct train {
	unsigned n;
	struct mmsghdr msgs[TRAIN_MAX];
	union label labels[TRAIN_MAX];
	unsigned frames[TRAIN_MAX];
};

/* Adds a message with `b`'s frames from `from` on; returns how many it carries. */
static unsigned
train_add(struct train *t, const struct udp_burst *b, unsigned from)
{
	unsigned left = b->n - from, most = (unsigned)(UDP_PAYLOAD_MAX / b->size);
	struct msghdr *msg = &t->msgs[t->n].msg_hdr;
	uint16_t segment = (uint16_t)b->size;

	if (b->plain || !gso_works || most == 0)
		most = 1;
	if (left > most)
		left = most;
	*msg = address(b->path, &t->labels[t->n]);
	msg->msg_iov = b->frames[from].iov;
	msg->msg_iovlen = 2 * (size_t)left;
	if (left > 1)
		memcpy(put_cmsg(msg, SOL_UDP, UDP_SEGMENT, sizeof(segment)), &segment,
			sizeof(segment));
	t->frames[t->n++] = left;
	return left;
}

/* What the bursts still have to send, as far as it fits. */
static void
train_load(struct train *t, const struct udp_burst *bursts, unsigned n)
{
	t->n = 0;
	for (unsigned i = 0; i < n; i++)
		for (unsigned at = bursts[i].sent; at < bursts[i].n && t->n < TRAIN_MAX;)
			at += train_add(t, &bursts[i], at);
}

/* The first message was not taken. Returns how many bursts are given up with it. */
static unsigned
train_refused(
	int fd, const struct train *t, struct udp_burst *bursts, unsigned n, int err)
{
	if (t->frames[0] > 1 && gso_refused(err, bursts[0].path)) {
		bursts[0].plain = true;
		return 0;
	}
	if (err == -EMSGSIZE && allow_fragments(fd))
		return 0;
	bursts[0].error = err;
	if (err != -EAGAIN)
		return 1;
	for (unsigned i = 1; i < n; i++)
		bursts[i].error = err;
	return n;
}

void
udp_send_bursts(int fd, struct udp_burst *bursts, unsigned n)
{
	struct train t;
	unsigned at = 0;
	int taken;

	for (unsigned i = 0; i < n; i++) {
		bursts[i].sent = 0;
		bursts[i].error = 0;
	}
	while (at < n) {
		train_load(&t, bursts + at, n - at);
		taken = sendmmsg(fd, t.msgs, t.n, MSG_DONTWAIT);
		if (taken < 0)
			at += train_refused(fd, &t, bursts + at, n - at, -errno);
		for (int i = 0; i < taken; i++) {
			bursts[at].sent += t.frames[i];
			if (bursts[at].sent == bursts[at].n)
				at++;
		}
	}
}

/* One socket a thread and family to look routes up with, kept; -1 without. */
static int
probe(int family)
{
	static _Thread_local int kept[2] = {-1, -1};
	int *fd = &kept[family == AF_INET6];

	if (*fd < 0)
		*fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return *fd;
}

unsigned
udp_route_mtu(const struct udp_path *path)
{
	static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	bool v6 = path->peer.sa.sa_family == AF_INET6;
	int mtu = 0, fd = probe(path->peer.sa.sa_family);
	socklen_t len = sizeof(mtu);

	if (fd < 0)
		return DEFAULT_MTU;
	/*
	 * Looked up anew each time, so that it follows the routes. Let go afterwards, or
	 * the next peer would be looked for with the source address of this one.
	 */
	if (connect(fd, &path->peer.sa, netaddr_len(&path->peer)) < 0 ||
		getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU,
			&mtu, &len) < 0)
		mtu = 0;
	connect(fd, &nowhere, sizeof(nowhere));
	return mtu > 0 ? (unsigned)mtu : DEFAULT_MTU;
}

void
udp_route_prepare(void)
{
	probe(AF_INET);
	probe(AF_INET6);
}
