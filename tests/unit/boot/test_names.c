/* Names looked up in directories that change, or stay as they are and are kept. */
#define _GNU_SOURCE
#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

#include "boot/names.h"
#include "boot/tree.h"

static int
clear(void **state)
{
	names_clear();
	return 0;
}

/* So long that names may be kept; a directory's ctime cannot be made up. */
static void
settle(void)
{
	sleep(5);
}

static int
open_handle(const char *name)
{
	int fd = open(in_sandbox(name), O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* All spellings in their order, with a blank behind each. */
static void
assert_names(int dir, const char *part, const char *expected)
{
	char after[NAMES_PART] = "", found[NAMES_PART], all[1024] = "";

	while (names_next(dir, part, after, found)) {
		strcat(strcat(all, found), " ");
		strcpy(after, found);
	}
	assert_string_equal(all, expected);
}

/* Whether it answers where no directory can be opened: from what it keeps. */
static bool
is_kept(int dir, const char *part)
{
	struct rlimit was, none;
	char found[NAMES_PART];
	bool any;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	any = names_next(dir, part, "", found);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	return any;
}

static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* All the directories of which some are to be kept: so that one wait is enough. */
static int
make_dirs(void **state)
{
	static const char *const dirs[] = {
		"some", "busy", "two", "two/Boot", "two/boot", "many"};
	static const char *const files[] = {"some/bcd", "some/Bcd", "some/BCD",
		"some/Menu.ipxe", "some/menu_ipxe", "two/Boot/BCD", "two/boot/grub.cfg"};
	char name[32];
	int many;

	if (make_sandbox(state) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(dirs); i++)
		put_dir(dirs[i]);
	for (size_t i = 0; i < COUNT(files); i++)
		put_file(files[i], "");
	for (int i = 0; i <= NAMES_DIRS; i++) {
		snprintf(name, sizeof(name), "lru%d", i);
		put_dir(name);
		strcat(name, "/F");
		put_file(name, "");
	}
	many = open_handle("many");
	for (int i = 0; i <= NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "F%d", i);
		assert_int_equal(mknodat(many, name, S_IFREG | 0600, 0), 0);
	}
	close(many);
	return 0;
}

static const struct {
	const char *part, *names;
} table[] = {
	{"bcd", "BCD Bcd bcd "},
	{"BCD", "BCD Bcd bcd "},
	{"menu.ipxe", "Menu.ipxe "},
	{"MENU.IPXE", "Menu.ipxe "},
	{"menu.ipx", ""},
	{"menu.ipxee", ""},
	{"menu_ipxe", "menu_ipxe "},
	{"a", ""},
	{"zz", ""},
	{"", ""},
};

static void
assert_table(int dir)
{
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s\n", table[i].part);
		assert_names(dir, table[i].part, table[i].names);
	}
}

static void
the_same_read_or_kept(void **state)
{
	int dir = open_handle("some");

	put_file("some/menu.ipxe.new", "");
	assert_table(dir);
	assert_false(is_kept(dir, "bcd")); /* it has just changed */
	settle();
	assert_table(dir);
	assert_true(is_kept(dir, "bcd"));
	assert_table(dir);
	close(dir);
}

/* Each change is seen at once; it makes what is kept worth nothing. */
static void
changes_are_seen(void **state)
{
	int dir = open_handle("some");

	assert_names(dir, "menu.ipxe", "Menu.ipxe ");
	assert_true(is_kept(dir, "menu.ipxe"));
	put_file("some/MENU.ipxe", "");
	assert_names(dir, "menu.ipxe", "MENU.ipxe Menu.ipxe ");
	assert_false(is_kept(dir, "menu.ipxe"));
	settle();
	assert_names(dir, "menu.ipxe", "MENU.ipxe Menu.ipxe ");
	assert_true(is_kept(dir, "menu.ipxe"));
	assert_int_equal(unlink(in_sandbox("some/MENU.ipxe")), 0);
	assert_names(dir, "menu.ipxe", "Menu.ipxe ");
	settle();
	assert_names(dir, "menu.ipxe", "Menu.ipxe ");
	assert_int_equal(
		rename(in_sandbox("some/Menu.ipxe"), in_sandbox("some/mENU.ipxe")), 0);
	assert_names(dir, "menu.ipxe", "mENU.ipxe ");
	assert_names(dir, "zz", "");
	close(dir);
}

