/* What is served under each ROM's name, from where, and which slots are empty. */
#ifndef PIXIE_BOOT_ROM_LIST_H
#define PIXIE_BOOT_ROM_LIST_H

#include <stddef.h>

#define ROM_SHA256_TEXT 65

struct rom_row {
	const char *source;
	char version[64];
	char sha256[ROM_SHA256_TEXT];
	size_t size; /* 0: an empty slot */
};

/*
 * One row for each of `roms` (assets/asset.h), in their order; free() it. NULL without
 * memory. `dir`: --roms, NULL or "" for none; it outlives the rows. Reads and hashes
 * whole files.
 */
struct rom_row *rom_rows(const char *dir);

/*
 * The other ROM that row `i` is the same file as; NULL: none. Debian has no snponly for
 * arm64; its ipxe-arm64.efi stands in, and is said to.
 */
const char *rom_same_as(const struct rom_row rows[], size_t i);

#endif
