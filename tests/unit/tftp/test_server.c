/* The server's ports, limits and end. */
#include "tftp/served.h"

static void
a_transfer_has_a_port_of_its_own(void **state)
{
	struct netaddr from;
	int fd = client();

	start((struct tftp_config){0});
	assert_int_equal(ask(fd, ASK(RRQ "small\0octet\0"), &from).op, TFTP_DATA);
	assert_int_not_equal(netaddr_port(&from), netaddr_port(&at));
	close(fd);
	stop();
}

static void
single_port_keeps_to_its_port(void **state)
{
	struct netaddr from;
	int fd = client();

	start((struct tftp_config){.single_port = true});
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(fd, ASK(RRQ "two\0octet\0"), &from).block, 1);
		assert_int_equal(netaddr_port(&from), netaddr_port(&at));
		ack(fd, &from, 1);
		assert_int_equal(hear(fd, &from).block, 2);
		ack(fd, &from, 2);
	}
	assert_true(is_silent(fd));
	close(fd);
	stop();
}

/* Three ports next to each other that nobody has, as far as one can know. */
static void
transfers_use_the_ports_of_the_range(void **state)
{
	struct netaddr from = {0};
	int fd = client(), probe;
	uint16_t lo;

	netaddr_parse_host("127.0.0.1", &from);
	probe = udp_bind(&from);
	from = bound_to(probe);
	lo = netaddr_port(&from) > 60000 ? 50000 : netaddr_port(&from);
	/* The first of them stays taken: it is left out. */
	start((struct tftp_config){.port_lo = lo, .port_hi = (uint16_t)(lo + 3)});
	for (int i = 0; i < 8; i++) {
		assert_int_equal(
			insist(fd, ASK(RRQ "small\0octet\0"), &from).op, TFTP_DATA);
		assert_in_range(netaddr_port(&from), lo, lo + 3);
		ack(fd, &from, 1);
	}
	close(probe);
	close(fd);
	stop();
}

static void
a_range_that_is_taken_is_said_at_the_start(void **state)
{
	struct netaddr taken = {0};
	int probe;

	netaddr_parse_host("127.0.0.1", &taken);
	probe = udp_bind(&taken);
	taken = bound_to(probe);
	start((struct tftp_config){
		.port_lo = netaddr_port(&taken), .port_hi = netaddr_port(&taken)});
	assert_int_equal(WEXITSTATUS(ended()), 1);
	close(probe);
}

static void
refusals_have_their_codes(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		uint16_t code;
	} rows[] = {
		{ASK(RRQ "missing\0octet\0"), TFTP_E_NOT_FOUND},
		{ASK(RRQ "folder\0octet\0"), TFTP_E_ACCESS},
		{ASK(RRQ "../small\0octet\0"), TFTP_E_ACCESS},
		{ASK("\0\2small\0octet\0"), TFTP_E_ACCESS},
		{ASK(RRQ "small\0mail\0"), TFTP_E_ILLEGAL},
	};
	struct netaddr from;
	int fd = client();

	start((struct tftp_config){0});
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tftp_pkt pkt = ask(fd, rows[i].data, rows[i].len, &from);

		assert_int_equal(pkt.op, TFTP_ERROR);
		assert_int_equal(pkt.code, rows[i].code);
		assert_true(pkt.len > 0);
	}
	close(fd);
	stop();
}

/* RFC 1350 §4, and never an ERROR for an ERROR. */
static void
strangers_are_told_so(void **state)
{
	struct netaddr from, none;
	int fd = client(), other = client();
	struct tftp_pkt pkt;

	start((struct tftp_config){0});
	assert_int_equal(ask(fd, ASK(RRQ "two\0octet\0"), &from).op, TFTP_DATA);
	ack(other, &from, 1);
	pkt = hear(other, &none);
	assert_int_equal(pkt.op, TFTP_ERROR);
	assert_int_equal(pkt.code, TFTP_E_UNKNOWN_TID);
	say(other, &from, ASK("\0\5\0\0stop\0"));
	assert_true(is_silent(other));
	/* The transfer itself has not been disturbed. */
	ack(fd, &from, 1);
	do
		pkt = hear(fd, &from);
	while (pkt.op == TFTP_DATA && pkt.block == 1);
	assert_int_equal(pkt.block, 2);
	ack(other, &at, 1);
	assert_true(is_silent(other));
	close(fd);
	close(other);
	stop();
}

/*
 * A strict client takes ERROR 5 from the address it wrote to only. A port at all
 * addresses learns that one from the second such packet.
 */
static void
strangers_are_told_so_from_where_they_asked(void **state)
{
	struct netaddr from, asked, any;
	int fd = client(), other = client();

	netaddr_parse_host("0.0.0.0", &any);
	start_on((struct tftp_config){0}, udp_bind(&any));
	netaddr_parse_host("127.0.0.1", &asked);
	netaddr_set_port(&asked, netaddr_port(&at));
	at = asked;
	ask(fd, ASK(RRQ "two\0octet\0"), &from);
	netaddr_parse_host("127.0.0.5", &asked);
	netaddr_set_port(&asked, netaddr_port(&from));
	for (int i = 0; i < 2; i++) {
		ack(other, &asked, 1);
		assert_int_equal(hear(other, &from).code, TFTP_E_UNKNOWN_TID);
	}
	assert_true(netaddr_equal(&from, &asked));
	close(fd);
	close(other);
	stop();
}

