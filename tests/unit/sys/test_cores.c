#define _GNU_SOURCE
#include "unit.h"

#include <sched.h>
#include <unistd.h>

#include "sys/cores.h"

static void
a_quota_counts_whole_cores(void **state)
{
	static const struct {
		const char *text;
		unsigned cores;
	} rows[] = {
		{"max 100000\n", 0},
		{"100000 100000\n", 1},
		{"200000 100000\n", 2},
		{"250000 100000\n", 3},
		{"1000 100000\n", 1},
		{"50000 1000\n", 50},
		{"", 0},
		{"100000", 0},
		{"0 100000", 0},
		{"100000 0", 0},
		{"99999999999999999 1", 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (cores_of_quota(rows[i].text) != rows[i].cores)
			fail_msg("\"%s\" is %u cores", rows[i].text,
				cores_of_quota(rows[i].text));
}

static void
affinity_counts(void **state)
{
	cpu_set_t all, one;
	int core = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_in_range(cores_usable(), 1, CPU_COUNT(&all));
	while (!CPU_ISSET(core, &all))
		core++;
	CPU_ZERO(&one);
	CPU_SET(core, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(cores_usable(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quota_counts_whole_cores),
		cmocka_unit_test(affinity_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
