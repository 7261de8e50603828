/* Which ROM runs on which machine: IANA's "Processor Architecture Types" (option 93). */
#ifndef PIXIE_BOOT_ARCH_H
#define PIXIE_BOOT_ARCH_H

#include <stddef.h>
#include <stdint.h>

enum arch_kind { ARCH_BIOS, ARCH_UEFI, ARCH_HTTP, ARCH_UBOOT, ARCH_PI };

struct arch {
	uint16_t number;
	enum arch_kind kind;
	const char *rom;  /* its name in roms.def; NULL: nobody builds one */
	const char *name; /* for people */
};

/* NULL for numbers that no machine we know of boots from a network with. */
const struct arch *arch_find(uint16_t number);

extern const struct arch archs[];
extern const size_t archs_count;

#endif
