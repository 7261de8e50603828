#include "tftp/netascii.h"

/* What the byte at `at` becomes; moves on. */
static uint8_t
translate(struct netascii *at, uint8_t c)
{
	if (!at->half && (c == '\n' || c == '\r')) {
		at->half = 1;
		return '\r';
	}
	if (at->half)
		c = c == '\n' ? '\n' : '\0';
	at->half = 0;
	at->off++;
	return c;
}

int
netascii_read(struct netascii *at, struct content *content, uint8_t *out, size_t len)
{
	uint64_t size = content_size(content);
	uint8_t chunk[512];
	size_t n = 0;

	while (n < len && at->off < size) {
		uint64_t start = at->off, left = size - start;
		size_t want = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
		int err;

		if (want > len - n)
			want = len - n;
		err = content_read(content, start, chunk, want);
		if (err < 0)
			return err;
		while (n < len && at->off < start + want) {
			uint8_t c = translate(at, chunk[at->off - start]);

			if (out != NULL)
				out[n] = c;
			n++;
		}
	}
	return (int)n;
}
