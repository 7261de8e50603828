/* Files inside the executable: the ROMs and the script templates. */
#ifndef PIXIE_ASSETS_ASSET_H
#define PIXIE_ASSETS_ASSET_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Bytes embedded at build time, by tools/gen_assets.py. */
struct asset {
	const char *name;
	const uint8_t *data;
	size_t len;
	const char *sha256;  /* 64 hex digits */
	const char *version; /* of the ROM, "" when unknown */
	const char *source;  /* who built it, e.g. "Debian ipxe 1.21.1+…" */
};

/* The asset of exactly this name, or NULL. */
const struct asset *asset_find(const char *name);

/* When the executable that holds them was written; 0 when that cannot be known. */
time_t asset_mtime(void);

/* A ROM pixie knows by name, filled or not. */
struct rom {
	const char *name, *alias; /* alias "" for none */
	const char *arch;
	const char *what;
};

extern const struct rom roms[];
extern const size_t roms_count;

/* The ROM of this name or alias, in any case, or NULL. */
const struct rom *rom_find(const char *name);

#endif
