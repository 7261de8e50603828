/* Real sockets on loopback: both addresses of a datagram, and bursts. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/udp.h"

static struct netaddr
any_port(const char *host)
{
	struct netaddr a;

	assert_true(netaddr_parse_host(host, &a));
	return a;
}

static struct netaddr
bound_to(int fd)
{
	struct netaddr a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, &a.sa, &len), 0);
	return a;
}

/* Waits for the loopback to deliver: it does at once, or never. */
static int
receive(int fd, struct udp_batch *batch)
{
	int n = 0;

	for (int i = 0; i < 1000 && (n = udp_recv(fd, batch)) == 0; i++)
		usleep(1000);
	return n;
}

/* A server on the wildcard must answer from the address that was asked. */
static void
answers_leave_from_the_address_asked(const char *wildcard, const char *asked)
{
	struct netaddr any = any_port(wildcard), to = any_port(asked);
	int server = udp_bind(&any), client = udp_bind(&to);
	struct udp_batch *batch = udp_batch_new(4, 64);
	struct udp_path path = {.peer = to};
	struct udp_dgram d;
	char buf[NETADDR_TEXT];

	assert_true(server >= 0 && client >= 0);
	any = bound_to(server);
	netaddr_set_port(&path.peer, netaddr_port(&any));
	assert_int_equal(udp_send(client, &path, "ask", 3), 0);
	assert_int_equal(receive(server, batch), 1);
	d = udp_batch_get(batch, 0);
	assert_int_equal(d.len, 3);
	assert_memory_equal(d.data, "ask", 3);
	assert_string_equal(netaddr_host(&d.path.local, buf), asked);
	assert_true(d.path.ifindex > 0);

	assert_int_equal(udp_send(server, &d.path, "answer", 6), 0);
	assert_int_equal(receive(client, batch), 1);
	d = udp_batch_get(batch, 0);
	assert_string_equal(netaddr_host(&d.path.peer, buf), asked);
	assert_int_equal(netaddr_port(&d.path.peer), netaddr_port(&any));
	udp_batch_free(batch);
	close(server);
	close(client);
}

static void
ipv4_answers_leave_from_the_address_asked(void **state)
{
	answers_leave_from_the_address_asked("0.0.0.0", "127.0.0.7");
}

static void
ipv6_answers_leave_from_the_address_asked(void **state)
{
	answers_leave_from_the_address_asked("::", "::1");
}

/* A port of the pool answers from where it is bound, and is told of the peer alone. */
static void
a_port_that_forgets_our_side_knows_its_peer(void **state)
{
	static const char *const hosts[] = {"127.0.0.7", "::1"};

	for (unsigned i = 0; i < 2; i++) {
		struct netaddr at = any_port(hosts[i]);
		int port = udp_bind(&at), client = udp_bind(&at);
		struct netaddr bound = bound_to(port), from = bound_to(client);
		struct udp_batch *batch = udp_batch_new(1, 64);
		struct udp_path path = {.peer = bound};
		struct udp_dgram d;

		udp_learn_local(port, false);
		assert_int_equal(udp_send(client, &path, "ack", 3), 0);
		assert_int_equal(receive(port, batch), 1);
		d = udp_batch_get(batch, 0);
		assert_true(netaddr_equal(&d.path.peer, &from));
		assert_int_equal(d.path.local.sa.sa_family, 0);
		assert_int_equal(udp_send(port, &d.path, "data", 4), 0);
		assert_int_equal(receive(client, batch), 1);
		d = udp_batch_get(batch, 0);
		assert_true(netaddr_equal(&d.path.peer, &bound));
		udp_batch_free(batch);
		close(port);
		close(client);
	}
}

/* The kernel notes our side when it queues a datagram, if it is asked for by then. */
static void
what_was_queued_before_we_asked_is_no_broadcast(void **state)
{
	struct netaddr any = any_port("0.0.0.0"), at;
	int port = udp_bind(&any), client = udp_bind(&any);
	struct udp_batch *batch = udp_batch_new(1, 64);
	struct udp_path path = {0};

	netaddr_parse_host("127.0.0.7", &at);
	any = bound_to(port);
	netaddr_set_port(&at, netaddr_port(&any));
	path.peer = at;
	udp_learn_local(port, false);
	assert_int_equal(udp_send(client, &path, "ack", 3), 0);
	assert_int_equal(
		poll(&(struct pollfd){.fd = port, .events = POLLIN}, 1, 10000), 1);
	udp_learn_local(port, true);
	assert_int_equal(receive(port, batch), 1);
	assert_false(udp_batch_get(batch, 0).to_many);
	udp_batch_free(batch);
	close(port);
	close(client);
}

