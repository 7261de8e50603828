#include "sandbox.h"

#include <errno.h>

#include "boot/content.h"

static struct content *
open_content(const char *name)
{
	struct stat st;
	int fd = open(in_sandbox(name), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	return content_file(fd, &st, content_type_of(name));
}

static void
memory_and_file_read_alike(void **state)
{
	struct content *c[2];
	char buf[4];
	uint64_t base;

	put_file("f.txt", "0123456789");
	c[0] = content_static("0123456789", 10, "text/plain", "tag", 0);
	c[1] = open_content("f.txt");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(content_size(c[i]), 10);
		assert_int_equal(content_read(c[i], 3, buf, 4), 0);
		assert_memory_equal(buf, "3456", 4);
		assert_int_equal(content_check(c[i]), 0);
	}
	assert_string_equal(content_etag(c[0]), "\"tag\"");
	assert_memory_equal(content_view(c[0], 9), "9", 1);
	assert_null(content_view(c[1], 0));
	assert_int_equal(content_fd(c[0], &base), -1);
	assert_true(content_fd(c[1], &base) >= 0);
	assert_int_equal(content_mtime(c[0]), 0);
	assert_true(content_mtime(c[1]) > 0);
	content_unref(c[0]);
	content_unref(c[1]);
}

#define LONG 300003
#define READERS 40 /* more than are read ahead for */

/* In sequence, back, across, at random, by many at once: always the file's bytes. */
static void
small_reads_in_any_order(void **state)
{
	static char text[LONG + 1];
	struct content *c[READERS];
	size_t at[READERS] = {0};
	char buf[2000];

	srand(2);
	for (size_t i = 0; i < LONG; i++)
		text[i] = (char)('a' + rand() % 26);
	put_file("long", text);
	for (int i = 0; i < READERS; i++)
		c[i] = open_content("long");
	for (int n = 0; n < 20000; n++) {
		int i = rand() % READERS;
		size_t len = 1 + (size_t)rand() % sizeof(buf);

		if (rand() % 20 == 0 || at[i] == LONG)
			at[i] = (size_t)rand() % LONG;
		if (len > LONG - at[i])
			len = LONG - at[i];
		assert_int_equal(content_read(c[i], at[i], buf, len), 0);
		assert_memory_equal(buf, text + at[i], len);
		at[i] += len;
	}
	for (int i = 0; i < READERS; i++)
		content_unref(c[i]);
}

static void
a_file_cut_short_is_stale(void **state)
{
	struct content *c;
	char buf[10];

	put_file("f", "0123456789");
	c = open_content("f");
	assert_int_equal(truncate(in_sandbox("f"), 5), 0);
	assert_int_equal(content_read(c, 0, buf, 10), -ESTALE);
	assert_int_equal(content_check(c), -ESTALE);
	content_unref(c);
}

static void
a_file_rewritten_in_place_is_stale(void **state)
{
	struct timespec times[2] = {{1, 0}, {1, 0}};
	struct content *c;

	put_file("f", "0123456789");
	c = open_content("f");
	assert_int_equal(utimensat(AT_FDCWD, in_sandbox("f"), times, 0), 0);
	assert_int_equal(content_check(c), -ESTALE);
	content_unref(c);
}

/* chmod, ln, the atomic update by mv, rm: what is open stays as it was. */
static void
a_file_that_others_name_otherwise_is_not_stale(void **state)
{
	struct content *c;
	char buf[10];

	put_file("f", "0123456789");
	put_file("g", "abcdefghij");
	c = open_content("f");
	assert_int_equal(chmod(in_sandbox("f"), 0600), 0);
	assert_int_equal(content_check(c), 0);
	assert_int_equal(link(in_sandbox("f"), in_sandbox("h")), 0);
	assert_int_equal(content_check(c), 0);
	assert_int_equal(rename(in_sandbox("g"), in_sandbox("f")), 0);
	assert_int_equal(content_check(c), 0);
	assert_int_equal(unlink(in_sandbox("h")), 0);
	assert_int_equal(content_check(c), 0);
	assert_int_equal(content_read(c, 0, buf, 10), 0);
	assert_memory_equal(buf, "0123456789", 10);
	content_unref(c);
}

static void
etags_differ_when_bytes_or_times_do(void **state)
{
	struct content *a = content_owned(strdup("abc"), 3, "t"),
		       *b = content_owned(strdup("abd"), 3, "t"),
		       *same = content_owned(strdup("abc"), 3, "t"), *f, *g;
	struct timespec times[2] = {{1, 0}, {1, 1}};

	assert_string_not_equal(content_etag(a), content_etag(b));
	assert_string_equal(content_etag(a), content_etag(same));
	put_file("f", "x");
	f = open_content("f");
	assert_int_equal(utimensat(AT_FDCWD, in_sandbox("f"), times, 0), 0);
	g = open_content("f");
	assert_string_not_equal(content_etag(f), content_etag(g));
	content_unref(a);
	content_unref(b);
	content_unref(same);
	content_unref(f);
	content_unref(g);
}

static void
the_last_reference_closes(void **state)
{
	struct content *c;
	uint64_t base;
	int fd;

	put_file("f", "x");
	c = open_content("f");
	fd = content_fd(c, &base);
	assert_ptr_equal(content_ref(c), c);
	content_unref(c);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	content_unref(c);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	content_unref(NULL);
}

/* HttpBootSupport.c compares the whole value. */
static void
edk2_content_types_have_no_parameters(void **state)
{
	assert_string_equal(content_type_of("snponly64.efi"), "application/efi");
	assert_string_equal(content_type_of("BOOTX64.EFI"), "application/efi");
	assert_string_equal(content_type_of("x.iso"), "application/vnd.efi-iso");
	assert_string_equal(content_type_of("x.img"), "application/vnd.efi-img");
	assert_string_equal(content_type_of("vmlinuz"), "application/octet-stream");
	assert_string_equal(content_type_of("chain.ipxe"), "text/plain; charset=utf-8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_and_file_read_alike),
		cmocka_unit_test(small_reads_in_any_order),
		cmocka_unit_test(a_file_cut_short_is_stale),
		cmocka_unit_test(a_file_rewritten_in_place_is_stale),
		cmocka_unit_test(a_file_that_others_name_otherwise_is_not_stale),
		cmocka_unit_test(etags_differ_when_bytes_or_times_do),
		cmocka_unit_test(the_last_reference_closes),
		cmocka_unit_test(edk2_content_types_have_no_parameters),
	};

	return cmocka_run_group_tests(tests, make_sandbox, remove_sandbox);
}