/* What is written and asked for in turn, faster than a directory's times can tell. */
static void
changes_in_one_tick(void **state)
{
	int dir = open_handle("busy");

	for (int i = 0; i < 500; i++) {
		assert_names(dir, "x", "");
		put_file("busy/X", "");
		assert_names(dir, "x", "X ");
		assert_int_equal(unlink(in_sandbox("busy/X")), 0);
	}
	close(dir);
}

/* A tree with a directory in two cases, asked for when both are kept. */
static void
two_cases_in_one_tree(void **state)
{
	struct stat st;
	int fd;

	for (int i = 0; i < 3; i++) {
		fd = tree_open(in_sandbox("two"), "boot/bcd", &st);
		assert_true(fd >= 0);
		close(fd);
		fd = tree_open(in_sandbox("two"), "BOOT/GRUB.CFG", &st);
		assert_true(fd >= 0);
		close(fd);
		assert_int_equal(tree_open(in_sandbox("two"), "boot/x", &st), -ENOENT);
	}
	assert_int_equal(unlink(in_sandbox("two/Boot/BCD")), 0);
	assert_int_equal(tree_open(in_sandbox("two"), "boot/bcd", &st), -ENOENT);
}

static void
the_least_recently_used_goes(void **state)
{
	int dirs[NAMES_DIRS + 1];
	unsigned before = descriptors();
	char name[32];

	for (size_t i = 0; i < COUNT(dirs); i++) {
		snprintf(name, sizeof(name), "lru%zu", i);
		dirs[i] = open_handle(name);
	}
	for (size_t i = 0; i < NAMES_DIRS; i++)
		assert_names(dirs[i], "f", "F ");
	for (size_t i = 0; i < NAMES_DIRS; i++)
		assert_true(is_kept(dirs[i], "f"));
	assert_names(dirs[0], "f", "F ");
	assert_names(dirs[NAMES_DIRS], "f", "F ");
	assert_true(is_kept(dirs[0], "f"));
	assert_false(is_kept(dirs[1], "f"));
	assert_true(is_kept(dirs[2], "f"));
	assert_true(is_kept(dirs[NAMES_DIRS], "f"));
	for (size_t i = 0; i < COUNT(dirs); i++)
		close(dirs[i]);
	assert_int_equal(descriptors(), before);
}

/* Whose names are not kept is read each time, and nothing else suffers. */
static void
too_many_names(void **state)
{
	int two = open_handle("two"), many = open_handle("many");

	assert_names(two, "boot", "Boot boot ");
	for (int i = 0; i < 2; i++) {
		assert_names(many, "f77", "F77 ");
		assert_names(many, "g", "");
		assert_false(is_kept(many, "f77"));
	}
	assert_true(is_kept(two, "boot"));
	close(many);
	close(two);
}

/* How often the answers were wrong. */
static void *
ask_on_and_on(void *arg)
{
	int some = *(int *)arg;
	char found[NAMES_PART];
	size_t wrong = 0;

	for (int i = 0; i < 2000; i++) {
		wrong += !names_next(some, "bCD", "", found) || strcmp(found, "BCD") != 0;
		wrong += names_next(some, "zz", "", found);
	}
	return (void *)wrong;
}

static void *
change_and_ask(void *arg)
{
	int dir = *(int *)arg;
	char found[NAMES_PART];
	size_t wrong = 0;

	for (int i = 0; i < 500; i++) {
		wrong += mknodat(dir, "New", S_IFREG | 0600, 0) < 0;
		wrong += !names_next(dir, "new", "", found);
		wrong += unlinkat(dir, "New", 0) < 0;
		wrong += names_next(dir, "new", "", found);
	}
	return (void *)wrong;
}

static void
threads_ask_and_change(void **state)
{
	int some = open_handle("some"), busy = open_handle("busy");
	unsigned before = descriptors();
	pthread_t threads[4];

	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
					 i == 0 ? change_and_ask : ask_on_and_on,
					 i == 0 ? &busy : &some),
			0);
	for (int i = 0; i < 100; i++) {
		names_clear();
		usleep(1000);
	}
	for (size_t i = 0; i < COUNT(threads); i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(descriptors(), before);
	close(some);
	close(busy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_read_or_kept),
		cmocka_unit_test(changes_are_seen),
		cmocka_unit_test(changes_in_one_tick),
		cmocka_unit_test(two_cases_in_one_tree),
		cmocka_unit_test_setup(the_least_recently_used_goes, clear),
		cmocka_unit_test_setup(too_many_names, clear),
		cmocka_unit_test_setup(threads_ask_and_change, clear),
	};

	return cmocka_run_group_tests_name("names", tests, make_dirs, remove_sandbox);
}
