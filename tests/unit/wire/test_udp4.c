#include "unit.h"

#include "wire/udp4.h"

/* 192.0.2.1:67 to 255.255.255.255:68, "abc", as Linux sent it. */
static size_t
packet(uint8_t *p)
{
	static const uint8_t ip[] = {0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0,
		2, 1, 255, 255, 255, 255};
	struct udp4 d = {be32_from(0xc0000201), be32_from(0xffffffff), 67, 68,
		(const uint8_t *)"abc", 3};

	memcpy(p, ip, sizeof(ip));
	udp4_head(p + 20, &d);
	memcpy(p + 28, "abc", 3);
	return 31;
}

static void
what_is_written_is_read_again(void **state)
{
	uint8_t p[64];
	size_t n = packet(p);
	struct udp4 d;

	assert_true(udp4_parse(p, n + 15, &d)); /* Ethernet's padding behind */
	assert_int_equal(be32_to(d.src), 0xc0000201);
	assert_int_equal(be32_to(d.dst), 0xffffffff);
	assert_int_equal(d.sport, 67);
	assert_int_equal(d.dport, 68);
	assert_int_equal(d.len, 3);
	assert_memory_equal(d.data, "abc", 3);
}

/* The sum over pseudo header, header and data is all ones. */
static void
the_checksum_checks(void **state)
{
	uint8_t p[64] = {0};
	uint32_t sum = 17 + 11;

	packet(p);
	for (size_t i = 12; i < 32; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
}

static void
broken_packets_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{0, 0x65}, /* IPv6 */
		{0, 0x44}, /* header shorter than one */
		{0, 0x4f}, /* ... longer than the packet */
		{3, 27},   /* total shorter than the headers */
		{3, 200},  /* ... longer than what came */
		{6, 0x20}, /* more fragments */
		{7, 1},    /* a later fragment */
		{9, 6},    /* TCP */
		{25, 7},   /* UDP length shorter than its header */
		{25, 12},  /* ... longer than the packet */
	};
	uint8_t p[64];
	struct udp4 d;

	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = packet(p);

		p[rows[i].at] = rows[i].value;
		assert_false(udp4_parse(p, n, &d));
	}
	for (size_t n = 0; n < 31; n++) {
		packet(p);
		assert_false(udp4_parse(p, n, &d));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(the_checksum_checks),
		cmocka_unit_test(broken_packets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
