#include "unit.h"

#include "wire/tftp_pkt.h"

/* A datagram from a string literal, without the literal's own NUL. */
#define PACKET(s) (s), sizeof(s) - 1
#define RRQ "\0\1"
#define WRQ "\0\2"

static struct tftp_pkt
parsed(const char *data, size_t len)
{
	struct tftp_pkt pkt;

	assert_int_equal(tftp_parse(data, len, &pkt), TFTP_FINE);
	return pkt;
}

static void
a_request_without_options(void **state)
{
	struct tftp_pkt pkt = parsed(PACKET(RRQ "undionly.kpxe\0octet\0"));

	assert_int_equal(pkt.op, TFTP_RRQ);
	assert_string_equal(pkt.req.name, "undionly.kpxe");
	assert_int_equal(pkt.req.len, 13);
	assert_int_equal(pkt.req.mode, TFTP_OCTET);
	assert_int_equal(pkt.req.opts.set, 0);
	assert_int_equal(parsed(PACKET(WRQ "x\0octet\0")).op, TFTP_WRQ);
}

static void
modes_in_any_case(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		enum tftp_mode mode;
	} rows[] = {
		{PACKET(RRQ "f\0OCTET\0"), TFTP_OCTET},
		{PACKET(RRQ "f\0Octet\0"), TFTP_OCTET},
		{PACKET(RRQ "f\0BINARY\0"), TFTP_OCTET},
		{PACKET(RRQ "f\0binary\0"), TFTP_OCTET},
		{PACKET(RRQ "f\0NetASCII\0"), TFTP_NETASCII},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
			parsed(rows[i].data, rows[i].len).req.mode, rows[i].mode);
}

static void
options_in_any_case_and_order(void **state)
{
	struct tftp_pkt pkt = parsed(PACKET(RRQ "f\0octet\0WindowSize\0"
						"64\0TSIZE\0"
						"0\0blksize\0"
						"1468\0timeout\0"
						"255\0"));

	assert_int_equal(pkt.req.opts.set, (1 << TFTP_OPTIONS) - 1);
	assert_int_equal(pkt.req.opts.value[TFTP_BLKSIZE], 1468);
	assert_int_equal(pkt.req.opts.value[TFTP_TSIZE], 0);
	assert_int_equal(pkt.req.opts.value[TFTP_TIMEOUT], 255);
	assert_int_equal(pkt.req.opts.value[TFTP_WINDOWSIZE], 64);
}

static void
ipxe_asks_for_multicast_and_is_not_given_it(void **state)
{
	struct tftp_pkt pkt = parsed(PACKET(RRQ "f\0octet\0blksize\0"
						"1432\0tsize\0"
						"0\0multicast\0\0"));

	assert_int_equal(pkt.req.opts.set, 1 << TFTP_BLKSIZE | 1 << TFTP_TSIZE);
}

static void
of_a_repeated_option_the_first_counts(void **state)
{
	struct tftp_pkt pkt = parsed(PACKET(RRQ "f\0octet\0blksize\0"
						"1024\0BLKSIZE\0"
						"512\0"));

	assert_int_equal(pkt.req.opts.value[TFTP_BLKSIZE], 1024);
}

static void
values_outside_their_rfc_are_as_if_not_asked(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		unsigned set;
	} rows[] = {
		{PACKET("blksize\0007\0"), 0},
		{PACKET("blksize\0008\0"), 1 << TFTP_BLKSIZE},
		{PACKET("blksize\00065464\0"), 1 << TFTP_BLKSIZE},
		{PACKET("blksize\00065465\0"), 0},
		{PACKET("blksize\000+512\0"), 0},
		{PACKET("blksize\000 512\0"), 0},
		{PACKET("blksize\000512 \0"), 0},
		{PACKET("blksize\0000x200\0"), 0},
		{PACKET("blksize\0\0"), 0},
		{PACKET("blksize\00018446744073709552128\0"), 0}, /* 2^64 + 512 */
		{PACKET("tsize\0000\0"), 1 << TFTP_TSIZE},
		{PACKET("tsize\000-1\0"), 0},
		{PACKET("timeout\0000\0"), 0},
		{PACKET("timeout\0001\0"), 1 << TFTP_TIMEOUT},
		{PACKET("timeout\000255\0"), 1 << TFTP_TIMEOUT},
		{PACKET("timeout\000256\0"), 0},
		{PACKET("windowsize\0000\0"), 0},
		{PACKET("windowsize\0001\0"), 1 << TFTP_WINDOWSIZE},
		{PACKET("windowsize\00065535\0"), 1 << TFTP_WINDOWSIZE},
		{PACKET("windowsize\00065536\0"), 0},
		{PACKET("rollover\0000\0"), 0},
	};
	char data[64] = RRQ "f\0octet";

	for (size_t i = 0; i < COUNT(rows); i++) {
		memcpy(data + 10, rows[i].data, rows[i].len);
		assert_int_equal(
			parsed(data, 10 + rows[i].len).req.opts.set, rows[i].set);
	}
}

static void
apple_openfirmware_garbage_after_the_options_is_ignored(void **state)
{
	struct tftp_pkt pkt = parsed(PACKET(RRQ "f\0octet\0blksize\0"
						"1024\0garb"));

	assert_int_equal(pkt.req.opts.set, 1 << TFTP_BLKSIZE);
	pkt = parsed(PACKET(RRQ "f\0octet\0blksize\0"
				"1024"));
	assert_int_equal(pkt.req.opts.set, 0);
}

