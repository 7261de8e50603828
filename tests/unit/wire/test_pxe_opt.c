#include "unit.h"

#include "packets.h"
#include "wire/pxe_opt.h"

static const char mac[] = "\2\0\0\0\0\1";

static void
sub_options_are_found_and_cut_ones_are_not(void **state)
{
	static const uint8_t bytes[] = {
		0, 6, 1, 8, 71, 4, 0x80, 0, 0, 0, 9, 7, 'c', 255, 10};
	struct dhcp_bytes v = {bytes, sizeof(bytes)};

	assert_int_equal(pxe_sub(v, PXE_DISCOVERY_CONTROL).p[0], 8);
	assert_int_equal(pxe_sub(v, PXE_BOOT_ITEM).len, 4);
	assert_null(pxe_sub(v, PXE_MENU).p);
	assert_null(pxe_sub(v, PXE_PROMPT).p);
	assert_null(pxe_sub((struct dhcp_bytes){NULL, 0}, PXE_MENU).p);
}

static void
architectures_come_from_93_or_from_the_class(void **state)
{
	static const struct {
		const char *opt93, *class;
		size_t len;
		int n;
		uint16_t first;
	} rows[] = {
		{"\0\7", "PXEClient:Arch:00000:UNDI:002001", 2, 1, 7},
		{"\0\7\0\x10", "", 4, 2, 7},
		{"\0\7\0", "", 3, 1, 7}, /* an odd byte behind */
		{"\0", "PXEClient:Arch:00006:UNDI:003016", 1, 1, 6},
		{NULL, "PXEClient:Arch:00007:UNDI:003016", 0, 1, 7},
		{NULL, "HTTPClient:Arch:00016:UNDI:003001", 0, 1, 16},
		{NULL, "PXEClient:Arch:0000", 0, 0, 0},
		{NULL, "PXEClient:Arch:0x007", 0, 0, 0},
		{NULL, "PXEClient:Arch:99999", 0, 0, 0},
		{NULL, "PXEClient", 0, 0, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint16_t archs[PXE_ARCHS_MAX] = {0};
		struct dhcp_pkt pkt;
		struct craft c;

		craft(&c, DHCP_DISCOVER, mac);
		if (rows[i].opt93 != NULL)
			with(&c, OPT_ARCH, rows[i].opt93, rows[i].len);
		with_text(&c, OPT_CLASS, rows[i].class);
		made(&c, &pkt);
		assert_int_equal(pxe_archs(&pkt, archs), rows[i].n);
		if (rows[i].n)
			assert_int_equal(archs[0], rows[i].first);
	}
}

static void
more_architectures_than_we_count_do_no_harm(void **state)
{
	uint16_t archs[PXE_ARCHS_MAX];
	uint8_t many[200] = {0};
	struct dhcp_pkt pkt;
	struct craft c;

	made(with(craft(&c, DHCP_DISCOVER, mac), OPT_ARCH, many, sizeof(many)), &pkt);
	assert_int_equal(pxe_archs(&pkt, archs), PXE_ARCHS_MAX);
}

/* iPXE sends the bare word; RFC 3004 has a length before each. */
static void
user_class_in_both_spellings(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		bool is;
	} rows[] = {
		{"iPXE", 4, true},
		{"\4iPXE", 5, true},
		{"\3foo\4iPXE", 9, true},
		{"\4iPXE\3foo", 9, true},
		{"gPXE", 4, true},
		{"iPXE2", 5, false},
		{"\5iPXE", 5, false},
		{"\3foo", 4, false},
		{"", 0, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp_pkt pkt;
		struct craft c;

		made(with(craft(&c, DHCP_DISCOVER, mac), OPT_USER_CLASS, rows[i].value,
			     rows[i].len),
			&pkt);
		assert_int_equal(pxe_is_ipxe(&pkt), rows[i].is);
	}
}

static void
ipxe_is_known_by_175_and_says_what_it_can(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		bool http;
	} rows[] = {
		{"\xb1\5\1\x1a\xf4\x10\0\xeb\3\1\0\0\x17\1\1\x13\1\1", 18, true},
		{"\xb1\5\1\x1a\xf4\x10\0\xeb\3\1\0\0\x17\1\1", 15, false},
		{"\xb0\1\1", 3, true}, /* says nothing of features */
		{"", 0, true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp_pkt pkt;
		struct craft c;

		made(with(craft(&c, DHCP_DISCOVER, mac), OPT_ETHERBOOT, rows[i].value,
			     rows[i].len),
			&pkt);
		assert_true(pxe_is_ipxe(&pkt));
		assert_int_equal(pxe_ipxe_can(&pkt, IPXE_HTTP), rows[i].http);
	}
}

static void
captured_ipxes_are_ipxe_and_firmware_is_not(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} rows[] = {{"ipxe-bios-discover", true}, {"ipxe-x64-discover", true},
		{"ipxe-arm64-discover", true}, {"ipxe2-x64-discover", true},
		{"edk2-x64-discover", false}, {"edk2-x64-http-discover", false}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp_pkt pkt;

		load(rows[i].name, &pkt);
		assert_int_equal(pxe_is_ipxe(&pkt), rows[i].is);
		assert_true(pxe_ipxe_can(&pkt, IPXE_HTTP));
	}
}

