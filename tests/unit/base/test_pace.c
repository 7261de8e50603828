/* The rate of a machine, told as moments at which it may be sent to. */
#include "unit.h"

#include "base/pace.h"

static struct netaddr
host(const char *text, uint16_t port)
{
	struct netaddr a;

	assert_true(netaddr_parse_host(text, &a));
	netaddr_set_port(&a, port);
	return a;
}

static struct mono
at_us(int64_t us)
{
	return (struct mono){MONO_S(100) + us};
}

static void
rates_are_bits_a_second_in_powers_of_1000(void **state)
{
	static const struct {
		const char *text;
		uint64_t bits; /* 0: refused */
	} rows[] = {
		{"64000", 64000},
		{"800k", 800000},
		{"10M", 10000000},
		{"1G", 1000000000},
		{"10G", UINT64_C(10000000000)},
		{"10000000000", UINT64_C(10000000000)},
		{"11G", 0},
		{"63999", 0},
		{"63k", 0},
		{"0", 0},
		{"", 0},
		{"M", 0},
		{"10m", 0},
		{"10K", 0},
		{"10MB", 0},
		{"10 M", 0},
		{"-10M", 0},
		{"+10M", 0},
		{" 10M", 0},
		{"1.5M", 0},
		{"99999999999999999999", 0},
		{"99999999999999999999G", 0},
		{"18446744073709551615k", 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t bits = 0;
		bool good = pace_parse(rows[i].text, &bits);

		if (good != (rows[i].bits != 0) || (good && bits != rows[i].bits))
			fail_msg("'%s'", rows[i].text);
	}
}

/* 1250 bytes take a millisecond at 10 Mbit/s: each goes alone, and none too early. */
static void
at_slow_rates_each_packet_goes_alone(void **state)
{
	struct pace *pace = pace_new(10000000);
	struct netaddr a = host("192.0.2.1", 1000);
	struct mono now = at_us(0), when;

	for (int i = 0; i < 100; i++) {
		assert_true(pace_take(pace, &a, 1250, now, &when));
		assert_false(pace_take(pace, &a, 1250, now, &when));
		assert_true(mono_since(when, now) >= 800);
		assert_true(mono_since(when, now) <= 1001);
		now = mono_after(when, 10 * (i % 30)); /* as late as timers are */
	}
	/* The rate was kept all the same. */
	assert_in_range(mono_since(now, at_us(0)), 99000, 101500);
	/* Lost time is not made up for by packets at once. */
	now = mono_after(now, MONO_S(10));
	assert_true(pace_take(pace, &a, 1250, now, &when));
	assert_false(pace_take(pace, &a, 1250, now, &when));
	pace_free(pace);
}

static void
at_fast_rates_a_milliseconds_worth_goes_at_once(void **state)
{
	struct pace *pace = pace_new(100000000);
	struct netaddr a = host("192.0.2.1", 1000);
	struct mono when;
	int n = 0;

	while (n < 1000 && pace_take(pace, &a, 1250, at_us(0), &when))
		n++;
	assert_in_range(n, 10, 13);
	pace_free(pace);
}

static void
a_machine_has_one_rate_for_all_its_ports(void **state)
{
	struct pace *pace = pace_new(10000000);
	struct netaddr a = host("192.0.2.1", 1000), again = host("192.0.2.1", 2000);
	struct netaddr b = host("192.0.2.2", 1000), six = host("2001:db8::1", 1000);
	struct mono when;

	assert_true(pace_take(pace, &a, 1250, at_us(0), &when));
	assert_false(pace_take(pace, &again, 1250, at_us(500), &when));
	assert_true(pace_take(pace, &b, 1250, at_us(500), &when));
	assert_true(pace_take(pace, &six, 1250, at_us(500), &when));
	assert_true(pace_take(pace, &again, 1250, at_us(1001), &when));
	pace_free(pace);
}

static void
connections_have_equal_shares(void **state)
{
	struct pace *pace = pace_new(12000000);
	struct netaddr a = host("192.0.2.1", 1000), again = host("192.0.2.1", 2000);
	struct netaddr b = host("192.0.2.2", 1000);

	pace_join(pace, &a);
	assert_int_equal(pace_share(pace, &a), 12000000);
	pace_join(pace, &again);
	pace_join(pace, &again);
	pace_join(pace, &b);
	assert_int_equal(pace_share(pace, &a), 4000000);
	assert_int_equal(pace_share(pace, &b), 12000000);
	pace_leave(pace, &a);
	assert_int_equal(pace_share(pace, &again), 6000000);
	pace_free(pace);
}

/* The machines of a rack, by number, do not meet. */
static void
neighbours_do_not_share_a_clock(void **state)
{
	struct pace *pace = pace_new(1000000);
	struct mono when;
	int refused = 0;

	for (unsigned i = 0; i < 1000; i++) {
		char text[32];
		struct netaddr a;

		snprintf(text, sizeof(text), "10.1.%u.%u", i / 250, i % 250 + 1);
		a = host(text, 1000);
		refused += !pace_take(pace, &a, 1250, at_us(0), &when);
	}
	assert_true(refused <= 20);
	pace_free(pace);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_bits_a_second_in_powers_of_1000),
		cmocka_unit_test(at_slow_rates_each_packet_goes_alone),
		cmocka_unit_test(at_fast_rates_a_milliseconds_worth_goes_at_once),
		cmocka_unit_test(a_machine_has_one_rate_for_all_its_ports),
		cmocka_unit_test(connections_have_equal_shares),
		cmocka_unit_test(neighbours_do_not_share_a_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
