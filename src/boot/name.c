#include "boot/name.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define PART_MAX 255 /* NAME_MAX of every Linux file system */

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static bool
is_junk(char c)
{
	return is_control((unsigned char)c) || c == '\xff' || c == '/' || c == '\\';
}

/* Without the tail of junk, also where "/." stands between: the result has none. */
static size_t
without_tail(const char *raw, size_t len)
{
	for (;;) {
		while (len > 0 && is_junk(raw[len - 1]))
			len--;
		if (len < 2 || raw[len - 1] != '.' ||
			(raw[len - 2] != '/' && raw[len - 2] != '\\'))
			return len;
		len--;
	}
}

/* Appends one part; NULL, or why it may not be. */
static const char *
add_part(char *out, size_t *at, const char *part, size_t n)
{
	if (n == 0 || (n == 1 && part[0] == '.'))
		return NULL;
	if (n == 2 && part[0] == '.' && part[1] == '.')
		return "the name has a '..' part";
	if (n > PART_MAX || *at + n + 2 > NAME_MAX_BYTES)
		return "the name is too long";
	for (size_t i = 0; i < n; i++)
		if (is_control((unsigned char)part[i]))
			return "the name has a control byte inside";
	if (*at > 0)
		out[(*at)++] = '/';
	memcpy(out + *at, part, n);
	*at += n;
	return NULL;
}

bool
name_clean(const char *raw, size_t len, char out[static NAME_MAX_BYTES], const char **why)
{
	size_t start = 0, at = 0;

	len = without_tail(raw, len);
	*why = NULL;
	for (size_t i = 0; i <= len && *why == NULL; i++)
		if (i == len || raw[i] == '/' || raw[i] == '\\') {
			*why = add_part(out, &at, raw + start, i - start);
			start = i + 1;
		}
	out[at] = '\0';
	return *why == NULL;
}

const char *
name_last(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

/* Decodes one character of `*p`, moving it on; -1 for a broken escape. */
static int
decode(const char **p)
{
	int hi, lo;

	if (**p != '%')
		return (unsigned char)*(*p)++;
	hi = hex_value((*p)[1]);
	lo = hi < 0 ? -1 : hex_value((*p)[2]);
	if (lo < 0)
		return -1;
	*p += 3;
	return hi << 4 | lo;
}

static bool
decode_value(const char *p, char *buf, size_t cap)
{
	size_t n = 0;

	while (*p != '\0' && *p != '&') {
		int c = decode(&p);

		if (c < 0 || is_control((unsigned char)c) || c == '/' || n + 1 >= cap)
			return false;
		buf[n++] = (char)c;
	}
	buf[n] = '\0';
	return n > 0;
}

static bool
decode_text(const char *p, char *buf, size_t cap)
{
	size_t n = 0;

	while (*p != '\0' && *p != '&') {
		int c = decode(&p);

		if (c < 0)
			return false;
		if (n + 1 < cap)
			buf[n++] = is_control((unsigned char)c) ? ' ' : (char)c;
	}
	buf[n] = '\0';
	return n > 0;
}

/* Where the value of `key` begins; NULL when there is none. */
static const char *
value_of(const char *query, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = query; p != NULL && *p != '\0';
		p = strchr(p, '&') ? strchr(p, '&') + 1 : NULL)
		if (strncmp(p, key, n) == 0 && p[n] == '=')
			return p + n + 1;
	return NULL;
}

bool
name_from_query(const char *query, const char *key, char *buf, size_t cap)
{
	const char *value = value_of(query, key);

	return value != NULL && decode_value(value, buf, cap);
}

bool
name_text_from_query(const char *query, const char *key, char *buf, size_t cap)
{
	const char *value = value_of(query, key);

	return value != NULL && decode_text(value, buf, cap);
}
