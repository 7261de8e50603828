/* Dates, ranges and preconditions. */
#include "unit.h"

#include "http/cond.h"
#include "http/httpdate.h"
#include "http/range.h"

#define NOW 1750000000 /* Sun, 15 Jun 2025 15:06:40 GMT */
#define THEN 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT, the RFC's example */

static void
dates(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		time_t t;
	} table[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", true, THEN},
		{"Sunday, 06-Nov-94 08:49:37 GMT", true, THEN},
		{"Sun Nov  6 08:49:37 1994", true, THEN},
		{"Sun Nov 06 08:49:37 1994", true, THEN},
		{"Mon, 06 Nov 1994 08:49:37 GMT", true, THEN}, /* whose day is wrong */
		{"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
		{"Thu, 29 Feb 2024 12:00:00 GMT", true, 1709208000},
		{"Wednesday, 01-Jan-70 00:00:00 GMT", true, 3155760000}, /* 2070 */
		{"Friday, 01-Jan-76 00:00:00 GMT", true, 189302400},     /* 1976 */
		{"Thu, 30 Feb 2023 12:00:00 GMT", false, 0},
		{"Sun, 06 Nov 1994 24:49:37 GMT", false, 0},
		{"Sun, 06 Nov 1994 08:60:37 GMT", false, 0},
		{"Sun, 06 Nov 1994 08:49:37 UTC", false, 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT ", false, 0},
		{"Sun, 06 Nov 1994 08:49:37", false, 0},
		{"Sun, 6 Nov 1994 08:49:37 GMT", false, 0},
		{"Sun, 06 nov 1994 08:49:37 GMT", false, 0},
		{"Sun, 00 Nov 1994 08:49:37 GMT", false, 0},
		{"06 Nov 1994 08:49:37 GMT", false, 0},
		{"Sun", false, 0},
		{"Sunday", false, 0},
		{"Sun,", false, 0},
		{"", false, 0},
		{"784111777", false, 0},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		time_t t = -1;

		print_message("# '%s'\n", table[i].text);
		assert_int_equal(
			http_date_parse(table[i].text, strlen(table[i].text), NOW, &t),
			table[i].ok);
		if (table[i].ok)
			assert_int_equal(t, table[i].t);
	}
}

static void
dates_are_written_as_they_are_read(void **state)
{
	char buf[HTTP_DATE_TEXT];

	assert_string_equal(http_date_format(THEN, buf), "Sun, 06 Nov 1994 08:49:37 GMT");
	for (time_t t = 0; t < 4102444800; t += 86399 * 17) {
		time_t back;

		http_date_format(t, buf);
		assert_int_equal(strlen(buf), HTTP_DATE_LEN);
		assert_true(http_date_parse(buf, HTTP_DATE_LEN, NOW, &back));
		assert_int_equal(back, t);
	}
}

static void
ranges_of_1000_bytes(void **state)
{
	static const struct {
		const char *text;
		enum ranged kind;
		uint64_t off, len;
	} table[] = {
		{"bytes=0-0", RANGE_PART, 0, 1},
		{"bytes=0-499", RANGE_PART, 0, 500},
		{"bytes=500-999", RANGE_PART, 500, 500},
		{"bytes=500-", RANGE_PART, 500, 500},
		{"bytes=0-", RANGE_PART, 0, 1000},
		{"bytes=999-", RANGE_PART, 999, 1},
		{"bytes=-1", RANGE_PART, 999, 1},
		{"bytes=-1000", RANGE_PART, 0, 1000},
		{"bytes=-5000", RANGE_PART, 0, 1000},
		{"bytes=0-5000", RANGE_PART, 0, 1000},
		{"bytes=5-99999999999999999999999999", RANGE_PART, 5, 995},
		{"BYTES=0-0", RANGE_PART, 0, 1},
		{"bytes= 1-2 ", RANGE_PART, 1, 2},
		{"bytes=1000-", RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=1000-2000", RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=99999999999999999999999999-", RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=-0", RANGE_UNSATISFIABLE, 0, 0},
		{"bytes=2-1", RANGE_IGNORED, 0, 0},
		{"bytes=2000-1999", RANGE_IGNORED, 0, 0},
		{"bytes=0-1,5-6", RANGE_IGNORED, 0, 0},
		{"bytes=0-1,", RANGE_IGNORED, 0, 0},
		{"bytes=", RANGE_IGNORED, 0, 0},
		{"bytes=-", RANGE_IGNORED, 0, 0},
		{"bytes=--1", RANGE_IGNORED, 0, 0},
		{"bytes=5", RANGE_IGNORED, 0, 0},
		{"bytes=a-b", RANGE_IGNORED, 0, 0},
		{"bytes=1-b", RANGE_IGNORED, 0, 0},
		{"bytes=1-2x", RANGE_IGNORED, 0, 0},
		{"bytes=0x1-2", RANGE_IGNORED, 0, 0},
		{"bytes=1--2", RANGE_IGNORED, 0, 0},
		{"bytes=+1-2", RANGE_IGNORED, 0, 0},
		{"bytes 0-1", RANGE_IGNORED, 0, 0},
		{"blocks=0-1", RANGE_IGNORED, 0, 0},
		{"0-1", RANGE_IGNORED, 0, 0},
		{"", RANGE_IGNORED, 0, 0},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		uint64_t off = 0, len = 0;

		print_message("# '%s'\n", table[i].text);
		assert_int_equal(range_parse(table[i].text, strlen(table[i].text), 1000,
					 &off, &len),
			table[i].kind);
		if (table[i].kind != RANGE_PART)
			continue;
		assert_int_equal(off, table[i].off);
		assert_int_equal(len, table[i].len);
	}
}

static void
an_empty_file_has_no_parts(void **state)
{
	uint64_t off, len;

	assert_int_equal(range_parse("bytes=0-", 8, 0, &off, &len), RANGE_IGNORED);
	assert_int_equal(range_parse("bytes=-5", 8, 0, &off, &len), RANGE_IGNORED);
}

static struct span
span(const char *text)
{
	return (struct span){text, text ? strlen(text) : 0};
}

#define IMF_THEN "Sun, 06 Nov 1994 08:49:37 GMT"
#define IMF_EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define IMF_LATER "Sun, 06 Nov 1994 08:49:38 GMT"

/* One file: 1000 bytes, tag "a", changed THEN; and which part of it each request gets. */
static void
preconditions(void **state)
{
	static const struct {
		const char *match, *none_match, *modified, *unmodified, *range, *if_range;
		int status;
	} table[] = {
		{NULL, NULL, NULL, NULL, NULL, NULL, 200},
		/* §13.1.1 If-Match */
		{"\"a\"", NULL, NULL, NULL, NULL, NULL, 200},
		{"\"b\"", NULL, NULL, NULL, NULL, NULL, 412},
		{"*", NULL, NULL, NULL, NULL, NULL, 200},
		{"\"b\", \"a\"", NULL, NULL, NULL, NULL, NULL, 200},
		{"\"b,\"a\"", NULL, NULL, NULL, NULL, NULL, 412},
		{"W/\"a\"", NULL, NULL, NULL, NULL, NULL, 412},
		{"a", NULL, NULL, NULL, NULL, NULL, 412},
		{"", NULL, NULL, NULL, NULL, NULL, 412},
		{"\"a\"", NULL, NULL, IMF_EARLIER, NULL, NULL, 200}, /* date not asked */
		/* §13.1.4 If-Unmodified-Since */
		{NULL, NULL, NULL, IMF_THEN, NULL, NULL, 200},
		{NULL, NULL, NULL, IMF_LATER, NULL, NULL, 200},
		{NULL, NULL, NULL, IMF_EARLIER, NULL, NULL, 412},
		{NULL, NULL, NULL, "yesterday", NULL, NULL, 200},
		/* §13.1.2 If-None-Match */
		{NULL, "\"a\"", NULL, NULL, NULL, NULL, 304},
		{NULL, "W/\"a\"", NULL, NULL, NULL, NULL, 304},
		{NULL, "\"b\" , W/\"a\"", NULL, NULL, NULL, NULL, 304},
		{NULL, ",, \"a\"", NULL, NULL, NULL, NULL, 304},
		{NULL, "*", NULL, NULL, NULL, NULL, 304},
		{NULL, "\"b\"", NULL, NULL, NULL, NULL, 200},
		{NULL, "\"b\"", IMF_LATER, NULL, NULL, NULL, 200}, /* date not asked */
		{NULL, "\"a\"", IMF_EARLIER, NULL, NULL, NULL, 304},
		/* §13.1.3 If-Modified-Since */
		{NULL, NULL, IMF_THEN, NULL, NULL, NULL, 304},
		{NULL, NULL, IMF_LATER, NULL, NULL, NULL, 304},
		{NULL, NULL, IMF_EARLIER, NULL, NULL, NULL, 200},
		{NULL, NULL, "0", NULL, NULL, NULL, 200},
		/* §13.2.2: the order */
		{"\"b\"", "\"a\"", NULL, NULL, NULL, NULL, 412},
		{"\"a\"", "\"a\"", NULL, NULL, NULL, NULL, 304},
		{NULL, "\"a\"", NULL, NULL, "bytes=0-1", NULL, 304},
		{NULL, NULL, NULL, NULL, "bytes=0-1", NULL, 206},
		{NULL, NULL, NULL, NULL, "bytes=1000-", NULL, 416},
		{NULL, NULL, NULL, NULL, "bytes=x", NULL, 200},
		/* §13.1.5 If-Range */
		{NULL, NULL, NULL, NULL, "bytes=0-1", "\"a\"", 206},
		{NULL, NULL, NULL, NULL, "bytes=0-1", "\"b\"", 200},
		{NULL, NULL, NULL, NULL, "bytes=0-1", "W/\"a\"", 200},
		{NULL, NULL, NULL, NULL, "bytes=0-1", IMF_THEN, 206},
		{NULL, NULL, NULL, NULL, "bytes=0-1", IMF_LATER, 200},
		{NULL, NULL, NULL, NULL, "bytes=0-1", IMF_EARLIER, 200},
		{NULL, NULL, NULL, NULL, "bytes=1000-", "\"b\"", 200},
		{NULL, NULL, NULL, NULL, NULL, "\"a\"", 200},
	};
	struct validators v = {"\"a\"", THEN, 1000};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct request req = {.method = METHOD_GET,
			.if_match = span(table[i].match),
			.if_none_match = span(table[i].none_match),
			.if_modified_since = span(table[i].modified),
			.if_unmodified_since = span(table[i].unmodified),
			.range = span(table[i].range),
			.if_range = span(table[i].if_range)};

		print_message("# %zu\n", i);
		assert_int_equal(select_part(&req, &v, NOW).status, table[i].status);
	}
}

static void
edk2_resume_if_match(void **state)
{
	struct validators v = {"\"a\"", THEN, 1000};
	struct request req = {.method = METHOD_GET,
		.range = span("bytes=400-"),
		.if_match = span("\"a\"")};
	struct selection s = select_part(&req, &v, NOW);

	assert_int_equal(s.status, 206);
	assert_int_equal(s.off, 400);
	assert_int_equal(s.len, 600);
	v.etag = "\"b\""; /* the file was replaced meanwhile: it must start again */
	assert_int_equal(select_part(&req, &v, NOW).status, 412);
}

static void
edk2_resume_if_unmodified_since(void **state)
{
	struct validators v = {"\"a\"", THEN, 1000};
	struct request req = {.method = METHOD_GET,
		.range = span("bytes=400-"),
		.if_unmodified_since = span(IMF_THEN)};

	assert_int_equal(select_part(&req, &v, NOW).status, 206);
	v.mtime++;
	assert_int_equal(select_part(&req, &v, NOW).status, 412);
}

static void
ipxe_sanboot_range(void **state)
{
	struct validators v = {"\"a\"", THEN, 1000};
	struct request req = {.method = METHOD_GET, .range = span("bytes=512-767")};
	struct selection s = select_part(&req, &v, NOW);

	assert_int_equal(s.status, 206); /* on a 200 it gives up */
	assert_int_equal(s.off, 512);
	assert_int_equal(s.len, 256);
}

static void
range_means_nothing_on_head(void **state)
{
	struct validators v = {"\"a\"", THEN, 1000};
	struct request req = {.method = METHOD_HEAD, .range = span("bytes=512-767")};

	assert_int_equal(select_part(&req, &v, NOW).status, 200);
	assert_int_equal(select_part(&req, &v, NOW).len, 1000);
}

static void
bootimus_bad_range_is_200(void **state)
{
	struct validators v = {"\"a\"", THEN, 1000};
	struct request req = {.method = METHOD_GET, .range = span("bytes=oops")};

	assert_int_equal(select_part(&req, &v, NOW).status, 200);
}

static void
scripts_have_no_date(void **state)
{
	struct validators v = {"\"a\"", 0, 1000};
	struct request req = {.method = METHOD_GET,
		.if_modified_since = span(IMF_LATER),
		.if_unmodified_since = span(IMF_EARLIER)};

	assert_int_equal(select_part(&req, &v, NOW).status, 200);
}

static void
a_date_of_this_second_is_weak(void **state)
{
	struct validators v = {"\"a\"", THEN, 1000};
	struct request req = {.method = METHOD_GET,
		.range = span("bytes=0-1"),
		.if_range = span(IMF_THEN)};

	assert_int_equal(select_part(&req, &v, THEN).status, 200);
	assert_int_equal(select_part(&req, &v, THEN + 1).status, 206);
}

static void
no_modification_in_the_future(void **state)
{
	assert_int_equal(representation_mtime(THEN, NOW), THEN);
	assert_int_equal(representation_mtime(NOW, NOW), NOW);
	assert_int_equal(representation_mtime(NOW + 1, NOW), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test(dates_are_written_as_they_are_read),
		cmocka_unit_test(ranges_of_1000_bytes),
		cmocka_unit_test(an_empty_file_has_no_parts),
		cmocka_unit_test(preconditions),
		cmocka_unit_test(edk2_resume_if_match),
		cmocka_unit_test(edk2_resume_if_unmodified_since),
		cmocka_unit_test(ipxe_sanboot_range),
		cmocka_unit_test(range_means_nothing_on_head),
		cmocka_unit_test(bootimus_bad_range_is_200),
		cmocka_unit_test(scripts_have_no_date),
		cmocka_unit_test(a_date_of_this_second_is_weak),
		cmocka_unit_test(no_modification_in_the_future),
	};

	return cmocka_run_group_tests_name("http range", tests, NULL, NULL);
}
