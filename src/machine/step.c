#define _GNU_SOURCE /* strcasestr() */
#include "machine/step.h"

#include <string.h>
#include <strings.h>

static const char *
last_part(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcasecmp(name + n - m, end) == 0;
}

/* By the end of the name; asked at every request, so without a list to go through. */
static bool
is_rom_end(const char *end)
{
	switch (*end | 0x20) {
	case 'e':
		return strcasecmp(end, "efi") == 0;
	case 'k':
		return strcasecmp(end, "kpxe") == 0 || strcasecmp(end, "kkpxe") == 0;
	case 'p':
		return strcasecmp(end, "pxe") == 0;
	case 'l':
		return strcasecmp(end, "lkrn") == 0;
	case 'n':
		return strcasecmp(end, "n12") == 0; /* Windows' pxeboot.n12 */
	case '0':
		return end[1] == '\0'; /* pxelinux.0 */
	default:
		return false;
	}
}

/* What is behind the last dot; "" without. */
static const char *
end_of(const char *last)
{
	const char *dot = strrchr(last, '.');

	return dot ? dot + 1 : "";
}

enum step
step_of_name(const char *name)
{
	const char *last, *end;

	if (name == NULL || *name == '\0')
		return STEP_NONE;
	last = last_part(name);
	end = end_of(last);
	if (is_rom_end(end))
		return STEP_ROM;
	if (strcasecmp(end, "ipxe") != 0)
		return STEP_FILE;
	if (strcasecmp(last, "chain.ipxe") == 0 || strcasecmp(last, "autoexec.ipxe") == 0)
		return STEP_MENU;
	return STEP_SCRIPT;
}

static bool
is_ipxe(const char *class)
{
	return class != NULL &&
	       (strstr(class, "iPXE") != NULL || strstr(class, "gPXE") != NULL);
}

enum step
step_of(const struct event *e)
{
	switch (e->kind) {
	case EV_DISCOVER:
		return is_ipxe(e->text) ? STEP_IPXE : STEP_ASK;
	case EV_SCRIPT:
		return STEP_SCRIPT;
	case EV_ASKED:
	case EV_PROBED:
	case EV_SENT:
	case EV_FAILED:
	case EV_MISSING:
	case EV_REFUSED:
		return step_of_name(e->name);
	default:
		return STEP_NONE;
	}
}

/*
 * By what the name has in it, the longer words first. x64 is what EFI PCs are: names
 * without an architecture (ipxe.efi, snponly.efi, shim.efi) mean that.
 */
int
rom_arch(const char *name)
{
	static const struct {
		const char *has;
		int arch;
	} words[] = {{"riscv32", 25}, {"riscv64", 27}, {"loong64", 39},
		{"loongarch64", 39}, {"arm64", 11}, {"aa64", 11}, {"aarch64", 11},
		{"-arm.efi", 11}, {"arm32", 10}, {"armhf", 10}, {"bootarm.efi", 10},
		{"ia32", 6}, {"i386", 6}, {"32.efi", 6}};
	char lower[256];
	size_t n = 0;

	for (const char *p = name; *p != '\0' && n < sizeof(lower) - 1; p++)
		lower[n++] = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
	lower[n] = '\0';
	if (!ends_in(lower, ".efi"))
		return is_rom_end(end_of(last_part(lower))) ? 0 : -1;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(lower, words[i].has) != NULL)
			return words[i].arch;
	return 7;
}

/* One number for each of those that run the same code (IANA's list; 9 is x64 too). */
static int
family(int arch)
{
	static const struct {
		int arch, same;
	} rows[] = {{9, 7}, {8, 6}, {16, 7}, {15, 6}, {17, 7}, {18, 10}, {19, 11},
		{20, 0}, {21, 10}, {22, 11}, {23, 10}, {24, 11}, {26, 25}, {28, 27},
		{38, 37}, {40, 39}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].arch == arch)
			return rows[i].same;
	return arch;
}

bool
rom_fits(int arch, int rom)
{
	return arch < 0 || rom < 0 || family(arch) == family(rom);
}

const char *
rom_arch_text(int arch)
{
	switch (family(arch)) {
	case 0:
		return "BIOS";
	case 6:
		return "32-bit x86 UEFI";
	case 7:
		return "x86-64 UEFI";
	case 10:
		return "32-bit ARM UEFI";
	case 11:
		return "ARM64 UEFI";
	case 25:
	case 27:
		return "RISC-V UEFI";
	case 37:
	case 39:
		return "LoongArch UEFI";
	default:
		return "unknown";
	}
}

static bool
has_one_of(const char *name, const char *const words[], size_t n)
{
	const char *last = name ? last_part(name) : "";

	for (size_t i = 0; i < n; i++)
		if (strcasestr(last, words[i]) != NULL)
			return true;
	return false;
}

bool
name_is_initrd(const char *name)
{
	static const char *const words[] = {"initrd", "initramfs", "ramdisk", "rootfs",
		".cpio", "uinitrd", "boot.wim"};

	return has_one_of(name, words, sizeof(words) / sizeof(*words));
}

bool
name_is_kernel(const char *name)
{
	static const char *const words[] = {
		"vmlinu", "linux", "bzimage", "kernel", "wimboot", "memdisk", "image"};

	return !name_is_initrd(name) && step_of_name(name) == STEP_FILE &&
	       has_one_of(name, words, sizeof(words) / sizeof(*words));
}

/*
 * A machine that goes back to an earlier step has begun again, if it was silent for as
 * long as a restart takes at least: firmware probes and asks twice within a second, iPXE
 * asks DHCP after firmware did, a menu waits ten seconds, a script may ask DHCP itself.
 * The first row that has the step and what was reached speaks.
 */
static const struct {
	enum step step, reached; /* `reached` and further */
	int64_t silent_ms;
} beginnings[] = {
	/* Firmware asks DHCP: nothing that ran before can have lived on. */
	{STEP_ASK, STEP_ROM, 0},
	{STEP_ASK, STEP_ASK, 120000}, /* it asks for a minute, and again */
	/* A ROM is fetched by firmware, or by a menu that chains another one. */
	{STEP_ROM, STEP_FILE, 3000},
	{STEP_ROM, STEP_IPXE, 20000},
	{STEP_ROM, STEP_ROM, 5000}, /* once it had one whole */
	{STEP_ROM, STEP_ASK, 120000},
	/* iPXE in the card asks first thing; ours asks after firmware. */
	{STEP_IPXE, STEP_MENU, 5000},
	{STEP_IPXE, STEP_ASK, 300000},
	{STEP_MENU, STEP_FILE, 5000},
	{STEP_MENU, STEP_MENU, 30000},
	{STEP_MENU, STEP_ASK, 300000},
	{STEP_SCRIPT, STEP_FILE, 60000},
	{STEP_SCRIPT, STEP_ASK, 600000},
	{STEP_FILE, STEP_ASK, 600000},
};

bool
step_begins(enum step step, enum transport via, enum step reached, bool rom_sent,
	int64_t silent_us)
{
	/* Files over HTTP are fetched by many things that are not booting. */
	if (step == STEP_NONE || (step == STEP_FILE && via == VIA_HTTP))
		return false;
	if (reached == STEP_NONE)
		return true;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (beginnings[i].step == step && reached >= beginnings[i].reached) {
			bool retry = step == STEP_ROM && reached == STEP_ROM && !rom_sent;

			return silent_us >=
			       MONO_MS(retry ? 120000 : beginnings[i].silent_ms);
		}
	return false;
}
