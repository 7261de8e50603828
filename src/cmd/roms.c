/* pixie roms: what is served under which name, from where, and the empty slots. */
#include <stdio.h>
#include <stdlib.h>

#include "assets/asset.h"
#include "boot/rom_list.h"
#include "cmd/cmd.h"
#include "cmd/fail.h"
#include "cmd/setup.h"

int
cmd_roms(const struct conf *c)
{
	struct rom_row *rows;
	const char *twin, *dir = NULL;
	int status = setup_directory("--roms", c->roms, &dir);

	if (status != EX_OK)
		return status;
	rows = rom_rows(dir);
	if (rows == NULL)
		return fail(EX_OSERR, "out of memory");
	printf("%-18s %-8s %-35s %8s  %-64s  %s\n", "NAME", "ARCH", "VERSION", "SIZE",
		"SHA256", "SOURCE");
	for (size_t i = 0; i < roms_count; i++) {
		if (rows[i].size == 0) {
			printf("%-18s %-8s empty slot: give --roms DIR, or build with "
			       "-Droms=DIR\n",
				roms[i].name, roms[i].arch);
			continue;
		}
		printf("%-18s %-8s %-35s %8zu  %s  %s", roms[i].name, roms[i].arch,
			rows[i].version, rows[i].size, rows[i].sha256, rows[i].source);
		twin = rom_same_as(rows, i);
		printf(twin ? "; the same file as %s\n" : "\n", twin);
	}
	printf("\nOther names: ");
	for (size_t i = 0, n = 0; i < roms_count; i++)
		if (*roms[i].alias)
			printf("%s%s = %s", n++ ? ", " : "", roms[i].alias, roms[i].name);
	putchar('\n');
	free(rows);
	return EX_OK;
}
