/* The decision table against real and hand-made packets. */
#define _GNU_SOURCE
#include "unit.h"

#include "dhcp/proxy.h"
#include "packets.h"

#define MAC "\x52\x54\0\x12\x34\x56"
#define PI "\xdc\xa6\x32\1\2\3"
#define BASE "http://192.0.2.1:80"

static const struct proxy_known us = {
	.self = {{192, 0, 2, 1}}, .base = BASE, .is_known = true};

static void
assert_text(const struct dhcp_pkt *pkt, uint8_t option, const char *want)
{
	struct dhcp_bytes v = dhcp_get(pkt, option);

	if (want == NULL) {
		assert_null(v.p);
		return;
	}
	assert_non_null(v.p);
	assert_int_equal(v.len, strlen(want));
	assert_memory_equal(v.p, want, v.len);
}

/* Decides, writes and reads back; fails unless there is an answer. */
static void
answer(const struct dhcp_pkt *request, bool on_4011, const struct proxy_known *known,
	struct dhcp_pkt *out)
{
	uint8_t buf[DHCP_DATAGRAM_MAX];
	struct proxy_ask ask;
	struct proxy_reply reply;
	size_t len;

	assert_int_equal(proxy_read(&ask, request, on_4011), PROXY_ANSWER);
	assert_int_equal(proxy_decide(&ask, known, &reply), PROXY_ANSWER);
	len = proxy_write(buf, sizeof(buf), &ask, known, &reply);
	assert_true(len >= BOOTP_MIN);
	assert_true(len <= DHCP_SAFE_MAX);
	assert_int_equal(dhcp_parse(buf, len, out), DHCP_FINE);
	assert_int_equal(out->head.op, BOOTREPLY);
	assert_int_equal(be32_to(out->head.xid), be32_to(request->head.xid));
	assert_true(dhcp_no_addr(out->head.yiaddr));
	assert_memory_equal(out->head.chaddr, request->head.chaddr, 16);
}

/* What each kind of client must find in its answer. */
struct shape {
	const char *class, *opt43, *file; /* NULL: option absent */
	size_t opt43_len;
};

static void
assert_shape(const struct dhcp_pkt *reply, const struct shape *want)
{
	struct dhcp_bytes v = dhcp_get(reply, OPT_VENDOR);

	assert_text(reply, OPT_CLASS, want->class);
	assert_int_equal(v.len, want->opt43_len);
	if (want->opt43_len)
		assert_memory_equal(v.p, want->opt43, v.len);
	assert_text(reply, OPT_BOOT_FILE, want->file);
	assert_string_equal(reply->file, want->file ? want->file : "");
	assert_int_equal(be32_to(reply->head.siaddr), 0xc0000201);
}

#define DIRECT "\6\1\x8\xff", 4
#define NO_43 NULL, 0
#define PI_43 "\6\1\3\xa\4\0PXE\x9\x14\0\0\x11Raspberry Pi Boot\xff", 32

static void
captured_clients(void **state)
{
	static const struct {
		const char *name;
		bool on_4011;
		enum dhcp_type type;
		const char *class, *file, *opt43;
		size_t opt43_len;
	} rows[] = {
		{"edk2-x64-discover", false, DHCP_OFFER, "PXEClient", "snponly64.efi",
			NO_43},
		{"edk2-x64-request-4011", true, DHCP_ACK, "PXEClient", "snponly64.efi",
			NO_43},
		{"edk2-arm64-discover", false, DHCP_OFFER, "PXEClient",
			"snponly-arm64.efi", NO_43},
		{"edk2-x64-http-discover", false, DHCP_OFFER, "HTTPClient",
			BASE "/snponly64.efi", NO_43},
		{"ipxe-bios-discover", false, DHCP_OFFER, "PXEClient", BASE "/chain.ipxe",
			DIRECT},
		{"ipxe-x64-discover", false, DHCP_OFFER, "PXEClient", BASE "/chain.ipxe",
			DIRECT},
		{"ipxe-arm64-discover", false, DHCP_OFFER, "PXEClient",
			BASE "/chain.ipxe", DIRECT},
		{"ipxe2-x64-discover", false, DHCP_OFFER, "PXEClient", BASE "/chain.ipxe",
			DIRECT},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct shape want = {
			rows[i].class, rows[i].opt43, rows[i].file, rows[i].opt43_len};
		struct dhcp_pkt request, reply;

		load(rows[i].name, &request);
		answer(&request, rows[i].on_4011, &us, &reply);
		assert_int_equal(reply.type, rows[i].type);
		assert_shape(&reply, &want);
	}
}

