/* RFC 2347, 2348, 2349, 7440: what is asked for, and what of that is granted. */
#include "unit.h"

#include "tftp/rto.h"
#include "tftp/terms.h"

#define NONE UINT64_MAX /* not asked for, or not granted */

struct options {
	uint64_t blksize, tsize, timeout, windowsize;
};

static struct tftp_opts
opts_of(struct options o)
{
	uint64_t value[TFTP_OPTIONS] = {o.blksize, o.tsize, o.timeout, o.windowsize};
	struct tftp_opts opts = {0};

	for (int i = 0; i < TFTP_OPTIONS; i++)
		if (value[i] != NONE) {
			opts.set |= 1u << i;
			opts.value[i] = value[i];
		}
	return opts;
}

static const struct {
	const char *why;
	enum tftp_mode mode;
	uint64_t size;
	unsigned refuse;
	struct options asked, granted;
} rows[] = {
	{"nothing asked, nothing granted", TFTP_OCTET, 9000, 0, {NONE, NONE, NONE, NONE},
		{NONE, NONE, NONE, NONE}},
	{"sizes as asked", TFTP_OCTET, 9000, 0, {1024, 0, 3, 4}, {1024, 9000, 3, 4}},
	{"sizes shrink", TFTP_OCTET, 9000, 0, {65464, 1, 255, 65535},
		{1468, 9000, 255, 32}},
	{"sizes never grow", TFTP_OCTET, 9000, 0, {8, NONE, 1, 1}, {8, NONE, 1, 1}},
	{"netascii's size is not known", TFTP_NETASCII, 9000, 0, {512, 0, NONE, NONE},
		{512, NONE, NONE, NONE}},
	{"an empty file has none, for curl", TFTP_OCTET, 0, 0, {NONE, 0, NONE, NONE},
		{NONE, NONE, NONE, NONE}},
	{"refused ones are as if not asked", TFTP_OCTET, 9000,
		1 << TFTP_BLKSIZE | 1 << TFTP_WINDOWSIZE, {1024, 0, 3, 4},
		{NONE, 9000, 3, NONE}},
	{"refused, and not asked", TFTP_OCTET, 9000, 1 << TFTP_TSIZE,
		{1024, NONE, NONE, NONE}, {1024, NONE, NONE, NONE}},
};

static void
nothing_is_granted_that_was_not_asked_nor_more(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tftp_terms terms = {
			.blksize_max = 1468, .window_max = 32, .refuse = rows[i].refuse};
		struct tftp_request req = {
			.mode = rows[i].mode, .opts = opts_of(rows[i].asked)};
		struct tftp_opts want = opts_of(rows[i].granted);
		struct tftp_opts got = tftp_grant(&req, &terms, rows[i].size);

		if (got.set != want.set ||
			memcmp(got.value, want.value, sizeof(got.value)) != 0)
			fail_msg("%s", rows[i].why);
	}
}

static void
a_grant_has_its_meaning_and_its_absence_too(void **state)
{
	static const struct {
		struct options granted;
		unsigned blksize, window;
		int64_t max_rto; /* ms */
	} meanings[] = {
		{{NONE, NONE, NONE, NONE}, 512, 1, 8000},
		{{1468, 9000, NONE, 4}, 1468, 4, 8000},
		{{8, NONE, 1, 64}, 8, 64, 1500},
		{{NONE, NONE, 3, NONE}, 512, 1, 4500},
		{{NONE, NONE, 255, NONE}, 512, 1, 8000},
	};

	for (size_t i = 0; i < COUNT(meanings); i++) {
		struct tftp_opts granted = opts_of(meanings[i].granted);
		struct rto rto;

		assert_int_equal(tftp_blksize(&granted), meanings[i].blksize);
		assert_int_equal(tftp_window(&granted), meanings[i].window);
		rto_init(&rto, 0, tftp_max_rto(&granted));
		assert_int_equal(rto.max, MONO_MS(meanings[i].max_rto));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_granted_that_was_not_asked_nor_more),
		cmocka_unit_test(a_grant_has_its_meaning_and_its_absence_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
