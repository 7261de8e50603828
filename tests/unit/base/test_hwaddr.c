#include "unit.h"

#include "base/hwaddr.h"

static const char mac_bytes[] = "\x00\x11\x22\xaa\xbb\xcc";

static void
a_mac_in_every_spelling(void **state)
{
	static const char *const spellings[] = {"00-11-22-aa-bb-cc", "00:11:22:AA:BB:CC",
		"00.11.22.aA.Bb.cC", "001122aabbcc", "001122AABBCC", "0011.22aa.bbcc"};

	for (size_t i = 0; i < COUNT(spellings); i++) {
		struct mac mac;

		print_message("# %s\n", spellings[i]);
		assert_true(mac_parse(spellings[i], strlen(spellings[i]), &mac));
		assert_memory_equal(mac.b, mac_bytes, 6);
	}
}

static void
what_is_no_mac(void **state)
{
	static const char *const others[] = {"", "00-11-22-aa-bb", "00-11-22-aa-bb-cg",
		"00-11:22-aa-bb-cc", "0-011-22-aa-bb-cc", "00-11-22-aa-bb-cc-dd",
		"default", "00112-2aabbcc", "------------", "0011.22aa-bbcc",
		"00 11 22 aa bb cc"};
	struct mac mac;

	for (size_t i = 0; i < COUNT(others); i++) {
		print_message("# %s\n", others[i]);
		assert_false(mac_parse(others[i], strlen(others[i]), &mac));
	}
}

static void
a_mac_is_written_as_ipxe_hexhyp_does(void **state)
{
	struct mac mac;
	char buf[MAC_TEXT];

	memcpy(mac.b, mac_bytes, 6);
	assert_string_equal(mac_text(&mac, buf), "00-11-22-aa-bb-cc");
}

static void
a_uuid_in_every_spelling(void **state)
{
	static const char *const spellings[] = {"4c4c4544-0044-4810-8031-b4c04f4a3832",
		"4C4C4544-0044-4810-8031-B4C04F4A3832",
		"{4c4c4544-0044-4810-8031-b4c04f4a3832}",
		"4c4c4544004448108031b4c04f4a3832"};
	char buf[UUID_TEXT];

	for (size_t i = 0; i < COUNT(spellings); i++) {
		struct uuid uuid;

		print_message("# %s\n", spellings[i]);
		assert_true(uuid_parse(spellings[i], strlen(spellings[i]), &uuid));
		assert_string_equal(uuid_text(&uuid, buf), spellings[0]);
		uuid = uuid_swapped(&uuid);
		assert_string_equal(
			uuid_text(&uuid, buf), "44454c4c-4400-1048-8031-b4c04f4a3832");
	}
}

static void
what_is_no_uuid(void **state)
{
	static const char *const others[] = {"", "4c4c4544-0044-4810-8031-b4c04f4a383",
		"4c4c45440-044-4810-8031-b4c04f4a3832",
		"4c4c4544-0044-4810-8031-b4c04f4a383g",
		"{4c4c4544-0044-4810-8031-b4c04f4a3832",
		"4c4c4544-0044-4810-8031-b4c04f4a38323"};
	struct uuid uuid;

	for (size_t i = 0; i < COUNT(others); i++) {
		print_message("# %s\n", others[i]);
		assert_false(uuid_parse(others[i], strlen(others[i]), &uuid));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mac_in_every_spelling),
		cmocka_unit_test(what_is_no_mac),
		cmocka_unit_test(a_mac_is_written_as_ipxe_hexhyp_does),
		cmocka_unit_test(a_uuid_in_every_spelling),
		cmocka_unit_test(what_is_no_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