/* systemd passes [::]:69 that takes IPv4 too: its clients must look like IPv4. */
static void
a_dual_stack_socket_speaks_plain_ipv4(void **state)
{
	struct netaddr any = any_port("::"), to = any_port("127.0.0.7");
	int server = socket(AF_INET6, SOCK_DGRAM, 0), client = udp_bind(&to);
	struct udp_batch *batch = udp_batch_new(1, 64);
	struct udp_path path = {.peer = to};
	struct udp_dgram d;
	char buf[NETADDR_TEXT];

	assert_int_equal(
		setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int)), 0);
	assert_int_equal(bind(server, &any.sa, netaddr_len(&any)), 0);
	assert_int_equal(udp_adopt(server), 0);
	any = bound_to(server);
	netaddr_set_port(&path.peer, netaddr_port(&any));
	assert_int_equal(udp_send(client, &path, "ask", 3), 0);
	assert_int_equal(receive(server, batch), 1);
	d = udp_batch_get(batch, 0);
	assert_string_equal(netaddr_host(&d.path.peer, buf), "127.0.0.7");
	assert_string_equal(netaddr_host(&d.path.local, buf), "127.0.0.7");
	assert_int_equal(udp_send(server, &d.path, "answer", 6), 0);
	assert_int_equal(receive(client, batch), 1);
	d = udp_batch_get(batch, 0);
	assert_string_equal(netaddr_host(&d.path.peer, buf), "127.0.0.7");
	udp_batch_free(batch);
	close(server);
	close(client);
}

static void
a_datagram_too_long_is_marked(void **state)
{
	struct netaddr at = any_port("127.0.0.1");
	int fd = udp_bind(&at);
	struct udp_batch *batch = udp_batch_new(1, 4);
	struct udp_path path = {.peer = bound_to(fd)};

	assert_int_equal(udp_send(fd, &path, "12345", 5), 0);
	assert_int_equal(receive(fd, batch), 1);
	assert_true(udp_batch_get(batch, 0).truncated);
	udp_batch_free(batch);
	close(fd);
}

#define BLOCK 100
#define FRAMES 7

/* Frames of header + block, the last one short, must arrive as that many datagrams. */
static void
burst(bool gso)
{
	struct netaddr at = any_port("127.0.0.1");
	int from = udp_bind(&at), to = udp_bind(&at);
	struct udp_batch *batch = udp_batch_new(64, 2048);
	struct udp_path path = {.peer = bound_to(to), .local = at};
	struct udp_frame frames[FRAMES];
	struct udp_burst b = {&path, frames, FRAMES, BLOCK + 4};
	uint8_t heads[FRAMES][4], body[BLOCK];
	int got = 0;

	udp_use_gso(gso);
	memset(body, 'b', sizeof(body));
	for (int i = 0; i < FRAMES; i++) {
		memset(heads[i], i, sizeof(heads[i]));
		frames[i].iov[0] = (struct iovec){heads[i], sizeof(heads[i])};
		frames[i].iov[1] = (struct iovec){body, i == FRAMES - 1 ? 11 : BLOCK};
	}
	udp_send_bursts(from, &b, 1);
	assert_int_equal(b.sent, FRAMES);
	assert_int_equal(b.error, 0);
	while (got < FRAMES) {
		int n = receive(to, batch);

		assert_true(n > 0);
		for (int i = 0; i < n; i++, got++) {
			struct udp_dgram d = udp_batch_get(batch, (unsigned)i);

			assert_int_equal(d.len, got == FRAMES - 1 ? 15 : BLOCK + 4);
			assert_memory_equal(d.data, heads[got], 4);
			assert_int_equal(d.data[4], 'b');
		}
	}
	udp_batch_free(batch);
	close(from);
	close(to);
	udp_use_gso(true);
}

static void
a_burst_by_gso(void **state)
{
	burst(true);
}

