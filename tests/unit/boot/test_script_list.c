/* Whose script is which, out of a directory that changes or stays as it is. */
#define _GNU_SOURCE
#include "boot/sandbox.h"

#include <pthread.h>

#include "boot/script_list.h"

static struct machine_names
names(const char *mac, const char *uuid, const char *serial)
{
	struct machine_names m = {0};

	assert_true(mac_parse(mac, strlen(mac), &m.mac));
	m.has_uuid = uuid != NULL && uuid_parse(uuid, strlen(uuid), &m.uuid);
	snprintf(m.serial, sizeof(m.serial), "%s", serial ? serial : "");
	return m;
}

#define MAC "00-11-22-33-44-55"
#define UUID "4c4c4544-0042-3510-8054-b4c04f4d4e31"

static void
assert_script(const struct machine_names *m, const char *file)
{
	char found[256] = "";

	assert_int_equal(machine_script_find(sandbox, m, found), file != NULL);
	assert_string_equal(found, file ? file : "");
}

/* So long that a list of the directory may be kept; its times cannot be made up. */
static void
settle(void)
{
	sleep(5);
}

static void
in_the_order_of_preference(void **state)
{
	struct machine_names m = names(MAC, UUID, "B5T4 MN1"),
			     other = names("02:00:00:00:00:01", NULL, NULL);

	assert_script(&m, NULL);
	put_file("default.ipxe", "");
	assert_script(&m, "default.ipxe");
	put_file("b5t4 mn1.IPXE", "");
	assert_script(&m, "b5t4 mn1.IPXE");
	put_file("4C4C4544004235108054B4C04F4D4E31.ipxe", "");
	assert_script(&m, "4C4C4544004235108054B4C04F4D4E31.ipxe");
	m.uuid = uuid_swapped(&m.uuid); /* as firmware spells it */
	assert_script(&m, "4C4C4544004235108054B4C04F4D4E31.ipxe");
	put_file("0011.2233.4455.ipxe", "");
	assert_script(&m, "0011.2233.4455.ipxe");
	put_file("00-11-22-33-44-55.ipxe", ""); /* two spellings: by byte order */
	assert_script(&m, "00-11-22-33-44-55.ipxe");
	put_file("00-11-22-33-44-55.txt", "");
	put_file(".ipxe", "");
	assert_script(&other, "default.ipxe");
}

/* Every change is seen at once, and what did not change is found again and again. */
static void
changes_are_seen(void **state)
{
	struct machine_names m = names("02-00-00-00-00-77", NULL, NULL);
	char name[64];

	settle();
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "02%c00%c00%c00%c00%c77.ipxe", "-:"[i % 2],
			"-:"[i % 2], "-:"[i % 2], "-:"[i % 2], "-:"[i % 2]);
		assert_script(&m, "default.ipxe");
		put_file(name, "");
		assert_script(&m, name);
		assert_script(&m, name);
		assert_int_equal(unlink(in_sandbox(name)), 0);
	}
	assert_script(&m, "default.ipxe");
}

/* What is kept is asked, and still every change is seen. */
static void
a_list_is_kept(void **state)
{
	struct machine_names m = names("02-00-00-00-00-78", NULL, NULL);

	settle();
	for (int i = 0; i < 3; i++)
		assert_script(&m, "default.ipxe");
	put_file("020000000078.ipxe", "");
	assert_script(&m, "020000000078.ipxe");
	assert_int_equal(rename(in_sandbox("020000000078.ipxe"),
				 in_sandbox("02-00-00-00-00-78.ipxe")),
		0);
	assert_script(&m, "02-00-00-00-00-78.ipxe");
}

static void
another_directory_is_another_list(void **state)
{
	struct machine_names m = names(MAC, NULL, NULL);
	char found[256] = "";

	assert_script(&m, "00-11-22-33-44-55.ipxe");
	put_dir("empty");
	assert_false(machine_script_find(in_sandbox("empty"), &m, found));
	assert_false(machine_script_find(in_sandbox("not there"), &m, found));
	assert_script(&m, "00-11-22-33-44-55.ipxe");
}

/* How often the answers were wrong. */
static void *
ask_on_and_on(void *arg)
{
	struct machine_names m = names(MAC, NULL, NULL);
	char found[256];
	size_t wrong = 0;

	for (int i = 0; i < 1000; i++)
		wrong += !machine_script_find(arg, &m, found) ||
			 strcmp(found, "00-11-22-33-44-55.ipxe") != 0;
	return (void *)wrong;
}

/* The list is asked, made anew and exchanged, by all at once. */
static void
threads_share_the_list(void **state)
{
	struct machine_names m = names("02-00-00-00-00-79", NULL, NULL);
	char dir[sizeof(sandbox)];
	pthread_t threads[4];
	void *wrong;

	strcpy(dir, sandbox);
	settle();
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, ask_on_and_on, dir), 0);
	for (int i = 0; i < 100; i++) {
		put_file("020000000079.ipxe", "");
		assert_script(&m, "020000000079.ipxe");
		assert_int_equal(unlink(in_sandbox("020000000079.ipxe")), 0);
		assert_script(&m, "default.ipxe");
	}
	for (size_t i = 0; i < COUNT(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_order_of_preference),
		cmocka_unit_test(changes_are_seen),
		cmocka_unit_test(a_list_is_kept),
		cmocka_unit_test(another_directory_is_another_list),
		cmocka_unit_test(threads_share_the_list),
	};

	return cmocka_run_group_tests_name(
		"script list", tests, make_sandbox, remove_sandbox);
}
