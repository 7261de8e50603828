#include "sys/neigh.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Answers to questions asked before that are thrown away in search of ours. */
#define STALE_MAX 16

struct query {
	struct nlmsghdr head;
	union {
		struct ndmsg nd;
		struct rtmsg rt;
	};
	uint8_t attrs[64];
};

union answer {
	struct nlmsghdr head;
	uint8_t bytes[2048];
};

static void
put_attr(struct query *q, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a =
		(struct rtattr *)((uint8_t *)q + NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static void
put_host(struct query *q, unsigned short type, const struct netaddr *peer)
{
	if (peer->sa.sa_family == AF_INET6)
		put_attr(q, type, &peer->v6.sin6_addr, sizeof(peer->v6.sin6_addr));
	else
		put_attr(q, type, &peer->v4.sin_addr, sizeof(peer->v4.sin_addr));
}

/*
 * One socket for all questions of a thread, kept: during a storm a new one for each
 * request costs more than the question. -1 when there is none to be had.
 */
static int
netlink(void)
{
	static _Thread_local int kept = -1;

	if (kept < 0)
		kept = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return kept;
}

/* Takes the answer with our number; the kernel has put it there before send returned. */
static bool
receive(int fd, union answer *a, uint32_t number)
{
	for (int i = 0; i < STALE_MAX; i++) {
		ssize_t n = recv(fd, a, sizeof(*a), MSG_DONTWAIT);

		if (n < 0 && errno != ENOBUFS && errno != EINTR)
			return false;
		if (n >= 0 && NLMSG_OK(&a->head, (size_t)n) &&
			a->head.nlmsg_seq == number)
			return true;
	}
	return false;
}

/* Asks and returns the attribute `want` of the answer, whose header is `skip` long. */
static const struct rtattr *
ask(struct query *q, union answer *a, unsigned short type, size_t skip, int want)
{
	static _Thread_local uint32_t number;
	int fd = netlink(), left;

	q->head.nlmsg_seq = ++number;
	if (fd < 0 || send(fd, q, q->head.nlmsg_len, 0) < 0 || !receive(fd, a, number) ||
		a->head.nlmsg_type != type)
		return NULL;
	left = (int)(a->head.nlmsg_len - NLMSG_LENGTH(skip));
	for (struct rtattr *at = (struct rtattr *)((uint8_t *)NLMSG_DATA(&a->head) +
						   NLMSG_ALIGN(skip));
		RTA_OK(at, left); at = RTA_NEXT(at, left))
		if (at->rta_type == want)
			return at;
	return NULL;
}

/* The interface a packet to `peer` would leave by; 0 when there is no route. */
static unsigned
route_interface(const struct netaddr *peer)
{
	struct query q = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(q.rt)),
				  .nlmsg_type = RTM_GETROUTE,
				  .nlmsg_flags = NLM_F_REQUEST}};
	union answer a;
	const struct rtattr *at;
	unsigned ifindex = 0;

	q.rt.rtm_family = (unsigned char)peer->sa.sa_family;
	q.rt.rtm_dst_len = peer->sa.sa_family == AF_INET6 ? 128 : 32;
	put_host(&q, RTA_DST, peer);
	at = ask(&q, &a, RTM_NEWROUTE, sizeof(q.rt), RTA_OIF);
	if (at != NULL && RTA_PAYLOAD(at) == sizeof(ifindex))
		memcpy(&ifindex, RTA_DATA(at), sizeof(ifindex));
	return ifindex;
}

static bool
neighbour_mac(const struct netaddr *peer, unsigned ifindex, struct mac *out)
{
	struct query q = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(q.nd)),
				  .nlmsg_type = RTM_GETNEIGH,
				  .nlmsg_flags = NLM_F_REQUEST}};
	union answer a;
	const struct rtattr *at;

	q.nd.ndm_family = (unsigned char)peer->sa.sa_family;
	q.nd.ndm_ifindex = (int)ifindex;
	put_host(&q, NDA_DST, peer);
	at = ask(&q, &a, RTM_NEWNEIGH, sizeof(q.nd), NDA_LLADDR);
	if (at == NULL || RTA_PAYLOAD(at) != sizeof(out->b))
		return false;
	memcpy(out->b, RTA_DATA(at), sizeof(out->b));
	return true;
}

/* Loopback answers with a MAC of zeros: that is nobody. */
static bool
is_somebody(const struct mac *mac)
{
	return !mac_equal(mac, &(struct mac){0});
}

bool
neigh_lookup(const struct netaddr *peer, unsigned ifindex, struct mac *out)
{
	if (ifindex == 0)
		ifindex = route_interface(peer);
	return ifindex != 0 && neighbour_mac(peer, ifindex, out) && is_somebody(out);
}

void
neigh_prepare(void)
{
	netlink();
}
