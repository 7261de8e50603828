#include "unit.h"

#include "packets.h"

#define COOKIE 0x63, 0x82, 0x53, 0x63

/* A header, then these bytes as cookie and options; `file` at its place. */
static size_t
raw(uint8_t *buf, const void *file, size_t file_len, const void *tail, size_t n)
{
	memset(buf, 0, DHCP_HEADER);
	buf[0] = BOOTREQUEST;
	buf[1] = 1;
	buf[2] = 6;
	memcpy(buf + 108, file, file_len);
	memcpy(buf + DHCP_HEADER, tail, n);
	return DHCP_HEADER + n;
}

#define RAW(buf, ...)                                                                    \
	raw(buf, "", 0, (uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static void
assert_option(const struct dhcp_pkt *pkt, uint8_t option, const void *want, size_t len)
{
	struct dhcp_bytes v = dhcp_get(pkt, option);

	assert_non_null(v.p);
	assert_int_equal(v.len, len);
	assert_memory_equal(v.p, want, len);
}

static void
captured_packets_parse(void **state)
{
	static const struct {
		const char *name;
		enum dhcp_type type;
		uint16_t max;
		const char *class;
	} rows[] = {
		{"edk2-x64-discover", DHCP_DISCOVER, 1472,
			"PXEClient:Arch:00007:UNDI:003000"},
		{"edk2-x64-request", DHCP_REQUEST, 65280,
			"PXEClient:Arch:00007:UNDI:003000"},
		{"edk2-x64-request-4011", DHCP_REQUEST, 1472,
			"PXEClient:Arch:00007:UNDI:003000"},
		{"edk2-x64-http-discover", DHCP_DISCOVER, 1472,
			"HTTPClient:Arch:00016:UNDI:003000"},
		{"edk2-arm64-discover", DHCP_DISCOVER, 1472,
			"PXEClient:Arch:00011:UNDI:003000"},
		{"ipxe-bios-discover", DHCP_DISCOVER, 1472,
			"PXEClient:Arch:00000:UNDI:002001"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp_pkt pkt;
		uint16_t max;

		load(rows[i].name, &pkt);
		assert_int_equal(pkt.type, rows[i].type);
		assert_true(dhcp_get_u16(&pkt, OPT_MAX_SIZE, &max));
		assert_int_equal(max, rows[i].max);
		assert_option(&pkt, OPT_CLASS, rows[i].class, strlen(rows[i].class));
	}
}

static void
broken_packets_have_names(void **state)
{
	static const struct {
		enum dhcp_fault fault;
		size_t len;
		uint8_t tail[16];
	} rows[] = {
		{DHCP_FINE, 4, {COOKIE}},                          /* no END */
		{DHCP_FINE, 7, {COOKIE, 0, 0, 0}},                 /* only PAD */
		{DHCP_FINE, 3, {99, 130, 83}},                     /* no cookie: BOOTP */
		{DHCP_FINE, 4, {1, 2, 3, 4}},                      /* a vendor's own */
		{DHCP_FINE, 10, {COOKIE, 53, 1, 1, 255, 12, 200}}, /* behind END */
		{DHCP_OPTION_CUT, 5, {COOKIE, 53}},
		{DHCP_OPTION_CUT, 7, {COOKIE, 12, 9, 'x'}},
		{DHCP_BAD_TYPE, 8, {COOKIE, 53, 1, 0, 255}},
		{DHCP_BAD_TYPE, 8, {COOKIE, 53, 1, 99, 255}},
		{DHCP_BAD_TYPE, 7, {COOKIE, 53, 0, 255}},
		{DHCP_BAD_OVERLOAD, 8, {COOKIE, 52, 1, 4, 255}},
		{DHCP_BAD_OVERLOAD, 7, {COOKIE, 52, 0, 255}},
	};
	uint8_t buf[DHCP_DATAGRAM_MAX + 1];
	struct dhcp_pkt pkt;

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
			dhcp_parse(buf, raw(buf, "", 0, rows[i].tail, rows[i].len), &pkt),
			rows[i].fault);
	for (size_t n = 0; n < DHCP_HEADER; n++)
		assert_int_equal(dhcp_parse(buf, n, &pkt), DHCP_TOO_SHORT);
	assert_int_equal(dhcp_parse(buf, sizeof(buf), &pkt), DHCP_TOO_LONG);
	RAW(buf, COOKIE);
	buf[0] = 3;
	assert_int_equal(dhcp_parse(buf, 240, &pkt), DHCP_BAD_OP);
	buf[0] = 1;
	buf[2] = 17;
	assert_int_equal(dhcp_parse(buf, 240, &pkt), DHCP_BAD_HLEN);
	for (int i = 0; i < DHCP_FAULTS; i++)
		assert_non_null(dhcp_fault_text((enum dhcp_fault)i));
}

/* RFC 3396 §5, §8: pieces are one value, in the order options, file, sname. */
static void
long_and_overloaded_options_are_joined(void **state)
{
	static const uint8_t tail[] = {
		COOKIE, 52, 1, 3, 53, 1, 1, 12, 2, 'a', 'b', 12, 1, 'c', 255};
	static const uint8_t file[] = {
		0, 12, 2, 'd', 'e', 67, 3, 'f', 'o', 'o', 255, 12, 9};
	uint8_t buf[DHCP_DATAGRAM_MAX];
	size_t n = raw(buf, file, sizeof(file), tail, sizeof(tail));
	struct dhcp_pkt pkt;

	memcpy(buf + 44, (uint8_t[]){12, 1, 'f', 255}, 4);
	assert_int_equal(dhcp_parse(buf, n, &pkt), DHCP_FINE);
	assert_int_equal(pkt.type, DHCP_DISCOVER);
	assert_option(&pkt, 12, "abcdef", 6);
	assert_option(&pkt, OPT_BOOT_FILE, "foo", 3);
	assert_string_equal(pkt.file, "");
	assert_string_equal(pkt.sname, "");
}

static void
overload_inside_an_overloaded_field_is_nothing(void **state)
{
	static const uint8_t file[] = {52, 1, 2, 255};
	uint8_t buf[DHCP_DATAGRAM_MAX];
	size_t n = raw(buf, file, sizeof(file), (uint8_t[]){COOKIE, 52, 1, 1, 255}, 8);
	struct dhcp_pkt pkt;

	strcpy((char *)buf + 44, "server");
	assert_int_equal(dhcp_parse(buf, n, &pkt), DHCP_FINE);
	assert_string_equal(pkt.sname, "server");
}

static void
absent_empty_and_short_options_differ(void **state)
{
	uint8_t buf[DHCP_DATAGRAM_MAX], u8;
	struct dhcp_pkt pkt;
	uint16_t u16;
	be32 addr;

	assert_int_equal(
		dhcp_parse(buf, RAW(buf, COOKIE, 61, 0, 93, 1, 7, 255), &pkt), DHCP_FINE);
	assert_int_equal(pkt.type, DHCP_BOOTP);
	assert_null(dhcp_get(&pkt, 60).p);
	assert_non_null(dhcp_get(&pkt, 61).p);
	assert_int_equal(dhcp_get(&pkt, 61).len, 0);
	assert_false(dhcp_get_u8(&pkt, 61, &u8));
	assert_false(dhcp_get_u16(&pkt, 93, &u16));
	assert_false(dhcp_get_addr(&pkt, 54, &addr));
}

/* A name that fills its field has no NUL of its own. */
static void
full_fields_end_all_the_same(void **state)
{
	uint8_t buf[DHCP_DATAGRAM_MAX];
	struct dhcp_pkt pkt;

	RAW(buf, COOKIE, 255);
	memset(buf + 44, 'x', 64 + 128);
	assert_int_equal(dhcp_parse(buf, 241, &pkt), DHCP_FINE);
	assert_int_equal(strlen(pkt.sname), 64);
	assert_int_equal(strlen(pkt.file), 128);
}

static void
what_is_written_is_read_again(void **state)
{
	struct dhcp_head head = {.op = BOOTREPLY,
		.htype = 1,
		.hlen = 6,
		.xid = be32_from(0xdeadbeef),
		.secs = 7,
		.flags = DHCP_BROADCAST,
		.siaddr = be32_from(0xc0000201),
		.giaddr = be32_from(0x0a000001),
		.chaddr = {1, 2, 3, 4, 5, 6}};
	uint8_t buf[DHCP_DATAGRAM_MAX], big[600];
	struct dhcp_writer dw = dhcp_begin(buf, sizeof(buf), &head, "boot.efi");
	struct dhcp_pkt pkt;
	size_t len;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)i;
	assert_true(dhcp_put_u8(&dw, OPT_TYPE, DHCP_OFFER));
	assert_true(dhcp_put(&dw, OPT_RELAY_INFO, big, sizeof(big)));
	assert_true(dhcp_put(&dw, 61, "", 0));
	dhcp_put_pad(&dw);
	len = dhcp_end(&dw);
	assert_int_equal(dhcp_parse(buf, len, &pkt), DHCP_FINE);
	assert_memory_equal(&pkt.head, &head, sizeof(head));
	assert_int_equal(pkt.type, DHCP_OFFER);
	assert_string_equal(pkt.file, "boot.efi");
	assert_option(&pkt, OPT_RELAY_INFO, big, sizeof(big));
	assert_int_equal(dhcp_get(&pkt, 61).len, 0);
	assert_non_null(dhcp_get(&pkt, 61).p);
}

static void
short_packets_are_filled_up_to_bootps_300(void **state)
{
	struct dhcp_head head = {.op = BOOTREPLY};
	uint8_t buf[BOOTP_MIN];
	struct dhcp_writer dw = dhcp_begin(buf, sizeof(buf), &head, "");

	assert_int_equal(dhcp_end(&dw), BOOTP_MIN);
	assert_int_equal(buf[240], OPT_END);
	assert_int_equal(buf[299], 0);
}

/* What does not fit leaves no trace, and END always fits. */
static void
an_option_fits_whole_or_not_at_all(void **state)
{
	struct dhcp_head head = {.op = BOOTREPLY};
	uint8_t buf[400], data[300] = {0};

	for (size_t n = 0; n <= sizeof(data); n++) {
		struct dhcp_writer dw = dhcp_begin(buf, sizeof(buf), &head, "");
		size_t before = dw.w.len, need = n + 2 * (n ? (n + 254) / 255 : 1) + 1;
		bool fits = dhcp_put(&dw, 12, data, n);

		assert_int_equal(fits, need <= sizeof(buf) - before);
		if (!fits)
			assert_int_equal(dw.w.len, before);
		assert_true(dhcp_end(&dw) <= sizeof(buf));
		assert_false(dw.w.bad);
	}
}

static void
a_name_too_long_for_its_field_is_cut(void **state)
{
	struct dhcp_head head = {.op = BOOTREPLY};
	uint8_t buf[400];
	char name[200];
	struct dhcp_writer dw;
	struct dhcp_pkt pkt;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	dw = dhcp_begin(buf, sizeof(buf), &head, name);
	assert_int_equal(dhcp_parse(buf, dhcp_end(&dw), &pkt), DHCP_FINE);
	assert_int_equal(strlen(pkt.file), DHCP_FILE_MAX - 1);
}

static void
option_57_is_believed_within_reason(void **state)
{
	static const struct {
		int said;
		size_t max;
	} rows[] = {{-1, 548}, {0, 548}, {300, 548}, {576, 548}, {577, 549}, {1260, 1232},
		{1472, 1444}, {1500, 1472}, {1501, 1472}, {65280, 1472}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t be[2] = {(uint8_t)(rows[i].said >> 8), (uint8_t)rows[i].said};
		struct dhcp_pkt pkt;
		struct craft c;

		craft(&c, DHCP_DISCOVER, "\2\0\0\0\0\1");
		if (rows[i].said >= 0)
			with(&c, OPT_MAX_SIZE, be, 2);
		made(&c, &pkt);
		assert_int_equal(dhcp_reply_max(&pkt), rows[i].max);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_packets_parse),
		cmocka_unit_test(broken_packets_have_names),
		cmocka_unit_test(long_and_overloaded_options_are_joined),
		cmocka_unit_test(overload_inside_an_overloaded_field_is_nothing),
		cmocka_unit_test(absent_empty_and_short_options_differ),
		cmocka_unit_test(full_fields_end_all_the_same),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(short_packets_are_filled_up_to_bootps_300),
		cmocka_unit_test(an_option_fits_whole_or_not_at_all),
		cmocka_unit_test(a_name_too_long_for_its_field_is_cut),
		cmocka_unit_test(option_57_is_believed_within_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
