/* What is kept of small files, and above all when it is not used. */
#include "sandbox.h"

#include <errno.h>
#include <time.h>

#include "boot/shelf.h"
#include "boot/tree.h"

static struct content *
open_named(const char *name)
{
	struct content *c = shelf_find(sandbox, name);
	struct stat st;
	int fd;

	if (c != NULL)
		return c;
	fd = tree_open(sandbox, name, &st);
	assert_true(fd >= 0);
	return shelf_open(sandbox, name, fd, &st, "text/plain");
}

static bool
is_kept(const char *name)
{
	struct content *c = shelf_find(sandbox, name);

	content_unref(c);
	return c != NULL;
}

static void
assert_says(const char *name, const char *text)
{
	struct content *c = open_named(name);
	char got[64] = "";

	assert_int_equal(content_size(c), strlen(text));
	assert_int_equal(content_read(c, 0, got, strlen(text)), 0);
	assert_string_equal(got, text);
	assert_int_equal(content_check(c), 0);
	content_unref(c);
}

/* A file whose last change lies back far enough; the clock cannot be turned, so wait. */
static void
put_settled(const char *name, const char *text)
{
	struct stat st;
	time_t now;

	put_file(name, text);
	assert_int_equal(stat(in_sandbox(name), &st), 0);
	do {
		usleep(50000);
		now = time(NULL);
	} while (now - st.st_ctim.tv_sec <= 2);
}

static void
keep(const char *name, const char *text)
{
	assert_says(name, text);
	assert_says(name, text);
	assert_true(is_kept(name));
}

static void
kept_when_asked_for_twice(void **state)
{
	struct content *c;
	uint64_t base;

	assert_says("settled", "one");
	assert_false(is_kept("settled"));
	assert_says("settled", "one");
	assert_true(is_kept("settled"));
	assert_says("settled", "one");
	c = open_named("settled");
	assert_non_null(content_view(c, 0));
	assert_int_equal(content_fd(c, &base), -1);
	content_unref(c);
}

static void
not_kept_when_just_written(void **state)
{
	put_file("fresh", "one");
	for (int i = 0; i < 3; i++)
		assert_says("fresh", "one");
	assert_false(is_kept("fresh"));
}

static void
a_change_is_seen_at_once(void **state)
{
	struct content *old;

	keep("settled", "one");
	old = open_named("settled");
	put_file("settled", "two"); /* as long as before */
	assert_says("settled", "two");
	assert_int_equal(content_check(old), -ESTALE);
	assert_memory_equal(content_view(old, 0), "one", 3);
	content_unref(old);
}

/* cp -p, rsync and touch -r set the old time again; ctime cannot be set. */
static void
a_change_that_hides_its_time_is_seen(void **state)
{
	struct timespec times[2];
	struct stat st;

	keep("hidden", "one");
	assert_int_equal(stat(in_sandbox("hidden"), &st), 0);
	put_file("hidden", "two");
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, in_sandbox("hidden"), times, 0), 0);
	assert_says("hidden", "two");
}

static void
another_file_in_its_place_is_seen(void **state)
{
	keep("replaced", "one");
	put_file("other", "two");
	assert_int_equal(rename(in_sandbox("other"), in_sandbox("replaced")), 0);
	assert_says("replaced", "two");
}

static void
a_removed_file_is_gone(void **state)
{
	keep("removed", "one");
	assert_int_equal(unlink(in_sandbox("removed")), 0);
	assert_false(is_kept("removed"));
}

static void
an_unreadable_file_is_not_served(void **state)
{
	keep("locked", "one");
	assert_int_equal(chmod(in_sandbox("locked"), 0), 0);
	assert_false(is_kept("locked"));
}

static int
setup(void **state)
{
	if (make_sandbox(state) < 0)
		return -1;
	put_file("hidden", "one");
	put_file("replaced", "one");
	put_file("removed", "one");
	put_file("locked", "one");
	put_settled("settled", "one");
	return 0;
}

static int
clear(void **state)
{
	shelf_clear();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(kept_when_asked_for_twice, clear),
		cmocka_unit_test_setup(not_kept_when_just_written, clear),
		cmocka_unit_test_setup(a_change_is_seen_at_once, clear),
		cmocka_unit_test_setup(a_change_that_hides_its_time_is_seen, clear),
		cmocka_unit_test_setup(another_file_in_its_place_is_seen, clear),
		cmocka_unit_test_setup(a_removed_file_is_gone, clear),
		cmocka_unit_test_setup(an_unreadable_file_is_not_served, clear),
	};

	return cmocka_run_group_tests(tests, setup, remove_sandbox);
}
