/* What a script says of itself in its first lines: "# pixie: once". */
#ifndef PIXIE_BOOT_SCRIPT_STATE_H
#define PIXIE_BOOT_SCRIPT_STATE_H

#include <stddef.h>

#include "machine/registry.h"

/* The line counts among so many, and within so many bytes. */
#define SCRIPT_STATE_LINES 16
#define SCRIPT_STATE_BYTES 2048

/*
 * The state that a line "# pixie: WORD" at the head of the script asks for, or
 * STATE_BOOT. Blanks and the case of the letters do not count; the first such line
 * does. A word that is none sets `*wrong` to it (and `*wrong_len`), else to NULL.
 */
enum machine_state script_state(
	const char *text, size_t len, const char **wrong, size_t *wrong_len);

#endif
