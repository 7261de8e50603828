/* Who is sent to when not all can be: by counts, never by time. */
#include "tftp/served.h"

#include <errno.h>

#define MOST 6
#define ROOM 4
#define WINDOW 64
#define BREAK MONO_S(2)

/* A client that takes what comes and acknowledges as RFC 7440 has it. */
struct taker {
	int fd;
	struct netaddr server;
	unsigned got, window;
};

static struct taker takers[MOST];
static unsigned n_takers;
static struct pace *pace;

static struct netaddr
host(const char *text)
{
	struct netaddr a;

	assert_true(netaddr_parse_host(text, &a));
	return a;
}

/* Begins a transfer from the address `from`, up to the OACK. */
static void
join(const char *from, unsigned window)
{
	struct taker *t = &takers[n_takers++];
	struct netaddr local = host(from);
	char request[64];
	int n = sprintf(request, "%c%cbig%coctet%cwindowsize%c%u", 0, 1, 0, 0, 0, window);

	*t = (struct taker){.fd = client(), .window = window};
	assert_int_equal(bind(t->fd, &local.sa, netaddr_len(&local)), 0);
	assert_int_equal(insist(t->fd, request, (size_t)n + 1, &t->server).op, TFTP_OACK);
}

static void
take(struct taker *t)
{
	struct tftp_pkt pkt = hear(t->fd, &t->server);

	if (pkt.op != TFTP_DATA)
		return;
	if (pkt.block == (uint16_t)(t->got + 1))
		t->got++;
	if (pkt.block != (uint16_t)t->got || t->got % t->window == 0)
		ack(t->fd, &t->server, (uint16_t)t->got);
}

static unsigned
taken(void)
{
	unsigned all = 0;

	for (unsigned i = 0; i < n_takers; i++)
		all += takers[i].got;
	return all;
}

/* All acknowledge the OACK, and take turn by turn what has come until `blocks` have. */
static void
take_all(unsigned blocks)
{
	for (unsigned i = 0; i < n_takers; i++)
		ack(takers[i].fd, &takers[i].server, 0);
	for (int turns = 0; taken() < blocks && turns < 100000; turns++) {
		struct pollfd ready[MOST];

		for (unsigned i = 0; i < n_takers; i++)
			ready[i] = (struct pollfd){.fd = takers[i].fd, .events = POLLIN};
		poll(ready, n_takers, 1000);
		for (unsigned i = 0; i < n_takers; i++)
			if (ready[i].revents & POLLIN)
				take(&takers[i]);
	}
	assert_true(taken() >= blocks);
}

/* After each test, also one that failed. */
static int
leave(void **state)
{
	for (unsigned i = 0; i < n_takers; i++)
		close(takers[i].fd);
	n_takers = 0;
	stop();
	pace_free(pace);
	pace = NULL;
	return 0;
}

static bool link_is_slow, link_sticks;

void __real_udp_send_bursts(int fd, struct udp_burst *bursts, unsigned n);

/* The socket has room for so many datagrams of the first burst, and then for none. */
static void
send_some(int fd, struct udp_burst *bursts, unsigned n, unsigned room)
{
	unsigned whole = bursts[0].n;

	for (unsigned i = 0; i < n; i++)
		bursts[i] = (struct udp_burst){.path = bursts[i].path,
			.frames = bursts[i].frames,
			.n = bursts[i].n,
			.size = bursts[i].size,
			.error = -EAGAIN};
	bursts[0].n = whole < room ? whole : room;
	if (room > 0)
		__real_udp_send_bursts(fd, bursts, 1);
	if (bursts[0].n < whole)
		bursts[0].error = -EAGAIN;
	bursts[0].n = whole;
}

/* So slow that there is room for four datagrams, and every other time for none. */
static void
send_slowly(int fd, struct udp_burst *bursts, unsigned n)
{
	static bool full;

	send_some(fd, bursts, n, full ? 0 : ROOM);
	full = !full;
}

