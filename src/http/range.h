/* One byte range, RFC 9110 §14. */
#ifndef PIXIE_HTTP_RANGE_H
#define PIXIE_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

enum ranged {
	RANGE_IGNORED,       /* none, malformed, other unit, several: send everything */
	RANGE_PART,          /* `*off`, `*len` of the representation */
	RANGE_UNSATISFIABLE, /* it begins past the end */
};

/*
 * Reads the value of a Range field for a representation of `size` bytes. Whatever
 * is not exactly one well-formed byte range is ignored (§14.2), never an error.
 */
enum ranged range_parse(
	const char *text, size_t len, uint64_t size, uint64_t *off, uint64_t *part);

#endif
