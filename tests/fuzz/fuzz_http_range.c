/* Ranges, dates and preconditions: whatever is asked, what is given lies within. */
#include <stdlib.h>
#include <string.h>

#include "http/cond.h"
#include "http/httpdate.h"
#include "http/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1750000000

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* A date that was understood is understood again as we write it. */
static void
check_date(const char *text, size_t len)
{
	char buf[HTTP_DATE_TEXT];
	time_t t, again;

	if (!http_date_parse(text, len, NOW, &t))
		return;
	http_date_format(t, buf);
	require(http_date_parse(buf, HTTP_DATE_LEN, NOW, &again) && t == again);
}

static void
check_range(const char *text, size_t len, uint64_t size)
{
	uint64_t off, part;

	if (range_parse(text, len, size, &off, &part) == RANGE_PART)
		require(part > 0 && off < size && part <= size - off);
}

/* The input's lines are the fields, in the order of struct request. */
static void
check_conditions(const char *text, size_t len)
{
	struct request req = {.method = METHOD_GET};
	struct span *fields[] = {&req.range, &req.if_range, &req.if_match,
		&req.if_none_match, &req.if_modified_since, &req.if_unmodified_since};
	struct validators v = {"\"a\"", 784111777, 1000};
	struct selection s;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && len > 0; i++) {
		const char *lf = memchr(text, '\n', len);
		size_t n = lf ? (size_t)(lf - text) : len;

		if (n > 0)
			*fields[i] = (struct span){text, n};
		n += lf != NULL;
		text += n;
		len -= n;
	}
	s = select_part(&req, &v, NOW);
	require(s.off <= v.size && s.len <= v.size - s.off);
	require(s.status == 206 || s.off == 0);
	require(s.status != 200 || s.len == v.size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1); /* of its exact size, for the sanitizer */

	memcpy(text, data, size);
	check_date(text, size);
	check_range(text, size, 1000);
	check_range(text, size, UINT64_MAX);
	check_conditions(text, size);
	free(text);
	return 0;
}
