/* RFC 1350 §1: LF as CR LF, CR as CR NUL, wherever a block ends. */
#include "unit.h"

#include "tftp/netascii.h"

static struct content *
content_of(const char *text, size_t len)
{
	return content_static(text, len, "x", "t", 0);
}

/* All of `text` by blocks of `block` bytes; each but the last is full. */
static size_t
whole(const char *text, size_t len, size_t block, uint8_t *out)
{
	struct content *content = content_of(text, len);
	struct netascii at = {0};
	size_t n = 0;
	int got;

	do {
		got = netascii_read(&at, content, out + n, block);
		assert_in_range(got, 0, block);
		n += (size_t)got;
	} while ((size_t)got == block);
	assert_int_equal(at.off, len);
	assert_false(at.half);
	content_unref(content);
	return n;
}

static void
line_ends_become_pairs(void **state)
{
#define ROW(text, wire)                                                                  \
	{                                                                                \
		text, sizeof(text) - 1, wire, sizeof(wire) - 1                           \
	}
	static const struct {
		const char *text;
		size_t len;
		const char *wire;
		size_t wire_len;
	} rows[] = {
		ROW("", ""),
		ROW("plain", "plain"),
		ROW("\n", "\r\n"),
		ROW("\r", "\r\0"),
		ROW("a\nb\n", "a\r\nb\r\n"),
		ROW("\r\n", "\r\0\r\n"), /* not known to be a line's end: as it is */
		ROW("\n\n\r\r", "\r\n\r\n\r\0\r\0"),
		ROW("\0\xff", "\0\xff"),
	};
	uint8_t out[64];

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t block = 1; block <= 9; block++) {
			size_t n = whole(rows[i].text, rows[i].len, block, out);

			assert_int_equal(n, rows[i].wire_len);
			assert_memory_equal(out, rows[i].wire, n);
		}
}

/* More than is read from the content at a time. */
static void
long_texts_are_read_in_pieces(void **state)
{
	static char text[3000];
	static uint8_t out[2 * sizeof(text)];
	size_t n, at = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "ab\nc\r"[i * 7 % 5];
	n = whole(text, sizeof(text), 1468, out);
	for (size_t i = 0; i < sizeof(text); i++) {
		if (text[i] == '\n')
			assert_int_equal(out[at++], '\r');
		assert_int_equal(out[at++], (uint8_t)text[i]);
		if (text[i] == '\r')
			assert_int_equal(out[at++], '\0');
	}
	assert_int_equal(at, n);
}

/* As after a loss: where a window begins is found out without its bytes. */
static void
it_moves_on_without_writing(void **state)
{
	struct content *content = content_of("a\nb\nc", 5);
	struct netascii at = {0};
	uint8_t out[8];

	assert_int_equal(netascii_read(&at, content, NULL, 2), 2); /* "a\r" */
	assert_int_equal(at.off, 1);
	assert_true(at.half);
	assert_int_equal(netascii_read(&at, content, out, sizeof(out)), 5);
	assert_memory_equal(out, "\nb\r\nc", 5);
	content_unref(content);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_ends_become_pairs),
		cmocka_unit_test(long_texts_are_read_in_pieces),
		cmocka_unit_test(it_moves_on_without_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
