/* What iPXE says of itself in a query, and what the registry is told of it. */
#include "unit.h"

#include "boot/tell.h"

static void
ask(struct teller *t, const char *query)
{
	static const struct who nobody;
	static const struct netaddr nowhere;

	teller_init(t, &nobody, &nowhere);
	teller_query(t, query);
}

static void
test_all_that_ipxe_knows(void **state)
{
	struct teller t;
	char text[UUID_TEXT];

	(void)state;
	ask(&t, "mac=52-54-00-70-78-01&uuid=4c4c4544-0042-3510-8052-b4c04f4d3732"
		"&serial=AB%2F12&manufacturer=Dell%20Inc.&product=PowerEdge%20R640"
		"&buildarch=x86_64&platform=efi&version=1.21.1%2B%20(g1a2b3c)");
	assert_true(t.who.has_mac && t.who.mac_in_name && t.by_menu);
	assert_string_equal(mac_text(&t.who.mac, text), "52-54-00-70-78-01");
	assert_true(t.who.has_uuid);
	assert_string_equal(
		uuid_text(&t.who.uuid, text), "4c4c4544-0042-3510-8052-b4c04f4d3732");
	assert_string_equal(t.who.serial, "AB/12");
	assert_string_equal(t.who.vendor, "Dell Inc.");
	assert_string_equal(t.who.product, "PowerEdge R640");
	assert_int_equal(t.who.arch, 7);
	assert_string_equal(t.who.firmware, "iPXE 1.21.1+ (g1a2b3c)");
}

/* As an iPXE sends it that does not have these settings, or a machine that has none. */
static void
test_nothing_known(void **state)
{
	static const char *const queries[] = {"",
		"mac=&uuid=&serial=&manufacturer=&product=&buildarch=&platform=&version=",
		"mac=52-54&uuid=4c4c4544&serial&=", "mac=52-54-00-70-78-0g&serial=%2"};
	struct teller t;

	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		ask(&t, queries[i]);
		assert_false(t.who.has_mac || t.who.mac_in_name || t.who.has_uuid ||
			     t.by_menu);
		assert_int_equal(t.who.arch, -1);
		assert_null(t.who.serial);
		assert_null(t.who.vendor);
		assert_null(t.who.product);
		assert_null(t.who.firmware);
	}
}

static void
test_architectures(void **state)
{
	static const struct {
		const char *query;
		int arch;
	} rows[] = {{"buildarch=i386&platform=pcbios", 0},
		{"buildarch=x86_64&platform=pcbios", 0},
		{"buildarch=i386&platform=efi", 6}, {"buildarch=arm64&platform=efi", 11},
		{"buildarch=arm32&platform=efi", 10},
		{"buildarch=riscv64&platform=efi", 27},
		{"buildarch=loong64&platform=efi", 39},
		{"buildarch=vax&platform=efi", -1}, {"buildarch=x86_64", -1},
		{"platform=efi", -1}};
	struct teller t;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ask(&t, rows[i].query);
		assert_int_equal(t.who.arch, rows[i].arch);
	}
}

/* Long and strange values are cut and made plain, and do no harm. */
static void
test_strange_values(void **state)
{
	char query[3000] = "product=";
	struct teller t;

	(void)state;
	memset(query + 8, 'x', sizeof(query) - 9);
	ask(&t, query);
	assert_int_equal(strlen(t.who.product), sizeof(t.product) - 1);
	ask(&t, "serial=a%0ab%1bc%7f");
	assert_string_equal(t.who.serial, "a b c ");
}

/* The MAC that a name holds is stronger than the neighbour table's. */
static void
test_by_name(void **state)
{
	struct who who = {.has_mac = true, .mac = {{2, 0, 0, 0, 0, 1}}};
	struct netaddr at = netaddr_of_v4(be32_from(0x0a000001), 99);
	struct teller t;

	(void)state;
	teller_init(&t, &who, &at);
	assert_true(t.who.has_mac);
	assert_false(t.who.mac_in_name);
	assert_true(netaddr_same_host(&t.who.addr, &at));
	identify_by_name(&who, "ipxe/02-00-00-00-00-02.ipxe");
	teller_init(&t, &who, &at);
	assert_true(t.who.mac_in_name);
	assert_false(t.by_menu);
	assert_int_equal(t.who.mac.b[5], 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_ipxe_knows),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_architectures),
		cmocka_unit_test(test_strange_values),
		cmocka_unit_test(test_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