/* The clients QEMU does not have, as field notes §1.5 tell of them. */
static void
clients_by_hand(void **state)
{
	static const struct {
		const char *mac, *class, *user_class;
		int arch;
		const char *want_class, *file, *opt43;
		size_t opt43_len;
	} rows[] = {
		/* a real card's PXE ROM */
		{MAC, "PXEClient:Arch:00000:UNDI:002001", NULL, 0, "PXEClient",
			"undionly.kpxe", DIRECT},
		/* ... older than option 93 */
		{MAC, "PXEClient:Arch:00000:UNDI:002001", NULL, -1, "PXEClient",
			"undionly.kpxe", DIRECT},
		{MAC, "PXEClient", NULL, -1, "PXEClient", "undionly.kpxe", DIRECT},
		/* UEFI that says its number only in option 60 */
		{MAC, "PXEClient:Arch:00007:UNDI:003016", NULL, -1, "PXEClient",
			"snponly64.efi", NO_43},
		/* the erratum's number */
		{MAC, "PXEClient:Arch:00009:UNDI:003010", NULL, 9, "PXEClient",
			"snponly64.efi", NO_43},
		{MAC, "PXEClient:Arch:00006:UNDI:003010", NULL, 6, "PXEClient",
			"snponly32.efi", NO_43},
		{MAC, "PXEClient:Arch:00010:UNDI:003010", NULL, 10, "PXEClient",
			"snponly-arm32.efi", NO_43},
		{MAC, "PXEClient:Arch:00027:UNDI:003010", NULL, 27, "PXEClient",
			"ipxe-riscv64.efi", NO_43},
		{MAC, "PXEClient:Arch:00039:UNDI:003010", NULL, 39, "PXEClient",
			"ipxe-loong64.efi", NO_43},
		/* some vendors' own class: it must come back (dnsmasq.8 dhcp-pxe-vendor)
		 */
		{MAC, "HW-Client:Arch:00007:UNDI:003016", NULL, 7, "HW-Client",
			"snponly64.efi", NO_43},
		{MAC, NULL, NULL, 7, "PXEClient", "snponly64.efi", NO_43},
		/* HTTP Boot, by class or by number */
		{MAC, "HTTPClient:Arch:00015:UNDI:003001", NULL, 15, "HTTPClient",
			BASE "/snponly32.efi", NO_43},
		{MAC, "HTTPClient:Arch:00019:UNDI:003001", NULL, 19, "HTTPClient",
			BASE "/snponly-arm64.efi", NO_43},
		{MAC, "HTTPClient:Arch:00020:UNDI:003001", NULL, 20, "HTTPClient",
			BASE "/undionly.kpxe", NO_43},
		{MAC, "HTTPClient:Arch:00028:UNDI:003001", NULL, 28, "HTTPClient",
			BASE "/ipxe-riscv64.efi", NO_43},
		{MAC, "HTTPClient:Arch:00007:UNDI:003001", NULL, 7, "HTTPClient",
			BASE "/snponly64.efi", NO_43},
		{MAC, NULL, NULL, 16, "HTTPClient", BASE "/snponly64.efi", NO_43},
		/* Raspberry Pi: a BIOS by its words, a Pi by its MAC */
		{PI, "PXEClient:Arch:00000:UNDI:002001", NULL, 0, "PXEClient", NULL,
			PI_43},
		{PI, "PXEClient:Arch:00000:UNDI:002001", NULL, -1, "PXEClient", NULL,
			PI_43},
		{MAC, "PXEClient:Arch:00041:UNDI:002001", NULL, 41, "PXEClient", NULL,
			PI_43},
		/* ... with UEFI on it, with U-Boot on it, with iPXE on it */
		{PI, "PXEClient:Arch:00011:UNDI:003000", NULL, 11, "PXEClient",
			"snponly-arm64.efi", NO_43},
		{PI, "U-Boot.armv8", NULL, 22, "U-Boot.armv8", "snponly-arm64.efi",
			NO_43},
		{PI, "PXEClient:Arch:00011:UNDI:003010", "iPXE", 11, "PXEClient",
			BASE "/chain.ipxe", DIRECT},
		/* U-Boot: options ignored, header read (booter#11) */
		{MAC, "U-Boot.armv8", NULL, 22, "U-Boot.armv8", "snponly-arm64.efi",
			NO_43},
		{MAC, "U-Boot.armv7", NULL, 21, "U-Boot.armv7", "snponly-arm32.efi",
			NO_43},
		{MAC, "PXEClient:Arch:00022:UNDI:003000", NULL, 22, "PXEClient",
			"snponly-arm64.efi", NO_43},
		/* iPXE in RFC 3004's spelling; an HTTP-booted one; one without PXE's
		   words */
		{MAC, "PXEClient:Arch:00007:UNDI:003010", "\4iPXE", 7, "PXEClient",
			BASE "/chain.ipxe", DIRECT},
		{MAC, "HTTPClient:Arch:00016:UNDI:003010", "iPXE", 16, "PXEClient",
			BASE "/chain.ipxe", DIRECT},
		{MAC, NULL, "iPXE", -1, "PXEClient", BASE "/chain.ipxe", DIRECT},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct shape want = {rows[i].want_class, rows[i].opt43, rows[i].file,
			rows[i].opt43_len};
		struct dhcp_pkt request, reply;
		struct craft c;

		with_arch(craft(&c, DHCP_DISCOVER, rows[i].mac), rows[i].arch);
		if (rows[i].class != NULL)
			with_text(&c, OPT_CLASS, rows[i].class);
		if (rows[i].user_class != NULL)
			with_text(&c, OPT_USER_CLASS, rows[i].user_class);
		made(&c, &request);
		answer(&request, false, &us, &reply);
		assert_int_equal(reply.type, DHCP_OFFER);
		assert_shape(&reply, &want);
	}
}

