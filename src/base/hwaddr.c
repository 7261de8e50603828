#include "base/hwaddr.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

/* Reads hex digits into `out`, skipping `sep`; how many digits, or -1. */
static int
read_hex(const char *text, size_t len, const char *sep, uint8_t *out, int digits)
{
	int n = 0;

	for (size_t i = 0; i < len; i++) {
		int v = hex_value(text[i]);

		if (v < 0 && text[i] != '\0' && strchr(sep, text[i]))
			continue;
		if (v < 0 || n == digits)
			return -1;
		out[n / 2] = (uint8_t)(n % 2 ? out[n / 2] | v : v << 4);
		n++;
	}
	return n;
}

/* The separators must stand where one spelling has them, all the same. */
static bool
mac_shape(const char *text, size_t len)
{
	size_t step = len == 17 ? 3 : 5;

	if (len == 12)
		return true;
	if (len != 17 && len != 14)
		return false;
	for (size_t i = step - 1; i < len; i += step)
		if (text[i] != text[step - 1] || !strchr(":-._", text[i]))
			return false;
	return true;
}

bool
mac_parse(const char *text, size_t len, struct mac *out)
{
	return mac_shape(text, len) && read_hex(text, len, ":-._", out->b, 12) == 12;
}

const char *
mac_text(const struct mac *mac, char buf[static MAC_TEXT])
{
	const uint8_t *b = mac->b;

	snprintf(buf, MAC_TEXT, "%02x-%02x-%02x-%02x-%02x-%02x", b[0], b[1], b[2], b[3],
		b[4], b[5]);
	return buf;
}

bool
uuid_parse(const char *text, size_t len, struct uuid *out)
{
	if (len >= 2 && text[0] == '{' && text[len - 1] == '}') {
		text++;
		len -= 2;
	}
	if (len != 32 && len != 36)
		return false;
	for (size_t i = 0; len == 36 && i < len; i++)
		if ((text[i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
			return false;
	return read_hex(text, len, "-", out->b, 32) == 32;
}

const char *
uuid_text(const struct uuid *uuid, char buf[static UUID_TEXT])
{
	char *p = buf;

	for (int i = 0; i < 16; i++)
		p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
			uuid->b[i]);
	return buf;
}

struct uuid
uuid_swapped(const struct uuid *uuid)
{
	static const uint8_t order[16] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	struct uuid out;

	for (size_t i = 0; i < sizeof(order); i++)
		out.b[i] = uuid->b[order[i]];
	return out;
}
