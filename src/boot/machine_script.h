/* Which script in the directory is this machine's. */
#ifndef PIXIE_BOOT_MACHINE_SCRIPT_H
#define PIXIE_BOOT_MACHINE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hwaddr.h"

/* What a machine says of itself when it asks for "<mac>.ipxe?uuid=…&serial=…". */
struct machine_names {
	struct mac mac;
	struct uuid uuid;
	bool has_uuid;
	char serial[128]; /* "" when it has none */
};

/* Reads the names; false when `name` (one part) is not "<mac>.ipxe". */
bool machine_names_from(const char *name, const char *query, struct machine_names *out);

/*
 * Looks through the directory for the machine's script: by MAC in any case and
 * separators, then by UUID in either spelling (uuid_swapped()), by serial, then
 * default.ipxe. Writes the file's name (at most 255 bytes and NUL) and returns true, or
 * false when there is none.
 */
bool machine_script_find(
	const char *dir, const struct machine_names *m, char found[static 256]);

/* "00-….ipxe, 4c4c4544-….ipxe, SERIAL.ipxe, default.ipxe": what was looked for. */
const char *machine_script_tried(const struct machine_names *m, char *buf, size_t cap);

#endif