static void
a_list_of_architectures_takes_the_first_with_a_rom(void **state)
{
	struct dhcp_pkt request, reply;
	struct craft c;

	craft(&c, DHCP_DISCOVER, MAC);
	with(&c, OPT_ARCH, "\0\x19\0\2\0\xb\0\7", 8);
	with_text(&c, OPT_CLASS, "PXEClient");
	made(&c, &request);
	answer(&request, false, &us, &reply);
	assert_string_equal(reply.file, "snponly-arm64.efi");
}

static void
reasons_for_silence(void **state)
{
	static const char pxe[] = "PXEClient:Arch:00007:UNDI:003016";
	const struct { /* not static: clang 14 takes no struct for a constant */
		enum proxy_silence want;
		enum dhcp_type type;
		int arch;
		const char *class;
		bool on_4011;
		struct proxy_known known;
	} rows[] = {
		{PROXY_ANSWER, DHCP_DISCOVER, 7, pxe, false, us},
		{PROXY_ANSWER, DHCP_REQUEST, 7, pxe, true, us},
		{PROXY_ANSWER, DHCP_INFORM, 7, pxe, true, us},
		{PROXY_ANSWER, DHCP_INFORM, 7, pxe, false, us},
		{PROXY_IS_BOOTP, DHCP_BOOTP, -1, NULL, false, us},
		{PROXY_NOT_NETWORK_BOOT, DHCP_DISCOVER, -1, "MSFT 5.0", false, us},
		{PROXY_NOT_NETWORK_BOOT, DHCP_DISCOVER, -1, NULL, false, us},
		{PROXY_NOT_NETWORK_BOOT, DHCP_DISCOVER, -1, "AAPLBSDPC", false, us},
		{PROXY_OTHER_SERVER, DHCP_REQUEST, 7, pxe, false, us},
		{PROXY_NOT_ASKED, DHCP_RELEASE, 7, pxe, false, us},
		{PROXY_NOT_ASKED, DHCP_DECLINE, 7, pxe, false, us},
		{PROXY_NOT_ASKED, DHCP_OFFER, 7, pxe, false, us},
		{PROXY_NOT_ASKED, DHCP_DISCOVER, 7, pxe, true, us},
		{PROXY_NOT_ON_4011, DHCP_REQUEST, 16, "HTTPClient:Arch:00016", true, us},
		{PROXY_NOT_ON_4011, DHCP_REQUEST, 22, "U-Boot.armv8", true, us},
		{PROXY_NO_ROM, DHCP_DISCOVER, 2, pxe, false, us},
		{PROXY_NO_ROM, DHCP_DISCOVER, 25, pxe, false, us},
		{PROXY_NO_ROM, DHCP_DISCOVER, 38, "HTTPClient:Arch:00038", false, us},
		{PROXY_NO_ROM, DHCP_DISCOVER, -1, "HTTPClient", false, us},
		{PROXY_EMPTY_SLOT, DHCP_DISCOVER, 6, pxe, false,
			{{{1}}, BASE, 0, true, false, true}},
		{PROXY_UNKNOWN_MACHINE, DHCP_DISCOVER, 7, pxe, false,
			{{{1}}, BASE, 0, false, true, false}},
		{PROXY_ANSWER, DHCP_DISCOVER, 7, pxe, false,
			{{{1}}, BASE, 0, false, true, true}},
		{PROXY_IGNORED, DHCP_DISCOVER, 7, pxe, false,
			{{{1}}, BASE, 0, false, false, true, true}},
		{PROXY_IGNORED, DHCP_REQUEST, 7, pxe, true,
			{{{1}}, BASE, 0, false, true, true, true}},
		{PROXY_NO_ADDRESS_OF_ITS_OWN, DHCP_DISCOVER, 7, pxe, false,
			{{{0}}, BASE, 0, false, false, true}},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		enum proxy_silence got;
		struct proxy_reply reply;
		struct proxy_ask ask;
		struct dhcp_pkt request;
		struct craft c;

		with_arch(craft(&c, rows[i].type, MAC), rows[i].arch);
		if (rows[i].class != NULL)
			with_text(&c, OPT_CLASS, rows[i].class);
		made(&c, &request);
		got = proxy_read(&ask, &request, rows[i].on_4011);
		if (got == PROXY_ANSWER)
			got = proxy_decide(&ask, &rows[i].known, &reply);
		if (got != rows[i].want)
			fail_msg("row %zu: %s", i, proxy_silence_text(got));
		assert_non_null(proxy_silence_text(got));
	}
}

