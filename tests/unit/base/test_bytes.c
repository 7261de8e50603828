#include "unit.h"

#include "base/bytes.h"

static void
integers_are_big_endian(void **state)
{
	uint8_t buf[6];
	struct writer w = writer_of(buf, sizeof(buf));
	struct reader r;

	wr_be16(&w, 0x0102);
	wr_be32(&w, 0x03040506);
	assert_false(w.bad);
	assert_memory_equal(buf, "\1\2\3\4\5\6", 6);
	r = reader_of(buf, sizeof(buf));
	assert_int_equal(rd_be16(&r), 0x0102);
	assert_int_equal(rd_be32(&r), 0x03040506);
	assert_int_equal(rd_left(&r), 0);
	assert_false(r.bad);
}

static void
a_short_read_is_zero_and_stays_bad(void **state)
{
	struct reader r = reader_of("\1\2\3", 3);

	assert_int_equal(rd_be32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_left(&r), 0);
	assert_null(rd_take(&r, 1));
}

static void
a_string_needs_its_nul(void **state)
{
	struct reader r = reader_of("ab\0cd", 5);
	size_t n;

	assert_string_equal(rd_cstr(&r, &n), "ab");
	assert_int_equal(n, 2);
	assert_null(rd_cstr(&r, &n));
	assert_int_equal(n, 0);
	assert_true(r.bad);
}

static void
an_empty_reader_has_no_string(void **state)
{
	struct reader r = reader_of(NULL, 0);
	size_t n;

	assert_null(rd_cstr(&r, &n));
	assert_true(r.bad);
}

static void
a_full_writer_writes_nothing_more(void **state)
{
	uint8_t buf[4] = {9, 9, 9, 9};
	struct writer w = writer_of(buf, 3);

	wr_be16(&w, 1);
	wr_be16(&w, 2);
	assert_true(w.bad);
	wr_u8(&w, 3);
	assert_int_equal(w.len, 2);
	assert_memory_equal(buf, "\0\1\11\11", 4);
}

static void
formatted_text_that_does_not_fit_is_bad(void **state)
{
	char buf[8];
	struct writer w = writer_of(buf, sizeof(buf));

	wr_fmt(&w, "%d", 1234567);
	assert_false(w.bad);
	assert_int_equal(w.len, 7);
	wr_fmt(&w, "x");
	assert_true(w.bad);
	assert_int_equal(w.len, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(a_short_read_is_zero_and_stays_bad),
		cmocka_unit_test(a_string_needs_its_nul),
		cmocka_unit_test(an_empty_reader_has_no_string),
		cmocka_unit_test(a_full_writer_writes_nothing_more),
		cmocka_unit_test(formatted_text_that_does_not_fit_is_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
