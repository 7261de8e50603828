/* The wheel beside a plain array of deadlines, by chance and at its edges. */
#include "unit.h"

#include "base/wheel.h"

#define ENTRIES 200
#define TICK MONO_MS(1)

static struct wheel wheel;
static struct wheel_entry entries[ENTRIES];

static struct mono
at_ms(int64_t ms)
{
	return (struct mono){MONO_S(100) + MONO_MS(ms)};
}

static void
begin(void)
{
	memset(entries, 0, sizeof(entries));
	wheel_init(&wheel, TICK, at_ms(0));
}

/* How many expire at `now`; each must be due. */
static unsigned
expire(struct mono now)
{
	struct wheel_entry *e;
	unsigned n = 0;

	while ((e = wheel_expire(&wheel, now)) != NULL) {
		assert_false(wheel_is_set(e));
		assert_true(mono_reached(e->at, now));
		n++;
	}
	return n;
}

static void
an_empty_wheel_waits_for_ever(void **state)
{
	begin();
	assert_true(wheel_next(&wheel).us == MONO_NEVER.us);
	assert_null(wheel_expire(&wheel, at_ms(0)));
	assert_null(wheel_expire(&wheel, at_ms(1000000)));
	assert_true(wheel_next(&wheel).us == MONO_NEVER.us);
}

/* Within a tick after it, and never before, near and far. */
static void
a_deadline_is_met_and_never_early(void **state)
{
	static const int64_t us[] = {0, 1, 999, 1000, 1001, 63999, 64000, 100000, 4094000,
		4095000, 4096000, 4097000, 8192000, 30000000, 100000007};

	for (size_t i = 0; i < COUNT(us); i++) {
		struct mono at = mono_after(at_ms(0), us[i]), now = at_ms(0);
		unsigned turns = 0;

		begin();
		wheel_set(&wheel, &entries[0], at);
		while (wheel_is_set(&entries[0]) && turns++ < 100) {
			now = wheel_next(&wheel);
			assert_true(now.us <= at.us + TICK);
			if (now.us < at.us)
				assert_int_equal(expire(now), 0);
			else
				assert_int_equal(expire(now), 1);
		}
		assert_false(wheel_is_set(&entries[0]));
		assert_true(wheel_next(&wheel).us == MONO_NEVER.us);
	}
}

static void
what_is_past_is_met_in_the_next_tick(void **state)
{
	begin();
	wheel_set(&wheel, &entries[0], at_ms(-5000));
	assert_int_equal(expire(at_ms(0)), 0);
	assert_true(wheel_next(&wheel).us == at_ms(1).us);
	assert_int_equal(expire(at_ms(1)), 1);
}

static void
never_and_clear_take_it_out(void **state)
{
	begin();
	wheel_set(&wheel, &entries[0], at_ms(5));
	wheel_set(&wheel, &entries[0], MONO_NEVER);
	wheel_set(&wheel, &entries[1], at_ms(5));
	wheel_clear(&entries[1]);
	wheel_clear(&entries[1]);
	assert_int_equal(expire(at_ms(10)), 0);
	assert_true(wheel_next(&wheel).us == MONO_NEVER.us);
}

static void
of_one_tick_the_first_comes_first(void **state)
{
	begin();
	for (unsigned i = 0; i < 10; i++)
		wheel_set(&wheel, &entries[i], at_ms(7));
	wheel_set(&wheel, &entries[10], at_ms(6));
	wheel_clear(&entries[4]);
	assert_ptr_equal(wheel_expire(&wheel, at_ms(9)), &entries[10]);
	for (unsigned i = 0; i < 10; i++) {
		if (i == 2) /* amid it, too */
			wheel_clear(&entries[7]);
		if (i != 4 && i != 7)
			assert_ptr_equal(wheel_expire(&wheel, at_ms(9)), &entries[i]);
	}
	assert_null(wheel_expire(&wheel, at_ms(9)));
}

/* As a timer does that finds it has nothing to do yet, or that is always late. */
static void
setting_anew_while_expiring_comes_to_an_end(void **state)
{
	struct wheel_entry *e;
	unsigned n = 0;

	begin();
	for (unsigned i = 0; i < 10; i++)
		wheel_set(&wheel, &entries[i], at_ms(1));
	while ((e = wheel_expire(&wheel, at_ms(50))) != NULL && n++ < 10000)
		wheel_set(&wheel, e, at_ms(n % 2 ? 0 : 60));
	assert_true(n < 10000);
	for (unsigned i = 0; i < 10; i++)
		assert_true(wheel_is_set(&entries[i]));
}

/* A day without a timer, and then one: no turn for each tick of the day. */
static void
a_long_sleep_is_slept_off(void **state)
{
	begin();
	wheel_set(&wheel, &entries[0], at_ms(10));
	assert_int_equal(expire(at_ms(86400000)), 1);
	wheel_set(&wheel, &entries[0], at_ms(86400020));
	assert_int_equal(expire(at_ms(86400019)), 0);
	assert_int_equal(expire(at_ms(86400021)), 1);
}

static uint32_t
chance(void)
{
	static uint32_t x = 12345;

	x ^= x << 13;
	x ^= x >> 17;
	return x ^= x << 5;
}

static struct mono
earliest(void)
{
	struct mono first = MONO_NEVER;

	for (unsigned i = 0; i < ENTRIES; i++)
		if (wheel_is_set(&entries[i]))
			first = mono_earlier(first, entries[i].at);
	return first;
}

static void
by_chance_it_is_as_good_as_an_array(void **state)
{
	struct mono now = at_ms(0);
	unsigned expired = 0;

	begin();
	for (unsigned i = 0; i < 200000; i++) {
		struct wheel_entry *e = &entries[chance() % ENTRIES];

		switch (chance() % 4) {
		case 0:
			wheel_clear(e);
			break;
		case 1:
			now = mono_after(now, chance() % (i % 100 ? 3000 : 20000000));
			expired += expire(now);
			assert_true(earliest().us > now.us - TICK);
			break;
		default:
			wheel_set(&wheel, e, mono_after(now, chance() % 9000000));
		}
		if (earliest().us != MONO_NEVER.us)
			assert_true(wheel_next(&wheel).us <= earliest().us + TICK);
	}
	assert_true(expired > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_wheel_waits_for_ever),
		cmocka_unit_test(a_deadline_is_met_and_never_early),
		cmocka_unit_test(what_is_past_is_met_in_the_next_tick),
		cmocka_unit_test(never_and_clear_take_it_out),
		cmocka_unit_test(of_one_tick_the_first_comes_first),
		cmocka_unit_test(setting_anew_while_expiring_comes_to_an_end),
		cmocka_unit_test(a_long_sleep_is_slept_off),
		cmocka_unit_test(by_chance_it_is_as_good_as_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