static void
a_burst_without_gso(void **state)
{
	burst(false);
}

#define CROWD 100
#define BIG 40000

/*
 * More bursts than fit one call, to many peers; one of them cannot be sent, one is
 * larger than a GSO call takes. Each of the others arrives where it should.
 */
static void
bursts_to_many(bool gso)
{
	struct netaddr at = any_port("127.0.0.1");
	int from = udp_bind(&at), to[CROWD];
	struct udp_batch *batch = udp_batch_new(8, BIG);
	struct udp_path paths[CROWD];
	struct udp_frame frames[CROWD][2];
	struct udp_burst bursts[CROWD];
	static uint8_t body[BIG];

	udp_use_gso(gso);
	for (unsigned i = 0; i < CROWD; i++) {
		size_t len = i == 50 ? BIG : 10 + i;

		to[i] = udp_bind(&at);
		paths[i] = (struct udp_path){.peer = bound_to(to[i]), .local = at};
		for (int f = 0; f < 2; f++)
			frames[i][f] = (struct udp_frame){{{&i, 0}, {body, len}}};
		bursts[i] = (struct udp_burst){&paths[i], frames[i], 1 + i % 2, len};
	}
	bursts[50].n = 2;
	frames[31][0].iov[1].iov_len = frames[31][1].iov[1].iov_len = 70000;
	bursts[31].size = 70000;
	udp_send_bursts(from, bursts, CROWD);
	for (unsigned i = 0; i < CROWD; i++) {
		unsigned want = i == 31 ? 0 : bursts[i].n;

		assert_int_equal(bursts[i].sent, want);
		assert_int_equal(bursts[i].error, i == 31 ? -EMSGSIZE : 0);
		for (unsigned got = 0; got < want;) {
			int n = receive(to[i], batch);

			assert_true(n > 0);
			for (int d = 0; d < n; d++, got++)
				assert_int_equal(udp_batch_get(batch, (unsigned)d).len,
					bursts[i].size);
		}
		assert_int_equal(udp_recv(to[i], batch), 0);
		close(to[i]);
	}
	udp_batch_free(batch);
	close(from);
	udp_use_gso(true);
}

static void
bursts_to_many_by_gso(void **state)
{
	bursts_to_many(true);
}

static void
bursts_to_many_without_gso(void **state)
{
	bursts_to_many(false);
}

static struct udp_burst
endless(const struct udp_path *path, struct udp_frame *frame)
{
	static uint8_t body[1000];

	*frame = (struct udp_frame){{{body, 0}, {body, sizeof(body)}}};
	return (struct udp_burst){path, frame, 1, sizeof(body)};
}

/* A full socket: those before it went, none after it did, and all say so. */
static void
a_full_socket_ends_it_for_all_that_follow(void **state)
{
	struct netaddr at = any_port("127.0.0.1");
	int from = udp_bind(&at), to = udp_bind(&at), small = 1;
	struct udp_path path = {.peer = bound_to(to), .local = at};
	struct udp_frame frames[CROWD];
	struct udp_burst bursts[CROWD];
	unsigned i = 0;

	/* What lies unread in the receiver still counts as the sender's. */
	assert_int_equal(setsockopt(from, SOL_SOCKET, SO_SNDBUF, &small, sizeof(int)), 0);
	for (i = 0; i < CROWD; i++)
		bursts[i] = endless(&path, &frames[i]);
	udp_send_bursts(from, bursts, CROWD);
	for (i = 0; i < CROWD && bursts[i].sent == 1; i++)
		assert_int_equal(bursts[i].error, 0);
	for (; i < CROWD; i++) {
		assert_int_equal(bursts[i].sent, 0);
		assert_int_equal(bursts[i].error, -EAGAIN);
	}
	close(from);
	close(to);
}

static void
the_mtu_of_loopback_is_not_the_default(void **state)
{
	struct udp_path path = {.peer = any_port("127.0.0.1")};

	netaddr_set_port(&path.peer, 9);
	assert_true(udp_route_mtu(&path) > 1500);
}

/* A peer whose route takes no GSO; for a call that begins with it as for any route. */
static uint16_t crooked;
static unsigned refusals, messages;

int __real_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