/* Two thirds of the first window have room, and then nothing for some seconds. */
static void
send_with_a_break(int fd, struct udp_burst *bursts, unsigned n)
{
	static struct mono since;

	if (since.us == 0 && bursts[0].n == WINDOW) {
		since = mono_now();
		send_some(fd, bursts, n, WINDOW * 2 / 3);
	} else if (since.us != 0 && mono_since(mono_now(), since) < BREAK) {
		usleep(1000); /* as the real socket has room, this comes again at once */
		send_some(fd, bursts, n, 0);
	} else
		__real_udp_send_bursts(fd, bursts, n);
}

/* In the server's process, in place of what the linker would take. */
void
__wrap_udp_send_bursts(int fd, struct udp_burst *bursts, unsigned n)
{
	if (link_is_slow)
		send_slowly(fd, bursts, n);
	else if (link_sticks)
		send_with_a_break(fd, bursts, n);
	else
		__real_udp_send_bursts(fd, bursts, n);
}

/* Those that wait get the room in turn, before any that has just got an ACK. */
static void
a_full_link_is_shared_by_all_machines(void **state)
{
	link_is_slow = true;
	start((struct tftp_config){.single_port = true});
	link_is_slow = false;
	for (unsigned i = 0; i < 5; i++) {
		char from[16];

		sprintf(from, "127.0.0.%u", i + 2);
		join(from, 32);
	}
	take_all(5 * 1000);
	for (unsigned i = 0; i < 5; i++)
		assert_in_range(takers[i].got, 900, 1100);
}

/*
 * Twice as long as the timer waits: what has left is not sent again, into a link that is
 * full as it is.
 */
static void
a_window_that_waits_for_room_leaves_once(void **state)
{
	bool seen[WINDOW + 1] = {false};
	unsigned got = 0, twice = 0;

	link_sticks = true;
	start((struct tftp_config){.min_rto_ms = BREAK / 2 / MONO_MS(1)});
	link_sticks = false;
	join("127.0.0.2", WINDOW);
	ack(takers[0].fd, &takers[0].server, 0);
	while (got < WINDOW) {
		struct tftp_pkt pkt = hear(takers[0].fd, &takers[0].server);

		assert_int_not_equal(pkt.op, 0);
		if (pkt.op != TFTP_DATA) /* an OACK, again */
			continue;
		assert_in_range(pkt.block, 1, WINDOW);
		twice += seen[pkt.block];
		got += !seen[pkt.block];
		seen[pkt.block] = true;
	}
	assert_int_equal(got, WINDOW);
	assert_int_equal(twice, 0);
}

/* Two transfers of one machine have half of its rate each; another machine has its own.
 */
static void
a_machines_transfers_share_its_pace(void **state)
{
	pace = pace_new(1000000);
	start((struct tftp_config){.pace = pace});
	join("127.0.0.2", 64);
	join("127.0.0.2", 64);
	join("127.0.0.3", 64);
	take_all(200);
	assert_in_range(takers[0].got, 30, 70);
	assert_in_range(takers[1].got, 30, 70);
	assert_in_range(takers[2].got, 60, 140);
}

/* What is paced arrives whole, with windows of every kind. */
static void
paced_transfers_come_to_their_end(void **state)
{
	static const unsigned windows[] = {1, 2, 7, 64};

	pace = pace_new(20000000);
	start((struct tftp_config){.pace = pace});
	for (unsigned i = 0; i < COUNT(windows); i++)
		join("127.0.0.2", windows[i]);
	take_all(COUNT(windows) * 300);
}

static int
set_up(void **state)
{
	static char text[2000 * 512 + 1];

	if (make_sandbox(state) != 0)
		return -1;
	memset(text, 'x', sizeof(text) - 1);
	put_file("big", text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_full_link_is_shared_by_all_machines, leave),
		cmocka_unit_test_teardown(
			a_window_that_waits_for_room_leaves_once, leave),
		cmocka_unit_test_teardown(a_machines_transfers_share_its_pace, leave),
		cmocka_unit_test_teardown(paced_transfers_come_to_their_end, leave),
	};

	return cmocka_run_group_tests_name("turns", tests, set_up, remove_sandbox);
}
