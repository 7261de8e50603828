#include "sandbox.h"

#include <errno.h>

#include "boot/secret.h"
#include "boot/tree.h"

static int
setup(void **state)
{
	if (make_sandbox(state) < 0)
		return -1;
	put_file("secret", "outside");
	put_dir("outside");
	put_file("outside/kernel", "linked kernel");
	put_dir("tree");
	put_file("tree/a.ipxe", "a");
	put_dir("tree/Boot");
	put_file("tree/Boot/BCD", "bcd");
	put_link("tree/inside", "a.ipxe");
	put_link("tree/relative", "../outside/kernel");
	put_link("tree/absolute", in_sandbox("outside"));
	put_link("tree/dangling", "nowhere");
	put_link("tree/loop", "loop");
	return mkfifo(in_sandbox("tree/fifo"), 0644);
}

/* What the file holds, or the errno of opening it. */
static int
get(const char *name, char buf[static 64])
{
	struct stat st;
	int fd = tree_open(in_sandbox("tree"), name, &st);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = S_ISDIR(st.st_mode) ? snprintf(buf, 64, "dir") : read(fd, buf, 63);
	close(fd);
	assert_true(n >= 0);
	buf[n] = '\0';
	return 0;
}

static void
what_is_served_and_what_is_not(void **state)
{
	static const struct {
		const char *name, *text;
		int err;
	} table[] = {
		{"", "dir", 0},
		{"a.ipxe", "a", 0},
		{"Boot/BCD", "bcd", 0},
		{"Boot", "dir", 0},
		{"inside", "a", 0},
		/* links the admin placed lead where they lead */
		{"relative", "linked kernel", 0},
		{"absolute/kernel", "linked kernel", 0},
		{"absolute", "dir", 0},
		{"nothing", NULL, -ENOENT},
		{"nothing/below", NULL, -ENOENT},
		{"dangling", NULL, -ENOENT},
		{"loop", NULL, -ELOOP},
		{"a.ipxe/x", NULL, -ENOTDIR},
		{"fifo", NULL, -EINVAL},
		/* name_clean() lets none of these through; the kernel would not either */
		{"../secret", NULL, -EXDEV},
		{"Boot/../../secret", NULL, -EXDEV},
		{"absolute/../secret", NULL, -EXDEV},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char buf[64];

		print_message("# %s\n", table[i].name);
		assert_int_equal(get(table[i].name, buf), table[i].err);
		if (table[i].text)
			assert_string_equal(buf, table[i].text);
	}
}

/* windows-itpro-docs#5121: bootmgr asks for \Boot\BCD whatever the medium says. */
static void
windows_bootmgr_wrong_case(void **state)
{
	char buf[64];

	assert_int_equal(get("boot/bcd", buf), 0);
	assert_string_equal(buf, "bcd");
	assert_int_equal(get("A.IPXE", buf), 0);
	assert_int_equal(get("ABSOLUTE/KERNEL", buf), 0);
	assert_string_equal(buf, "linked kernel");
}

/* A dead end in the right case must not hide the file in the other one. */
static void
a_directory_in_two_cases(void **state)
{
	char buf[64];

	put_dir("tree/boot");
	put_file("tree/boot/grub.cfg", "grub");
	assert_int_equal(get("boot/bcd", buf), 0);
	assert_string_equal(buf, "bcd");
	assert_int_equal(get("BOOT/GRUB.CFG", buf), 0);
	assert_string_equal(buf, "grub");
	assert_int_equal(get("BOOT/nothing", buf), -ENOENT);
	assert_int_equal(unlink(in_sandbox("tree/boot/grub.cfg")), 0);
	assert_int_equal(rmdir(in_sandbox("tree/boot")), 0);
}

static void
the_exact_case_wins(void **state)
{
	char buf[64];

	put_file("tree/A.ipxe", "capital");
	assert_int_equal(get("a.ipxe", buf), 0);
	assert_string_equal(buf, "a");
	assert_int_equal(get("A.ipxe", buf), 0);
	assert_string_equal(buf, "capital");
	assert_int_equal(unlink(in_sandbox("tree/A.ipxe")), 0);
}

static void
a_replaced_directory_is_seen(void **state)
{
	char buf[64];

	assert_int_equal(rename(in_sandbox("tree"), in_sandbox("old")), 0);
	assert_int_equal(get("a.ipxe", buf), -ENOENT);
	put_dir("tree");
	put_file("tree/a.ipxe", "new");
	assert_int_equal(get("a.ipxe", buf), 0);
	assert_string_equal(buf, "new");
	assert_int_equal(unlink(in_sandbox("tree/a.ipxe")), 0);
	assert_int_equal(rmdir(in_sandbox("tree")), 0);
	assert_int_equal(rename(in_sandbox("old"), in_sandbox("tree")), 0);
}

/* The file that has the path at the time, under whatever name. */
static void
a_secret_is_served_under_no_name(void **state)
{
	char path[128], buf[64];

	strcpy(path, in_sandbox("secret"));
	put_link("tree/soft", path);
	assert_int_equal(link(path, in_sandbox("tree/hard")), 0);
	assert_int_equal(get("soft", buf), 0);
	secret_keep_token(path);
	assert_int_equal(get("soft", buf), -EACCES);
	assert_int_equal(get("hard", buf), -EACCES);
	assert_int_equal(get("HARD", buf), -EACCES);
	assert_int_equal(get("a.ipxe", buf), 0);
	assert_int_equal(unlink(path), 0);
	put_file("secret", "another");
	assert_int_equal(get("soft", buf), -EACCES);
	assert_int_equal(get("hard", buf), 0); /* it is no token any more */
	secret_keep_token(NULL);
	assert_int_equal(get("soft", buf), 0);
	assert_int_equal(unlink(in_sandbox("tree/soft")), 0);
	assert_int_equal(unlink(in_sandbox("tree/hard")), 0);
}

static void
this_kernel_can(void **state)
{
	assert_true(tree_supported());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_kernel_can),
		cmocka_unit_test(what_is_served_and_what_is_not),
		cmocka_unit_test(windows_bootmgr_wrong_case),
		cmocka_unit_test(a_directory_in_two_cases),
		cmocka_unit_test(the_exact_case_wins),
		cmocka_unit_test(a_replaced_directory_is_seen),
		cmocka_unit_test(a_secret_is_served_under_no_name),
	};

	return cmocka_run_group_tests(tests, setup, remove_sandbox);
}