static void
a_repeated_request_is_the_same_transfer(void **state)
{
	struct netaddr first, second;
	struct tftp_pkt pkt;
	int fd = client();

	start((struct tftp_config){0});
	assert_int_equal(
		ask(fd, ASK(RRQ "two\0octet\0tsize\0000\0"), &first).op, TFTP_OACK);
	assert_int_equal(
		insist(fd, ASK(RRQ "two\0octet\0tsize\0000\0"), &second).op, TFTP_OACK);
	assert_int_equal(netaddr_port(&first), netaddr_port(&second));
	/* Another request from the same port is another transfer. */
	pkt = ask(fd, ASK(RRQ "small\0octet\0tsize\0000\0"), &second);
	while (pkt.op == TFTP_OACK && netaddr_port(&second) == netaddr_port(&first))
		pkt = hear(fd, &second); /* of all that was said again */
	assert_int_equal(pkt.op, TFTP_OACK);
	/* Late packets for the first are absorbed while it lingers. */
	ack(fd, &first, 0);
	assert_true(is_silent(fd));
	close(fd);
	stop();
}

/* Firmware that hears nothing asks again; firmware that hears ERROR gives up. */
static void
a_full_server_is_silent(void **state)
{
	struct netaddr from;
	int a = client(), b = client();

	start((struct tftp_config){.max_transfers = 1, .max_per_host = 9});
	assert_int_equal(ask(a, ASK(RRQ "small\0octet\0"), &from).op, TFTP_DATA);
	say(b, &at, ASK(RRQ "small\0octet\0"));
	assert_true(is_silent(b));
	ack(a, &from, 1);
	assert_int_equal(insist(b, ASK(RRQ "small\0octet\0"), &from).op, TFTP_DATA);
	close(a);
	close(b);
	stop();
}

static void
a_greedy_host_is_told(void **state)
{
	struct netaddr from;
	int a = client(), b = client();
	struct tftp_pkt pkt;

	start((struct tftp_config){.max_per_host = 1});
	assert_int_equal(ask(a, ASK(RRQ "small\0octet\0"), &from).op, TFTP_DATA);
	pkt = ask(b, ASK(RRQ "small\0octet\0"), &from);
	assert_int_equal(pkt.op, TFTP_ERROR);
	assert_int_equal(pkt.code, TFTP_E_UNDEFINED);
	close(a);
	close(b);
	stop();
}

static void
the_end_is_said_to_running_transfers(void **state)
{
	struct netaddr from;
	int fd = client();
	struct tftp_pkt pkt;

	start((struct tftp_config){0});
	assert_int_equal(ask(fd, ASK(RRQ "two\0octet\0"), &from).op, TFTP_DATA);
	stop();
	pkt = hear(fd, &from);
	assert_int_equal(pkt.op, TFTP_ERROR);
	assert_memory_equal(pkt.data, "the server is shutting down", pkt.len);
	close(fd);
}

static void
garbage_does_no_harm(void **state)
{
	struct netaddr from;
	struct tftp_pkt pkt;
	uint8_t junk[600];
	int fd = client();

	start((struct tftp_config){0});
	srandom(1);
	for (int i = 0; i < 2000; i++) {
		size_t len = (size_t)random() % sizeof(junk);

		for (size_t j = 0; j < len; j++)
			junk[j] = (uint8_t)random();
		if (len >= 2 && i % 2)
			memcpy(junk, i % 4 == 1 ? "\0\1" : "\0\4", 2);
		say(fd, &at, junk, len);
	}
	while (!is_silent(fd))
		hear(fd, &from);
	do /* a late answer to the junk */
		pkt = insist(fd, ASK(RRQ "small\0octet\0"), &from);
	while (pkt.op == TFTP_ERROR);
	assert_int_equal(pkt.op, TFTP_DATA);
	close(fd);
	stop();
}

static int
set_up(void **state)
{
	char text[601];

	if (make_sandbox(state) != 0)
		return -1;
	memset(text, 'x', 600);
	text[600] = '\0';
	put_file("small", "hello");
	put_file("two", text);
	put_dir("folder");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transfer_has_a_port_of_its_own),
		cmocka_unit_test(single_port_keeps_to_its_port),
		cmocka_unit_test(transfers_use_the_ports_of_the_range),
		cmocka_unit_test(a_range_that_is_taken_is_said_at_the_start),
		cmocka_unit_test(refusals_have_their_codes),
		cmocka_unit_test(strangers_are_told_so),
		cmocka_unit_test(strangers_are_told_so_from_where_they_asked),
		cmocka_unit_test(a_repeated_request_is_the_same_transfer),
		cmocka_unit_test(a_full_server_is_silent),
		cmocka_unit_test(a_greedy_host_is_told),
		cmocka_unit_test(the_end_is_said_to_running_transfers),
		cmocka_unit_test(garbage_does_no_harm),
	};

	return cmocka_run_group_tests_name("tftp_server", tests, set_up, remove_sandbox);
}
