#include "unit.h"

#include "boot/identify.h"

static void
a_machine_is_named_by_the_mac_it_asks_for(void **state)
{
	static const char *const names[] = {"ipxe/00-11-22-AA-BB-CC.ipxe",
		"ipxe/00:11:22:aa:bb:cc.ipxe", "001122aabbcc.ipxe",
		"extra/pxelinux.cfg/01-00-11-22-aa-bb-cc",
		"grub/grub.cfg-01-00-11-22-aa-bb-cc"};

	for (size_t i = 0; i < COUNT(names); i++) {
		struct who who = {.label = "192.0.2.1"};

		print_message("# %s\n", names[i]);
		identify_by_name(&who, names[i]);
		assert_true(who.has_mac);
		assert_string_equal(who.label, "00-11-22-aa-bb-cc");
	}
}

static void
another_name_changes_nothing(void **state)
{
	struct who who = {.label = "00-00-00-00-00-01",
		.has_mac = true,
		.mac = {{0, 0, 0, 0, 0, 1}}};

	identify_by_name(&who, "ipxe/00-11-22-33-44-5x.ipxe");
	identify_by_name(&who, "vmlinuz");
	identify_by_name(&who, "");
	assert_string_equal(who.label, "00-00-00-00-00-01");
	assert_int_equal(who.mac.b[5], 1);
	assert_int_equal(who.mac.b[1], 0);
}

static void
loopback_is_named_by_its_address(void **state)
{
	struct netaddr peer;
	struct who who;

	assert_true(netaddr_parse_host("127.0.0.1", &peer));
	identify(&who, &peer, 0);
	assert_false(who.has_mac);
	assert_string_equal(who.label, "127.0.0.1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_is_named_by_the_mac_it_asks_for),
		cmocka_unit_test(another_name_changes_nothing),
		cmocka_unit_test(loopback_is_named_by_its_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
