#include "unit.h"

#include "boot/name.h"

static void
names_are_made_canonical(void **state)
{
	static const struct {
		const char *raw, *clean; /* NULL: refused */
	} table[] = {
		{"undionly.kpxe", "undionly.kpxe"},
		{"/undionly.kpxe", "undionly.kpxe"},
		{"//ipxe///a.ipxe", "ipxe/a.ipxe"},
		{"./ipxe/./a.ipxe/", "ipxe/a.ipxe"},
		{"\\Boot\\BCD", "Boot/BCD"},
		{"a b.ipxe", "a b.ipxe"},
		{"f\xc3\xbc.ipxe", "f\xc3\xbc.ipxe"},
		{"...", "..."},
		{"a..b", "a..b"},
		{"", ""},
		{"/", ""},
		{"..", NULL},
		{"../etc/passwd", NULL},
		{"ipxe/../../etc/passwd", NULL},
		{"ipxe\\..\\..\\x", NULL},
		{"a/..", NULL},
		{"a\nb", NULL},
		{"a\x7f"
		 "b",
			NULL},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char out[NAME_MAX_BYTES];
		const char *why;
		bool ok = name_clean(table[i].raw, strlen(table[i].raw), out, &why);

		print_message("# row %zu\n", i);
		assert_int_equal(ok, table[i].clean != NULL);
		if (ok)
			assert_string_equal(out, table[i].clean);
		else
			assert_non_null(why);
	}
}

/* netboot.xyz#1198, novaboot#9: the reader ran past option 67 into 0xFF END. */
static void
pxe_rom_with_0xff_behind_the_name(void **state)
{
	char out[NAME_MAX_BYTES];
	const char *why;

	assert_true(name_clean("undionly.kpxe\xff", 14, out, &why));
	assert_string_equal(out, "undionly.kpxe");
	assert_true(name_clean("undionly.kpxe\xff\x01\x00\xff", 17, out, &why));
	assert_string_equal(out, "undionly.kpxe");
}

/* Found by the fuzzer: the tail ends where cleaning once more finds none. */
static void
a_tail_behind_slashes_and_dots_goes_too(void **state)
{
	static const char *const raws[] = {
		"a\xff//", "a\xff/.", "a/.\xff\\./", "a\xff/./\xff\x01/"};
	char out[NAME_MAX_BYTES];
	const char *why;

	for (size_t i = 0; i < COUNT(raws); i++) {
		assert_true(name_clean(raws[i], strlen(raws[i]), out, &why));
		assert_string_equal(out, "a");
	}
	assert_false(name_clean("..\xff/.", 5, out, &why));
	assert_true(name_clean(".\xff", 2, out, &why));
	assert_string_equal(out, "");
}

static void
a_nul_inside_is_refused(void **state)
{
	char out[NAME_MAX_BYTES];
	const char *why;

	assert_false(name_clean("ipxe/a\0b.ipxe", 13, out, &why));
}

static void
names_too_long_are_refused(void **state)
{
	char raw[3000], out[NAME_MAX_BYTES];
	const char *why;

	memset(raw, 'a', sizeof(raw));
	assert_true(name_clean(raw, 255, out, &why));
	assert_false(name_clean(raw, 256, out, &why));
	for (size_t i = 99; i < sizeof(raw); i += 100)
		raw[i] = '/';
	assert_true(name_clean(raw, 1000, out, &why));
	assert_false(name_clean(raw, 1100, out, &why));
	assert_false(name_clean(raw, sizeof(raw), out, &why));
}

static void
values_from_a_query(void **state)
{
	char buf[16];

	assert_true(name_from_query("uuid=1&serial=A%20B", "serial", buf, sizeof(buf)));
	assert_string_equal(buf, "A B");
	assert_true(name_from_query("uuid=1&serial=x", "uuid", buf, sizeof(buf)));
	assert_string_equal(buf, "1");
	assert_false(name_from_query("xuuid=1", "uuid", buf, sizeof(buf)));
	assert_false(name_from_query("uuid=", "uuid", buf, sizeof(buf)));
	assert_false(name_from_query("", "uuid", buf, sizeof(buf)));
	assert_false(name_from_query("s=a%2fb", "s", buf, sizeof(buf)));
	assert_false(name_from_query("s=a/b", "s", buf, sizeof(buf)));
	assert_false(name_from_query("s=a%00b", "s", buf, sizeof(buf)));
	assert_false(name_from_query("s=a%4", "s", buf, sizeof(buf)));
	assert_false(name_from_query("s=a%zz", "s", buf, sizeof(buf)));
	assert_false(name_from_query("s=0123456789abcdef", "s", buf, sizeof(buf)));
	assert_true(name_from_query("s=0123456789abcde", "s", buf, sizeof(buf)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_made_canonical),
		cmocka_unit_test(pxe_rom_with_0xff_behind_the_name),
		cmocka_unit_test(a_tail_behind_slashes_and_dots_goes_too),
		cmocka_unit_test(a_nul_inside_is_refused),
		cmocka_unit_test(names_too_long_are_refused),
		cmocka_unit_test(values_from_a_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
