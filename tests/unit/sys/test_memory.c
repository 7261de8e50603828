/* How much memory there is for us, by the limits of control groups. */
#define _GNU_SOURCE
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/memory.h"

/* A tree of control groups: root, root/a, root/a/b; a limit each, NULL for none. */
static uint64_t
limit_with(const char *top, const char *a, const char *b, const char *path)
{
	char root[] = "/tmp/pixie-memory-XXXXXX", name[3][100];
	const char *limits[] = {top, a, b}, *folders[] = {"", "/a", "/a/b"};
	uint64_t limit;

	assert_non_null(mkdtemp(root));
	for (int i = 0; i < 3; i++) {
		FILE *f;

		snprintf(name[i], sizeof(name[i]), "%s%s", root, folders[i]);
		mkdir(name[i], 0700);
		snprintf(name[i], sizeof(name[i]), "%s%s/max", root, folders[i]);
		if (limits[i] == NULL)
			continue;
		f = fopen(name[i], "w");
		assert_non_null(f);
		fputs(limits[i], f);
		fclose(f);
	}
	limit = memory_group_limit(root, path, "max");
	for (int i = 2; i >= 0; i--) {
		unlink(name[i]);
		snprintf(name[i], sizeof(name[i]), "%s%s", root, folders[i]);
		rmdir(name[i]);
	}
	return limit;
}

static void
the_least_limit_on_the_way_up_counts(void **state)
{
	assert_int_equal(limit_with("3000\n", "2000\n", "1000\n", "/a/b"), 1000);
	assert_int_equal(limit_with("3000\n", "2000\n", "max\n", "/a/b"), 2000);
	assert_int_equal(
		limit_with("3000\n", "9223372036854771712\n", NULL, "/a/b"), 3000);
	assert_int_equal(limit_with("3000\n", "2000\n", "1000\n", "/a"), 2000);
	assert_int_equal(limit_with("3000\n", "2000\n", "1000\n", "/"), 3000);
	assert_int_equal(limit_with("3000\n", "2000\n", "1000\n", ""), 3000);
}

/* In a container the path is the host's, and only the root is there. */
static void
folders_that_are_not_there_are_passed_over(void **state)
{
	assert_int_equal(limit_with("3000\n", NULL, NULL, "/docker/0123/x"), 3000);
	assert_int_equal(limit_with("3000\n", "1000\n", NULL, "/a/nowhere/at/all"), 1000);
}

static void
without_a_limit_there_is_none(void **state)
{
	assert_true(limit_with(NULL, NULL, NULL, "/a/b") == UINT64_MAX);
	assert_true(limit_with("max\n", "max\n", "", "/a/b") == UINT64_MAX);
}

static void
there_is_some_memory_and_always_as_much(void **state)
{
	uint64_t limit = memory_limit();

	assert_true(limit >= 1 << 20);
	assert_true(limit <=
		    (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
	assert_true(memory_limit() == limit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_limit_on_the_way_up_counts),
		cmocka_unit_test(folders_that_are_not_there_are_passed_over),
		cmocka_unit_test(without_a_limit_there_is_none),
		cmocka_unit_test(there_is_some_memory_and_always_as_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