static void
servers_replies_are_none_of_ours(void **state)
{
	struct proxy_ask ask;
	struct dhcp_pkt pkt;

	load("dnsmasq-offer", &pkt);
	assert_int_equal(proxy_read(&ask, &pkt, false), PROXY_IS_REPLY);
}

/* On 4011 too, a REQUEST that names somebody else is theirs. */
static void
option_54_picks_the_server(void **state)
{
	static const struct {
		const char *id;
		enum proxy_silence want;
	} rows[] = {{"\xc0\0\2\1", PROXY_ANSWER}, {"\xc0\0\2\2", PROXY_OTHER_SERVER}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct proxy_reply reply;
		struct proxy_ask ask;
		struct dhcp_pkt request;
		struct craft c;

		with_arch(craft(&c, DHCP_REQUEST, MAC), 7);
		with_text(&c, OPT_CLASS, "PXEClient");
		made(with(&c, OPT_SERVER_ID, rows[i].id, 4), &request);
		assert_int_equal(proxy_read(&ask, &request, true), PROXY_ANSWER);
		assert_int_equal(proxy_decide(&ask, &us, &reply), rows[i].want);
	}
}

/* PXE 2.1 §2.2.5: asked for by broadcast on port 67, or on 4011; echoed either way. */
static void
a_boot_item_is_echoed(void **state)
{
	static const uint8_t item[] = {71, 4, 0x80, 0, 0, 0, 255};

	for (int on_4011 = 0; on_4011 < 2; on_4011++) {
		struct dhcp_pkt request, reply;
		struct dhcp_bytes v;
		struct craft c;

		with_arch(craft(&c, DHCP_REQUEST, MAC), 0);
		with_text(&c, OPT_CLASS, "PXEClient:Arch:00000:UNDI:002001");
		made(with(&c, OPT_VENDOR, item, sizeof(item)), &request);
		answer(&request, on_4011, &us, &reply);
		v = dhcp_get(&reply, OPT_VENDOR);
		assert_int_equal(reply.type, DHCP_ACK);
		assert_int_equal(v.len, sizeof(item));
		assert_memory_equal(v.p, item, sizeof(item));
	}
}

