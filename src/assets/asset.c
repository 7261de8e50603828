#include "assets/asset.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Written by tools/gen_assets.py. */
extern const struct asset assets[];
extern const size_t assets_count;

const struct rom roms[] = {
#define ROM(name, alias, arch, what) {name, alias, arch, what},
#include "assets/roms.def"
#undef ROM
};
const size_t roms_count = sizeof(roms) / sizeof(*roms);

const struct asset *
asset_find(const char *name)
{
	for (size_t i = 0; i < assets_count; i++)
		if (strcmp(assets[i].name, name) == 0)
			return &assets[i];
	return NULL;
}

time_t
asset_mtime(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) == 0 ? st.st_mtim.tv_sec : 0;
}

const struct rom *
rom_find(const char *name)
{
	for (size_t i = 0; i < roms_count; i++)
		if (strcasecmp(roms[i].name, name) == 0 ||
			(*roms[i].alias && strcasecmp(roms[i].alias, name) == 0))
			return &roms[i];
	return NULL;
}