static void
what_is_no_tftp_has_a_reason(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		enum tftp_fault fault;
	} rows[] = {
		{PACKET(""), TFTP_TOO_SHORT},
		{PACKET("\0"), TFTP_TOO_SHORT},
		{PACKET("\0\0"), TFTP_BAD_OPCODE},
		{PACKET("\0\7"), TFTP_BAD_OPCODE},
		{PACKET("\1\1f\0octet\0"), TFTP_BAD_OPCODE},
		{PACKET(RRQ), TFTP_NAME_UNENDED},
		{PACKET(RRQ "undionly.kpxe"), TFTP_NAME_UNENDED},
		{PACKET(RRQ "f\0"), TFTP_MODE_UNENDED},
		{PACKET(RRQ "f\0octet"), TFTP_MODE_UNENDED},
		{PACKET(RRQ "f\0mail\0"), TFTP_BAD_MODE},
		{PACKET(RRQ "f\0\0"), TFTP_BAD_MODE},
		{PACKET(RRQ "f\0octets\0"), TFTP_BAD_MODE},
		{PACKET("\0\3\0"), TFTP_TOO_SHORT},
		{PACKET("\0\4"), TFTP_TOO_SHORT},
		{PACKET("\0\5\0"), TFTP_TOO_SHORT},
	};
	struct tftp_pkt pkt;

	for (size_t i = 0; i < COUNT(rows); i++) {
		enum tftp_fault fault = tftp_parse(rows[i].data, rows[i].len, &pkt);

		assert_string_equal(
			tftp_fault_text(fault), tftp_fault_text(rows[i].fault));
	}
}

static void
data_ack_and_error(void **state)
{
	struct tftp_pkt pkt = parsed(PACKET("\0\3\x12\x34"
					    "abc"));

	assert_int_equal(pkt.block, 0x1234);
	assert_int_equal(pkt.len, 3);
	assert_memory_equal(pkt.data, "abc", 3);
	assert_int_equal(parsed(PACKET("\0\4\xff\xff")).block, 0xffff);
	assert_int_equal(parsed(PACKET("\0\4\0\1padding")).block, 1);
	pkt = parsed(PACKET("\0\5\0\10User aborted the transfer\0"));
	assert_int_equal(pkt.code, 8);
	assert_int_equal(pkt.len, 25);
	assert_int_equal(parsed(PACKET("\0\5\0\1no end")).len, 6);
	assert_int_equal(parsed(PACKET("\0\5\0\1")).len, 0);
}

static void
what_is_built_parses_again(void **state)
{
	struct tftp_opts opts = {
		.set = (1 << TFTP_OPTIONS) - 1, .value = {1468, 5000000000, 6, 64}};
	uint8_t buf[TFTP_CONTROL_MAX];
	struct tftp_pkt pkt;
	size_t len = tftp_put_oack(buf, sizeof(buf), &opts);

	pkt = parsed((char *)buf, len);
	assert_int_equal(pkt.op, TFTP_OACK);
	assert_int_equal(pkt.oack.set, opts.set);
	assert_memory_equal(pkt.oack.value, opts.value, sizeof(opts.value));
	len = tftp_put_rrq(buf, sizeof(buf), "name", &opts);
	pkt = parsed((char *)buf, len);
	assert_string_equal(pkt.req.name, "name");
	assert_memory_equal(pkt.req.opts.value, opts.value, sizeof(opts.value));
	assert_int_equal(tftp_put_rrq(buf, 20, "name", &opts), 0);
	tftp_put_ack(buf, 65535);
	assert_memory_equal(buf, "\0\4\xff\xff", 4);
	tftp_put_data_head(buf, 258);
	assert_memory_equal(buf, "\0\3\1\2", 4);
}

static void
a_long_error_is_cut_between_characters(void **state)
{
	uint8_t buf[16];
	size_t len = tftp_put_error(buf, sizeof(buf), TFTP_E_NOT_FOUND, "short");

	assert_int_equal(len, 10);
	assert_memory_equal(buf, "\0\5\0\1short", 10);
	len = tftp_put_error(buf, sizeof(buf), TFTP_E_NOT_FOUND, "0123456789ab");
	assert_int_equal(len, 16);
	assert_string_equal((char *)buf + 4, "0123456789a");
	len = tftp_put_error(buf, sizeof(buf), TFTP_E_NOT_FOUND, "0123456789\xc3\xa9");
	assert_int_equal(len, 15);
	assert_string_equal((char *)buf + 4, "0123456789");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_without_options),
		cmocka_unit_test(modes_in_any_case),
		cmocka_unit_test(options_in_any_case_and_order),
		cmocka_unit_test(ipxe_asks_for_multicast_and_is_not_given_it),
		cmocka_unit_test(of_a_repeated_option_the_first_counts),
		cmocka_unit_test(values_outside_their_rfc_are_as_if_not_asked),
		cmocka_unit_test(apple_openfirmware_garbage_after_the_options_is_ignored),
		cmocka_unit_test(what_is_no_tftp_has_a_reason),
		cmocka_unit_test(data_ack_and_error),
		cmocka_unit_test(what_is_built_parses_again),
		cmocka_unit_test(a_long_error_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
