/* A requested name made canonical, or refused. No file is touched here. */
#ifndef PIXIE_BOOT_NAME_H
#define PIXIE_BOOT_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "boot/resolve.h"

/*
 * Writes the canonical form of `raw`: parts joined by single slashes, none in
 * front or behind, empty for the root. Backslashes are slashes (Windows bootmgr,
 * some GRUBs), "." and empty parts vanish, a tail of 0xFF and control bytes is
 * dropped (firmware that reads past option 67, netboot.xyz#1198). False, with a
 * constant reason, for "..", NUL or control bytes inside, and over-long names.
 */
bool name_clean(
	const char *raw, size_t len, char out[static NAME_MAX_BYTES], const char **why);

/* The part after the last slash. Borrowed from `name`. */
const char *name_last(const char *name);

/*
 * The value of `key` in a query string, %-decoded, into `buf`; false when it is
 * absent, empty, does not fit, or holds a NUL, control byte or slash: it is to
 * become part of a file name.
 */
bool name_from_query(const char *query, const char *key, char *buf, size_t cap);

/*
 * The same of a value that is text: what does not fit is cut, a slash is one, control
 * bytes become spaces. False when it is absent, empty or wrongly escaped.
 */
bool name_text_from_query(const char *query, const char *key, char *buf, size_t cap);

#endif
