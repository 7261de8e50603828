/*
 * How far on its way to an operating system a machine is, by the names it asks for:
 * which file is a ROM, and of which architecture, which a script, which a kernel.
 */
#ifndef PIXIE_MACHINE_STEP_H
#define PIXIE_MACHINE_STEP_H

#include <stdbool.h>

#include "base/mono.h"
#include "machine/event.h"

/* In the order of a boot. */
enum step {
	STEP_NONE,   /* says nothing about a boot */
	STEP_ASK,    /* firmware asks DHCP */
	STEP_ROM,    /* ... fetches what it was named */
	STEP_IPXE,   /* iPXE asks DHCP */
	STEP_MENU,   /* chain.ipxe, autoexec.ipxe */
	STEP_SCRIPT, /* the machine's own */
	STEP_FILE,   /* kernel, initrd, and what comes after */
};

/* Which step an event is. */
enum step step_of(const struct event *e);
/* What a name is: STEP_ROM, STEP_MENU, STEP_SCRIPT, STEP_FILE; NULL: STEP_NONE. */
enum step step_of_name(const char *name);

/* Option 93 of a ROM by its name; -1 when the name does not tell. */
int rom_arch(const char *name);
/* Whether firmware of `arch` can run code for `rom`. Unknown (-1): true. */
bool rom_fits(int arch, int rom);
/* "BIOS", "x86-64 UEFI" ...; "unknown" */
const char *rom_arch_text(int arch);

bool name_is_kernel(const char *name);
bool name_is_initrd(const char *name);

/*
 * Whether an event that is `step` begins a boot, for a machine that came as far as
 * `reached` (STEP_NONE: no boot is open), with a whole ROM or not, and has been silent.
 */
bool step_begins(enum step step, enum transport via, enum step reached, bool rom_sent,
	int64_t silent_us);

#endif