int
__wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	unsigned taken = 0;

	while (taken < n &&
		(msgs[taken].msg_hdr.msg_iovlen <= 2 ||
			netaddr_port(msgs[taken].msg_hdr.msg_name) != crooked))
		taken++;
	if (taken == 0) {
		refusals++;
		errno = EIO;
		return -1;
	}
	messages += taken;
	return __real_sendmmsg(fd, msgs, taken, flags);
}

/* IPsec, or a device without checksums: on that way only, and found out once. */
static void
a_route_without_gso_leaves_it_to_the_others(void **state)
{
	struct netaddr at = any_port("127.0.0.1");
	int from = udp_bind(&at), to[2] = {udp_bind(&at), udp_bind(&at)};
	struct udp_path paths[2];
	struct udp_frame frames[3];
	struct udp_burst bursts[2];
	static uint8_t body[BLOCK];

	for (unsigned f = 0; f < 3; f++)
		frames[f] = (struct udp_frame){{{body, 4}, {body, BLOCK}}};
	for (unsigned i = 0; i < 2; i++) {
		paths[i] = (struct udp_path){.peer = bound_to(to[i])};
		bursts[i] = (struct udp_burst){&paths[i], frames, 3, BLOCK + 4};
	}
	crooked = netaddr_port(&paths[0].peer);
	for (unsigned again = 0; again < 3; again++) {
		messages = 0;
		udp_send_bursts(from, bursts, 2);
		assert_int_equal(messages, 3 + 1);
		assert_int_equal(bursts[0].sent, 3);
		assert_int_equal(bursts[1].sent, 3);
	}
	assert_int_equal(refusals, 1);
	assert_true(bursts[0].plain);
	assert_false(bursts[1].plain);
	crooked = 0;
	close(from);
	close(to[0]);
	close(to[1]);
}

#define NO_NAMESPACE 77

#define USUAL 212992

/* What a process gets that has no CAP_NET_ADMIN; 0: what this one gets. */
static int limit;

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

int
__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	bool sizes = level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_SNDBUF);

	if (limit != 0 && level == SOL_SOCKET &&
		(name == SO_RCVBUFFORCE || name == SO_SNDBUFFORCE)) {
		errno = EPERM;
		return -1;
	}
	if (limit != 0 && sizes && *(const int *)value > limit)
		value = &limit;
	return __real_setsockopt(fd, level, name, value, len);
}