/* Each attempt of each client, and the first one again beyond the last. */
static void
attempts_differ(void **state)
{
	static const struct {
		int arch;
		unsigned attempt;
		uint8_t control; /* 0: no option 43 */
	} rows[] = {{0, 0, 8}, {0, 1, 0}, {0, 2, 7}, {0, 3, 8}, {7, 0, 0}, {7, 1, 8},
		{7, 2, 7}, {7, 3, 0}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct proxy_known known = us;
		struct dhcp_pkt request, reply;
		struct dhcp_bytes v;
		struct craft c;

		with_arch(craft(&c, DHCP_DISCOVER, MAC), rows[i].arch);
		made(with_text(&c, OPT_CLASS, "PXEClient"), &request);
		known.attempt = rows[i].attempt;
		answer(&request, false, &known, &reply);
		v = pxe_sub(dhcp_get(&reply, OPT_VENDOR), PXE_DISCOVERY_CONTROL);
		assert_int_equal(v.p ? *v.p : 0, rows[i].control);
	}
}

/* An iPXE whose option 175 lists features without HTTP. */
static void
ipxe_without_http_gets_the_menu_by_tftp(void **state)
{
	struct dhcp_pkt request, reply;
	struct craft c;

	craft(&c, DHCP_DISCOVER, MAC);
	made(with(&c, OPT_ETHERBOOT, "\x17\1\1\x11\1\1", 6), &request);
	answer(&request, false, &us, &reply);
	assert_string_equal(reply.file, "chain.ipxe");
}

/* The bytes behind option 67 are PAD, not END; option 82 is the last before END. */
static void
order_of_the_options(void **state)
{
	uint8_t buf[DHCP_DATAGRAM_MAX], *at, guid[17] = {0, 1, 2, 3};
	struct dhcp_pkt request;
	struct proxy_reply reply;
	struct proxy_ask ask;
	struct craft c;
	size_t len;

	with_arch(craft(&c, DHCP_DISCOVER, MAC), 7);
	with_text(&c, OPT_CLASS, "PXEClient");
	with(&c, OPT_RELAY_INFO, "\1\3abc", 5);
	with(&c, OPT_GUID, guid, sizeof(guid));
	made(with(&c, OPT_CLIENT_ID, "\1\2\3", 3), &request);
	assert_int_equal(proxy_read(&ask, &request, false), PROXY_ANSWER);
	assert_int_equal(proxy_decide(&ask, &us, &reply), PROXY_ANSWER);
	len = proxy_write(buf, sizeof(buf), &ask, &us, &reply);
	at = memmem(buf + 240, len - 240, "snponly64.efi", 13);
	assert_non_null(at);
	assert_int_equal(at[13], OPT_PAD);
	at = memmem(buf + 240, len - 240, "\x52\5\1\3abc\xff", 8);
	assert_non_null(at);
	assert_non_null(memmem(buf + 240, len - 240, "\x3d\3\1\2\3", 5));
	assert_non_null(memmem(buf + 240, len - 240, "\x61\x11\0\1\2\3", 6));
	assert_int_equal(buf[240], OPT_TYPE);
}

/* RFC 3046 §2.2: whole or not at all. What else is echoed gives way to it. */
static void
a_long_option_82_is_whole_or_there_is_no_reply(void **state)
{
	uint8_t buf[DHCP_DATAGRAM_MAX], info[1100], id[200] = {0};
	static const struct {
		size_t info;
		uint16_t max;
		bool answered, has_id;
	} rows[] = {{10, 576, true, true}, {200, 576, true, false},
		{300, 576, false, false}, {600, 1500, true, true},
		{1100, 1500, true, false}, {1100, 576, false, false}};

	memset(info, 7, sizeof(info));
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t max[2] = {(uint8_t)(rows[i].max >> 8), (uint8_t)rows[i].max};
		struct dhcp_pkt request, out;
		struct proxy_reply reply;
		struct proxy_ask ask;
		struct craft c;
		size_t len, id_len = rows[i].info > 1000 ? 20 : sizeof(id);

		with_arch(craft(&c, DHCP_DISCOVER, MAC), 7);
		with_text(&c, OPT_CLASS, "PXEClient");
		with(&c, OPT_MAX_SIZE, max, 2);
		with(&c, OPT_CLIENT_ID, id, rows[i].info > 1000 ? 0 : id_len);
		made(with(&c, OPT_RELAY_INFO, info, rows[i].info), &request);
		assert_int_equal(proxy_read(&ask, &request, false), PROXY_ANSWER);
		assert_int_equal(proxy_decide(&ask, &us, &reply), PROXY_ANSWER);
		len = proxy_write(buf, sizeof(buf), &ask, &us, &reply);
		assert_int_equal(len > 0, rows[i].answered);
		if (len == 0)
			continue;
		assert_int_equal(dhcp_parse(buf, len, &out), DHCP_FINE);
		assert_int_equal(dhcp_get(&out, OPT_RELAY_INFO).len, rows[i].info);
		assert_true(len <= rows[i].max - 28u);
		if (rows[i].info <= 600)
			assert_int_equal(
				dhcp_get(&out, OPT_CLIENT_ID).p != NULL, rows[i].has_id);
	}
}

