/* What is kept of small files, and above all when it is not used. */
#include "sandbox.h"

#include <pthread.h>
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
	assert_int_equal(content_check(old), 0); /* all of it is the one version */
	assert_memory_equal(content_view(old, 0), "one", 3);
	content_unref(old);
}

/* GRUB and Windows ask for names in their own case: no file has that path. */
static void
a_name_in_another_case_is_served_and_not_kept(void **state)
{
	put_settled("grub.cfg", "one");
	for (int i = 0; i < 4; i++)
		assert_says("GRUB.CFG", "one");
	assert_false(is_kept("GRUB.CFG"));
	keep("grub.cfg", "one");
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

/* Large files, kept open. */

#define LARGE (SHELF_FILE_MAX + 4096)

static void
put_large(const char *name, char fill)
{
	int fd = open(in_sandbox(name), O_WRONLY | O_CREAT, 0644);

	assert_int_equal(ftruncate(fd, LARGE), 0);
	assert_int_equal(pwrite(fd, &fill, 1, 0), 1);
	close(fd);
}

static unsigned
descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
assert_begins(const char *name, char first)
{
	struct content *c = open_named(name);
	char got;

	assert_int_equal(content_size(c), LARGE);
	assert_int_equal(content_read(c, 0, &got, 1), 0);
	assert_int_equal(got, first);
	content_unref(c);
}

static void
a_large_file_stays_open(void **state)
{
	unsigned before = descriptors();
	struct content *c, *other;
	uint64_t base;
	int fd;

	put_large("iso", 'a');
	c = open_named("iso");
	fd = content_fd(c, &base);
	assert_null(shelf_find(sandbox, "iso")); /* one user at a time */
	other = open_named("iso");
	assert_int_not_equal(content_fd(other, &base), fd);
	content_unref(c);
	content_unref(other);
	assert_int_equal(descriptors(), before + 1);
	c = shelf_find(sandbox, "iso");
	assert_non_null(c);
	assert_int_equal(content_fd(c, &base), fd);
	content_ref(c);
	content_unref(c);
	assert_null(shelf_find(sandbox, "iso"));
	content_unref(c);
	shelf_clear();
	assert_int_equal(descriptors(), before);
}

static void
write_over(void)
{
	put_large("iso", 'b');
}

static void
replace(void)
{
	put_large("new", 'b');
	assert_int_equal(rename(in_sandbox("new"), in_sandbox("iso")), 0);
}

static void
remove_and_make(void)
{
	assert_int_equal(unlink(in_sandbox("iso")), 0);
	put_large("iso", 'b');
}

static void
a_changed_file_is_opened_again(void **state)
{
	static void (*const changes[])(void) = {write_over, replace, remove_and_make};

	for (size_t i = 0; i < COUNT(changes); i++) {
		unsigned before = descriptors();

		put_large("iso", 'a');
		assert_begins("iso", 'a');
		usleep(20000); /* past the clock tick of the kernel's file times */
		changes[i]();
		assert_null(shelf_find(sandbox, "iso"));
		assert_int_equal(descriptors(), before); /* and the old one is closed */
		assert_begins("iso", 'b');
		shelf_clear();
	}
}

static void
a_file_cut_short_or_gone_is_not_kept(void **state)
{
	unsigned before = descriptors();

	put_large("iso", 'a');
	assert_begins("iso", 'a');
	assert_int_equal(truncate(in_sandbox("iso"), 10), 0);
	assert_null(shelf_find(sandbox, "iso"));
	put_large("iso", 'a');
	assert_begins("iso", 'a');
	assert_int_equal(unlink(in_sandbox("iso")), 0);
	assert_null(shelf_find(sandbox, "iso"));
	assert_int_equal(descriptors(), before);
}

/* Two periods without a request: it may be removed, its file system unmounted. */
static void
idle_files_are_closed(void **state)
{
	unsigned before = descriptors();
	struct content *c;

	put_large("iso", 'a');
	assert_begins("iso", 'a');
	for (int i = 0; i < 5; i++) {
		shelf_tidy();
		assert_true(is_kept("iso")); /* used, and so kept on */
	}
	shelf_tidy();
	shelf_tidy();
	assert_false(is_kept("iso"));
	assert_int_equal(descriptors(), before);
	c = open_named("iso");
	shelf_tidy();
	shelf_tidy();
	assert_int_equal(content_check(c), 0); /* not what is in use */
	content_unref(c);
	shelf_clear();
}

static void
only_so_many_files_are_open(void **state)
{
	unsigned before = descriptors();
	char name[16];

	for (int i = 0; i < 3 * SHELF_OPEN_MAX; i++) {
		snprintf(name, sizeof(name), "iso%d", i);
		put_large(name, 'a');
		assert_begins(name, 'a');
	}
	assert_in_range(
		descriptors(), before + SHELF_OPEN_MAX / 2, before + SHELF_OPEN_MAX);
	shelf_clear();
	assert_int_equal(descriptors(), before);
	for (int i = 0; i < SHELF_OPEN_MAX; i++) { /* all of it can be used again */
		snprintf(name, sizeof(name), "iso%d", i);
		assert_begins(name, 'a');
	}
	assert_in_range(
		descriptors(), before + SHELF_OPEN_MAX / 2, before + SHELF_OPEN_MAX);
	shelf_clear();
}

static void *
ask_on_and_on(void *arg)
{
	for (int i = 0; i < 3000; i++)
		assert_begins("iso", 'a');
	return NULL;
}

static void
threads_share_the_shelf(void **state)
{
	unsigned before = descriptors();
	pthread_t threads[4];

	put_large("iso", 'a');
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, ask_on_and_on, NULL), 0);
	for (int i = 0; i < 100; i++) {
		shelf_tidy();
		usleep(1000);
	}
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	shelf_clear();
	assert_int_equal(descriptors(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(kept_when_asked_for_twice, clear),
		cmocka_unit_test_setup(not_kept_when_just_written, clear),
		cmocka_unit_test_setup(a_change_is_seen_at_once, clear),
		cmocka_unit_test_setup(
			a_name_in_another_case_is_served_and_not_kept, clear),
		cmocka_unit_test_setup(a_change_that_hides_its_time_is_seen, clear),
		cmocka_unit_test_setup(another_file_in_its_place_is_seen, clear),
		cmocka_unit_test_setup(a_removed_file_is_gone, clear),
		cmocka_unit_test_setup(an_unreadable_file_is_not_served, clear),
		cmocka_unit_test_setup(a_large_file_stays_open, clear),
		cmocka_unit_test_setup(a_changed_file_is_opened_again, clear),
		cmocka_unit_test_setup(a_file_cut_short_or_gone_is_not_kept, clear),
		cmocka_unit_test_setup(idle_files_are_closed, clear),
		cmocka_unit_test_setup(only_so_many_files_are_open, clear),
		cmocka_unit_test_setup(threads_share_the_shelf, clear),
	};

	return cmocka_run_group_tests(tests, setup, remove_sandbox);
}
