/* Lines for strangers: a burst, a trickle, and a warning that says what was left out. */
#define _GNU_SOURCE
#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/quota.h"

static struct quota quota;
static struct mono now;

/* How many of `n` lines are written, `gap` apart. */
static unsigned
lines(unsigned n, int64_t gap)
{
	unsigned written = 0;

	for (unsigned i = 0; i < n; i++) {
		now = mono_after(now, gap);
		written += quota_level(&quota, "flood", LEVEL_INFO, now) == LEVEL_INFO;
	}
	return written;
}

static int
setup(void **state)
{
	quota = (struct quota){0};
	now = (struct mono){MONO_S(1000)};
	log_init(LEVEL_INFO);
	return 0;
}

static void
a_room_of_machines_is_written(void **state)
{
	assert_int_equal(lines(QUOTA_BURST, 0), QUOTA_BURST);
	assert_int_equal(quota.left_out, 0);
	assert_int_equal(lines(1, 0), 0);
}

static void
so_many_a_second_and_no_more(void **state)
{
	lines(QUOTA_BURST, 0);
	assert_in_range(lines(10000, MONO_MS(1)), 10 * QUOTA_PER_SECOND - 1,
		10 * QUOTA_PER_SECOND + 1);
}

static void
a_slow_log_is_never_cut(void **state)
{
	assert_int_equal(lines(100000, MONO_S(1) / QUOTA_PER_SECOND), 100000);
}

static void
rest_fills_it_to_the_burst_only(void **state)
{
	lines(QUOTA_BURST + 10, 0);
	now = mono_after(now, MONO_S(100000));
	assert_int_equal(lines(QUOTA_BURST + 10, 0), QUOTA_BURST);
}

static void
what_nobody_writes_costs_nothing(void **state)
{
	log_init(LEVEL_WARNING);
	for (int i = 0; i < 2 * QUOTA_BURST; i++)
		assert_int_equal(
			quota_level(&quota, "flood", LEVEL_INFO, now), LEVEL_INFO);
	assert_int_equal(quota_level(&quota, "flood", LEVEL_WARNING, now), LEVEL_WARNING);
	assert_int_equal(quota.left_out, 0);
}

/* What `lines()` and the end of it write on standard error. */
static void
said(unsigned n, int64_t gap, bool end, char *text, size_t cap)
{
	int file = memfd_create("log", 0), err = dup(STDERR_FILENO);
	ssize_t got;

	assert_true(dup2(file, STDERR_FILENO) >= 0);
	lines(n, gap);
	if (end)
		quota_end(&quota, "flood");
	dup2(err, STDERR_FILENO);
	got = pread(file, text, cap - 1, 0);
	text[got > 0 ? got : 0] = '\0';
	close(err);
	close(file);
}

static void
every_line_left_out_is_counted(void **state)
{
	char text[4096];

	lines(QUOTA_BURST + 123, 0);
	said(1, MONO_S(9), false, text, sizeof(text));
	assert_string_equal(text, ""); /* not yet */
	said(2, MONO_S(1), false, text, sizeof(text));
	assert_non_null(strstr(text, "WARNING - flood lines-left-out=123\n"));
	assert_int_equal(quota.left_out, 0);
	lines(QUOTA_BURST + 7, 0);
	said(0, 0, true, text, sizeof(text));
	assert_non_null(strstr(text, "flood lines-left-out="));
	assert_int_equal(quota.left_out, 0);
	said(0, 0, true, text, sizeof(text));
	assert_string_equal(text, "");
}

static void
a_long_flood_is_told_every_ten_seconds(void **state)
{
	char text[8192];
	unsigned told = 0;

	lines(QUOTA_BURST, 0);
	said(100000, MONO_MS(1), false, text, sizeof(text));
	for (const char *p = text; (p = strstr(p, "lines-left-out=")) != NULL; p++)
		told++;
	assert_in_range(told, 9, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_room_of_machines_is_written, setup),
		cmocka_unit_test_setup(so_many_a_second_and_no_more, setup),
		cmocka_unit_test_setup(a_slow_log_is_never_cut, setup),
		cmocka_unit_test_setup(rest_fills_it_to_the_burst_only, setup),
		cmocka_unit_test_setup(what_nobody_writes_costs_nothing, setup),
		cmocka_unit_test_setup(every_line_left_out_is_counted, setup),
		cmocka_unit_test_setup(a_long_flood_is_told_every_ten_seconds, setup),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