/* RFC 2131 §4.1, PXE 2.1 §2.2.5. */
static void
where_replies_go(void **state)
{
	static const struct {
		bool relay, ciaddr, on_4011, sender;
		enum proxy_way want;
	} rows[] = {
		{false, false, false, false, PROXY_TO_BROADCAST},
		{true, false, false, true, PROXY_TO_RELAY},
		{true, true, true, true, PROXY_TO_RELAY},
		{false, true, false, true, PROXY_TO_CLIENT},
		{false, true, true, true, PROXY_TO_SENDER},
		{false, false, true, true, PROXY_TO_SENDER},
		{false, true, true, false, PROXY_TO_CLIENT},
		{false, false, true, false, PROXY_TO_BROADCAST},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dhcp_pkt pkt = {0};
		struct proxy_ask ask = {.pkt = &pkt, .on_4011 = rows[i].on_4011};

		pkt.head.giaddr = be32_from(rows[i].relay);
		pkt.head.ciaddr = be32_from(rows[i].ciaddr);
		assert_int_equal(proxy_way(&ask, rows[i].sender), rows[i].want);
	}
}

static void
header_of_a_reply(void **state)
{
	struct dhcp_pkt request, reply;
	struct craft c;

	with_arch(craft(&c, DHCP_REQUEST, MAC), 7);
	made(with_text(&c, OPT_CLASS, "PXEClient"), &request);
	request.head.ciaddr = be32_from(0xc0000207);
	request.head.giaddr = be32_from(0x0a000001);
	answer(&request, true, &us, &reply);
	assert_int_equal(be32_to(reply.head.ciaddr), 0xc0000207);
	assert_int_equal(be32_to(reply.head.giaddr), 0x0a000001);
	assert_int_equal(reply.head.flags, 0);
	request.head.ciaddr = be32_from(0);
	answer(&request, true, &us, &reply);
	/* A relay must not unicast to the yiaddr that there is not. */
	assert_int_equal(reply.head.flags, DHCP_BROADCAST);
}

static void
the_table_is_whole(void **state)
{
	for (int c = 0; c < PROXY_CLIENTS; c++) {
		assert_true(proxy_attempts((enum proxy_client)c) >= 1);
		assert_non_null(proxy_client_text((enum proxy_client)c));
	}
	for (int i = 0; i < PROXY_SILENCES; i++)
		assert_non_null(proxy_silence_text((enum proxy_silence)i));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_clients),
		cmocka_unit_test(clients_by_hand),
		cmocka_unit_test(a_list_of_architectures_takes_the_first_with_a_rom),
		cmocka_unit_test(reasons_for_silence),
		cmocka_unit_test(servers_replies_are_none_of_ours),
		cmocka_unit_test(option_54_picks_the_server),
		cmocka_unit_test(a_boot_item_is_echoed),
		cmocka_unit_test(attempts_differ),
		cmocka_unit_test(ipxe_without_http_gets_the_menu_by_tftp),
		cmocka_unit_test(order_of_the_options),
		cmocka_unit_test(a_long_option_82_is_whole_or_there_is_no_reply),
		cmocka_unit_test(where_replies_go),
		cmocka_unit_test(header_of_a_reply),
		cmocka_unit_test(the_table_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