static void
a_guid_nobody_filled_in_is_none(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		bool is;
	} rows[] = {
		{"\0\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", 17, true},
		{"\1\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", 17, false},
		{"\0\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", 16, false},
		{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp_pkt pkt;
		struct uuid uuid;
		struct craft c;

		made(with(craft(&c, DHCP_DISCOVER, mac), OPT_GUID, rows[i].value,
			     rows[i].len),
			&pkt);
		assert_int_equal(pxe_guid(&pkt, &uuid), rows[i].is);
	}
}

/* Field notes §1.5: what the Pi's boot ROM compares with, byte for byte. */
static const uint8_t pi[] = {6, 1, 3, 10, 4, 0, 0x50, 0x58, 0x45, 9, 0x14, 0, 0, 0x11,
	'R', 'a', 's', 'p', 'b', 'e', 'r', 'r', 'y', ' ', 'P', 'i', ' ', 'B', 'o', 'o',
	't', 255};
static const uint8_t list[] = {6, 1, 7, 8, 7, 0x80, 0, 1, 192, 0, 2, 1, 9, 8, 0x80, 0, 5,
	'p', 'i', 'x', 'i', 'e', 10, 6, 0, 'p', 'i', 'x', 'i', 'e', 255};

static void
shapes_byte_for_byte(void **state)
{
	static const struct {
		enum pxe_shape shape;
		const uint8_t *item, *want;
		size_t len;
	} rows[] = {
		{PXE_NO_43, NULL, NULL, 0},
		{PXE_NO_43, (const uint8_t *)"\x80\0\0\0",
			(const uint8_t *)"\x47\4\x80\0\0\0\xff", 7},
		{PXE_DIRECT, NULL, (const uint8_t *)"\6\1\x8\xff", 4},
		{PXE_PI, NULL, pi, sizeof(pi)},
		{PXE_LIST, NULL, list, sizeof(list)},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp_bytes v;
		struct dhcp_pkt pkt;
		struct craft c;

		craft(&c, DHCP_OFFER, mac);
		assert_true(pxe_put_shape(
			&c.dw, rows[i].shape, be32_from(0xc0000201), rows[i].item));
		made(&c, &pkt);
		v = dhcp_get(&pkt, OPT_VENDOR);
		assert_int_equal(v.len, rows[i].len);
		if (rows[i].len)
			assert_memory_equal(v.p, rows[i].want, rows[i].len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sub_options_are_found_and_cut_ones_are_not),
		cmocka_unit_test(architectures_come_from_93_or_from_the_class),
		cmocka_unit_test(more_architectures_than_we_count_do_no_harm),
		cmocka_unit_test(user_class_in_both_spellings),
		cmocka_unit_test(ipxe_is_known_by_175_and_says_what_it_can),
		cmocka_unit_test(captured_ipxes_are_ipxe_and_firmware_is_not),
		cmocka_unit_test(a_guid_nobody_filled_in_is_none),
		cmocka_unit_test(shapes_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