/* Exits with 0 when that is said, and once. */
static void
say_how_large_the_buffers_are(void)
{
	struct netaddr any = any_port("127.0.0.1");
	char said[4096] = "", line[128];
	int ends[2];

	if (pipe2(ends, O_NONBLOCK) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		_exit(100);
	close(udp_bind(&any));
	close(udp_bind(&any));
	if (read(ends[0], said, sizeof(said) - 1) <= 0)
		_exit(1);
	sprintf(line, " %s - udp-buffer wanted=4194304 got=%d why=",
		limit < USUAL ? "WARNING" : "INFO", limit);
	_exit(strstr(said, line) == NULL || strchr(said, '\n')[1] != '\0');
}

static bool
set_loopback(int fd, unsigned long what, struct ifreq *ifr)
{
	strcpy(ifr->ifr_name, "lo");
	return ioctl(fd, what, ifr) == 0;
}

/* In a namespace of its own: exits with 0 when the look-ups follow the MTU. */
static void
follow_the_mtu(void)
{
	struct udp_path v4 = {.peer = any_port("127.0.0.1")};
	struct udp_path other = {.peer = any_port("127.9.9.9")};
	struct udp_path nowhere = {.peer = any_port("192.0.2.1")};
	int fd, wrong = 0;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		_exit(NO_NAMESPACE);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (!set_loopback(fd, SIOCSIFFLAGS, &(struct ifreq){.ifr_flags = IFF_UP}))
		_exit(NO_NAMESPACE);
	for (int mtu = 9000; mtu >= 1400; mtu -= 3800) {
		if (!set_loopback(fd, SIOCSIFMTU, &(struct ifreq){.ifr_mtu = mtu}))
			_exit(NO_NAMESPACE);
		wrong += udp_route_mtu(&v4) != (unsigned)mtu;
		wrong += udp_route_mtu(&nowhere) != 1500;
		wrong += udp_route_mtu(&other) != (unsigned)mtu;
	}
	_exit(wrong);
}

/* Exits with 0 when what the path turns out to be too narrow for arrives in pieces. */
static void
send_through_a_narrow_path(void)
{
	static uint8_t bytes[2][3000] = {{1, 2, 3}, {4, 5, 6}};
	struct netaddr any = any_port("127.0.0.1"), to;
	struct udp_frame frames[2] = {{{{bytes[0], 4}, {bytes[0] + 4, 2996}}},
		{{{bytes[1], 4}, {bytes[1] + 4, 2996}}}};
	struct udp_path path = {.peer.v4 = {.sin_family = AF_INET}};
	struct udp_burst burst = {.path = &path, .frames = frames, .n = 2, .size = 3000};
	struct udp_batch *batch = udp_batch_new(4, 4000);
	int fd, from, got, wrong = 0;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		_exit(NO_NAMESPACE);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (!set_loopback(fd, SIOCSIFFLAGS, &(struct ifreq){.ifr_flags = IFF_UP}) ||
		!set_loopback(fd, SIOCSIFMTU, &(struct ifreq){.ifr_mtu = 1400}))
		_exit(NO_NAMESPACE);
	fd = udp_bind(&any);
	to = bound_to(fd);
	path.peer = to;
	for (int way = 0; way < 2; way++) {
		from = udp_bind(&any);
		if (way == 0)
			wrong += udp_send(from, &path, bytes[0], 3000) != 0;
		else
			udp_send_bursts(from, &burst, 1);
		for (int left = way + 1; left > 0; left -= got) {
			got = receive(fd, batch);
			if (got <= 0)
				_exit(100);
			for (int i = 0; i < got; i++)
				wrong += udp_batch_get(batch, (unsigned)i).len != 3000;
		}
	}
	_exit(wrong);
}

/* Runs `what` in a process of its own, which must exit with 0. */
static void
elsewhere(void (*what)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		what();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
the_mtu_is_looked_up_anew_each_time(void **state)
{
	elsewhere(follow_the_mtu);
}

/* A service or container has what net.core.rmem_max says, and nobody tells it. */
static void
small_buffers_are_said_once(void **state)
{
	static const int limits[] = {USUAL, USUAL / 2};

	for (unsigned i = 0; i < COUNT(limits); i++) {
		limit = limits[i];
		elsewhere(say_how_large_the_buffers_are);
	}
	limit = 0;
}

/* systemd may give a socket more (ReceiveBuffer=) than we may. */
static void
a_large_buffer_is_not_made_smaller(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = USUAL, was, is;
	socklen_t len = sizeof(size);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, len), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &was, &len), 0);
	limit = USUAL / 2;
	assert_int_equal(udp_adopt(fd), 0);
	limit = 0;
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &is, &len), 0);
	assert_int_equal(is, was);
	close(fd);
}

static void
a_path_that_turns_out_narrow_gets_fragments(void **state)
{
	elsewhere(send_through_a_narrow_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* First, as the sockets they are about are kept, and what was said. */
		cmocka_unit_test(the_mtu_is_looked_up_anew_each_time),
		cmocka_unit_test(small_buffers_are_said_once),
		cmocka_unit_test(a_large_buffer_is_not_made_smaller),
		cmocka_unit_test(a_path_that_turns_out_narrow_gets_fragments),
		cmocka_unit_test(ipv4_answers_leave_from_the_address_asked),
		cmocka_unit_test(ipv6_answers_leave_from_the_address_asked),
		cmocka_unit_test(a_port_that_forgets_our_side_knows_its_peer),
		cmocka_unit_test(what_was_queued_before_we_asked_is_no_broadcast),
		cmocka_unit_test(a_dual_stack_socket_speaks_plain_ipv4),
		cmocka_unit_test(a_datagram_too_long_is_marked),
		cmocka_unit_test(a_burst_by_gso),
		cmocka_unit_test(a_burst_without_gso),
		cmocka_unit_test(bursts_to_many_by_gso),
		cmocka_unit_test(bursts_to_many_without_gso),
		cmocka_unit_test(a_route_without_gso_leaves_it_to_the_others),
		cmocka_unit_test(a_full_socket_ends_it_for_all_that_follow),
		cmocka_unit_test(the_mtu_of_loopback_is_not_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
