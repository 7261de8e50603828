/* Several sockets at one address: nobody else gets in, and a client has one of them. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/twin.h"
#include "sys/udp.h"

#define TWINS 4
#define CLIENTS 64
#define PATIENCE 10000 /* ms: what was sent on loopback is not always there at once */

static struct netaddr at;
static int fds[TWINS];

static int
tcp_listener(const struct netaddr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &addr->sa, netaddr_len(addr)) == 0 && listen(fd, CLIENTS) == 0)
		return fd;
	close(fd);
	return -errno;
}

static void
learn_address(int fd)
{
	socklen_t len = sizeof(at);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, &at.sa, &len), 0);
}

static void
open_udp(const char *host)
{
	assert_true(netaddr_parse_host(host, &at));
	fds[0] = udp_bind(&at);
	learn_address(fds[0]);
	for (int i = 1; i < TWINS; i++) {
		fds[i] = udp_twin(fds[0]);
		assert_true(fds[i] >= 0);
	}
}

static void
close_all(void)
{
	for (int i = 0; i < TWINS; i++)
		close(fds[i]);
}

/* Until one of them has something. */
static void
await(void)
{
	struct pollfd p[TWINS];

	for (int i = 0; i < TWINS; i++)
		p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	assert_true(poll(p, TWINS, PATIENCE) > 0);
}

/* How many datagrams lie in fds[i]. */
static unsigned
drain(int i)
{
	unsigned n = 0;
	char c;

	while (recv(fds[i], &c, 1, MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

/* Which one has all of `wanted` datagrams; fails when they were divided. */
static int
who_has(unsigned wanted)
{
	unsigned has[TWINS] = {0}, all = 0;
	int who = 0;

	while (all < wanted) {
		await();
		for (int i = 0; i < TWINS; i++) {
			unsigned n = drain(i);

			has[i] += n;
			all += n;
		}
	}
	while (has[who] == 0)
		who++;
	assert_int_equal(has[who], wanted);
	return who;
}

static void
a_client_port_always_reaches_the_same(const char *host)
{
	unsigned served[TWINS] = {0}, used = 0;

	open_udp(host);
	for (int i = 0; i < CLIENTS; i++) {
		int fd = socket(at.sa.sa_family, SOCK_DGRAM, 0), who;

		for (int n = 0; n < 5; n++)
			assert_int_equal(
				sendto(fd, "x", 1, 0, &at.sa, netaddr_len(&at)), 1);
		who = who_has(5);
		for (int n = 0; n < 3; n++)
			assert_int_equal(
				sendto(fd, "x", 1, 0, &at.sa, netaddr_len(&at)), 1);
		assert_int_equal(who_has(3), who);
		served[who]++;
		close(fd);
	}
	for (int i = 0; i < TWINS; i++)
		used += served[i] > 0;
	assert_true(used > 1); /* by chance all at one: 1 in 4^63 */
	close_all();
}

static void
an_ipv4_client_port_always_reaches_the_same(void **state)
{
	a_client_port_always_reaches_the_same("127.0.0.1");
}

static void
an_ipv6_client_port_always_reaches_the_same(void **state)
{
	a_client_port_always_reaches_the_same("::1");
}

/* A second pixie opens its first socket in the same way, and is told. */
static void
who_comes_later_is_refused(void **state)
{
	open_udp("127.0.0.1");
	assert_int_equal(udp_bind(&at), -EADDRINUSE);
	close(fds[0]);
	assert_int_equal(udp_bind(&at), -EADDRINUSE);
	fds[0] = udp_twin(fds[1]);
	close_all();
	fds[0] = udp_bind(&at);
	assert_true(fds[0] >= 0);
	close(fds[0]);
}

static void
who_shares_as_well_cannot_come_before(void **state)
{
	int first, on = 1;

	assert_true(netaddr_parse_host("127.0.0.1", &at));
	first = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(first, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	assert_int_equal(bind(first, &at.sa, netaddr_len(&at)), 0);
	learn_address(first);
	assert_int_equal(udp_bind(&at), -EADDRINUSE);
	close(first);
}

/* How many connections wait at fds[i]; they are closed. */
static unsigned
accept_all(int i)
{
	unsigned n = 0;
	int fd;

	while ((fd = accept(fds[i], NULL, NULL)) >= 0) {
		close(fd);
		n++;
	}
	return n;
}

static void
connections_are_divided(void **state)
{
	int clients[CLIENTS];
	unsigned has[TWINS] = {0}, used = 0, all = 0;

	assert_true(netaddr_parse_host("127.0.0.1", &at));
	fds[0] = tcp_listener(&at);
	learn_address(fds[0]);
	for (int i = 1; i < TWINS; i++) {
		fds[i] = socket_twin(fds[0]);
		assert_true(fds[i] >= 0);
		assert_int_equal(listen(fds[i], CLIENTS), 0);
	}
	assert_int_equal(tcp_listener(&at), -EADDRINUSE);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(clients[i], &at.sa, netaddr_len(&at)), 0);
	}
	while (all < CLIENTS) {
		await();
		for (int i = 0; i < TWINS; i++) {
			unsigned n = accept_all(i);

			has[i] += n;
			all += n;
		}
	}
	for (int i = 0; i < TWINS; i++)
		used += has[i] > 0;
	assert_int_equal(all, CLIENTS);
	assert_true(used > 1);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	close_all();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv4_client_port_always_reaches_the_same),
		cmocka_unit_test(an_ipv6_client_port_always_reaches_the_same),
		cmocka_unit_test(who_comes_later_is_refused),
		cmocka_unit_test(who_shares_as_well_cannot_come_before),
		cmocka_unit_test(connections_are_divided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
