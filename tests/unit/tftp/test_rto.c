/* RFC 6298 by its clauses. */
#include "unit.h"

#include "tftp/rto.h"

#define MIN MONO_MS(100)

static struct rto
fresh(void)
{
	struct rto rto;

	rto_init(&rto, MIN, RTO_MAX);
	return rto;
}

static struct mono
at_ms(int64_t ms)
{
	return (struct mono){MONO_S(100) + MONO_MS(ms)};
}

/* One block there and back. */
static void
measure(struct rto *rto, int64_t ms)
{
	rto_start(rto, 1, at_ms(0));
	rto_acknowledge(rto, 1, at_ms(ms));
}

/* §2.1 to §2.4; the first RTO and the minimum are ours: doc/rfc.md says why. */
static void
the_timer_follows_its_samples(void **state)
{
	static const struct {
		int64_t samples[4], rto; /* ms; a sample of 0 ends them */
	} rows[] = {
		{{0}, 500},
		/* §2.2: SRTT R, RTTVAR R/2 */
		{{40}, 40 + 4 * 20},
		{{200}, 200 + 4 * 100},
		/* §2.3: RTTVAR 3/4 of it and 1/4 of the error, SRTT 7/8 and 1/8 */
		{{40, 40}, 40 + 4 * 15},
		{{200, 200}, 200 + 4 * 75},
		{{200, 400}, 225 + 4 * 125},
		{{200, 40}, 180 + 4 * 115},
		{{160, 160, 160, 160}, 295},
		/* §2.4 */
		{{10}, 100},
		/* A client's own timer is no road. */
		{{900}, 1000},
		{{5000}, 1000},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rto rto = fresh();

		for (int k = 0; k < 4 && rows[i].samples[k] > 0; k++)
			measure(&rto, rows[i].samples[k]);
		assert_int_equal(rto_value(&rto), MONO_MS(rows[i].rto));
	}
}

/* Or it would be taken for no sample at all. */
static void
a_sample_of_no_time_is_one(void **state)
{
	struct rto rto = fresh();

	measure(&rto, 0);
	assert_int_equal(rto_value(&rto), MIN);
	for (int i = 0; i < 100; i++)
		measure(&rto, 0);
	assert_int_equal(rto_value(&rto), MIN);
}

/* §5.5, §2.5 */
static void
it_doubles_up_to_its_maximum(void **state)
{
	static const struct {
		int64_t sample, min, max, rto[7]; /* ms */
	} rows[] = {
		{0, 100, 60000, {500, 1000, 2000, 4000, 8000, 8000, 8000}},
		{10, 100, 8000, {100, 200, 400, 800, 1600, 3200, 6400}},
		{10, 10, 8000, {30, 60, 120, 240, 480, 960, 1920}},
		{0, 100, 1500, {500, 1000, 1500, 1500, 1500, 1500, 1500}},
		{0, 100, 300, {300, 300, 300, 300, 300, 300, 300}},
		/* whatever the admin set, the client's timeout comes first */
		{0, 2000, 1500, {1500, 1500, 1500, 1500, 1500, 1500, 1500}},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rto rto;

		rto_init(&rto, MONO_MS(rows[i].min), MONO_MS(rows[i].max));
		if (rows[i].sample > 0)
			measure(&rto, rows[i].sample);
		for (size_t k = 0; k < COUNT(rows[i].rto); k++) {
			assert_int_equal(rto_value(&rto), MONO_MS(rows[i].rto[k]));
			rto_back_off(&rto);
		}
		assert_int_equal(rto_value(&rto), MONO_MS(rows[i].rto[6]));
	}
}

/* §3 */
static void
karn_what_is_sent_twice_measures_nothing(void **state)
{
	struct rto rto = fresh();

	rto_start(&rto, 1, at_ms(0));
	rto_back_off(&rto);
	rto_cancel(&rto);
	rto_acknowledge(&rto, 1, at_ms(40));
	assert_int_equal(rto_value(&rto), MONO_S(1));
	/* What is sent once then does, and ends the backing off. */
	measure(&rto, 40);
	assert_int_equal(rto_value(&rto), MONO_MS(120));
}

static void
one_block_is_measured_at_a_time(void **state)
{
	struct rto rto = fresh();

	rto_start(&rto, 5, at_ms(0));
	rto_start(&rto, 9, at_ms(30)); /* more of the window */
	rto_acknowledge(&rto, 4, at_ms(35));
	assert_int_equal(rto_value(&rto), MONO_MS(500));
	rto_acknowledge(&rto, 7, at_ms(40)); /* one ACK for several */
	assert_int_equal(rto_value(&rto), MONO_MS(120));
	rto_acknowledge(&rto, 9, at_ms(400)); /* that was not measured */
	assert_int_equal(rto_value(&rto), MONO_MS(120));
}

static void
progress_of_what_was_sent_since_ends_the_doubling(void **state)
{
	struct rto rto = fresh();

	rto_back_off(&rto);
	rto_back_off(&rto);
	rto_ease_off(&rto); /* this came of what the timer had sent again */
	assert_int_equal(rto_value(&rto), MONO_S(2));
	rto_ease_off(&rto);
	assert_int_equal(rto_value(&rto), MONO_MS(500));
}

/* RFC 1123 §4.2.3.1 for lockstep, RFC 7440 §4 for a window. */
static void
a_gap_is_believed_after_about_a_round_trip(void **state)
{
	static const struct {
		int64_t sample;
		bool lockstep;
		int64_t hurry[7]; /* ms; each after one doubt more */
	} rows[] = {
		{0, true, {500, 500, 500, 500, 500, 500, 500}},
		{1, true, {100, 100, 100, 100, 100, 100, 100}},
		{40, true, {120, 120, 120, 120, 120, 120, 120}},
		{0, false, {500, 500, 500, 500, 500, 500, 500}},
		{40, false, {120, 120, 120, 120, 120, 120, 120}},
		{10, false, {30, 60, 100, 100, 100, 100, 100}},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rto rto = fresh();

		if (rows[i].sample > 0)
			measure(&rto, rows[i].sample);
		for (size_t k = 0; k < COUNT(rows[i].hurry); k++) {
			assert_int_equal(rto_hurry(&rto, rows[i].lockstep),
				MONO_MS(rows[i].hurry[k]));
			rto_doubt(&rto);
		}
	}
}

static void
in_a_window_2_ms_are_enough(void **state)
{
	struct rto rto = fresh();

	measure(&rto, 0);
	assert_int_equal(rto_hurry(&rto, false), MONO_MS(2));
	for (int i = 0; i < 10; i++)
		rto_doubt(&rto);
	assert_int_equal(rto_hurry(&rto, false), MONO_MS(100));
	rto_ease_off(&rto);
	assert_int_equal(rto_hurry(&rto, false), MONO_MS(2));
}

/* It is the shorter wait alone that grows. */
static void
a_doubt_is_no_timeout(void **state)
{
	struct rto rto = fresh();

	rto_doubt(&rto);
	assert_int_equal(rto_value(&rto), MONO_MS(500));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_timer_follows_its_samples),
		cmocka_unit_test(a_sample_of_no_time_is_one),
		cmocka_unit_test(it_doubles_up_to_its_maximum),
		cmocka_unit_test(karn_what_is_sent_twice_measures_nothing),
		cmocka_unit_test(one_block_is_measured_at_a_time),
		cmocka_unit_test(progress_of_what_was_sent_since_ends_the_doubling),
		cmocka_unit_test(a_gap_is_believed_after_about_a_round_trip),
		cmocka_unit_test(in_a_window_2_ms_are_enough),
		cmocka_unit_test(a_doubt_is_no_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
