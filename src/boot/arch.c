#include "boot/arch.h"

/*
 * 7 and 9 are both x86-64: RFC 4578 swapped them and its erratum swapped them back,
 * so firmware sends either (dnsmasq CHANGELOG 2.76).
 */
const struct arch archs[] = {
	{0, ARCH_BIOS, "undionly.kpxe", "BIOS"},
	{6, ARCH_UEFI, "snponly32.efi", "UEFI x86 (32 bit)"},
	{7, ARCH_UEFI, "snponly64.efi", "UEFI x86-64"},
	{9, ARCH_UEFI, "snponly64.efi", "UEFI x86-64"},
	{10, ARCH_UEFI, "snponly-arm32.efi", "UEFI ARM (32 bit)"},
	{11, ARCH_UEFI, "snponly-arm64.efi", "UEFI ARM64"},
	{15, ARCH_HTTP, "snponly32.efi", "HTTP Boot, UEFI x86 (32 bit)"},
	{16, ARCH_HTTP, "snponly64.efi", "HTTP Boot, UEFI x86-64"},
	{17, ARCH_HTTP, "snponly64.efi", "HTTP Boot, UEFI x86-64"},
	{18, ARCH_HTTP, "snponly-arm32.efi", "HTTP Boot, UEFI ARM (32 bit)"},
	{19, ARCH_HTTP, "snponly-arm64.efi", "HTTP Boot, UEFI ARM64"},
	{20, ARCH_HTTP, "undionly.kpxe", "HTTP Boot, BIOS"},
	{21, ARCH_UBOOT, "snponly-arm32.efi", "U-Boot ARM (32 bit)"},
	{22, ARCH_UBOOT, "snponly-arm64.efi", "U-Boot ARM64"},
	{23, ARCH_HTTP, "snponly-arm32.efi", "HTTP Boot, U-Boot ARM (32 bit)"},
	{24, ARCH_HTTP, "snponly-arm64.efi", "HTTP Boot, U-Boot ARM64"},
	{25, ARCH_UEFI, NULL, "UEFI RISC-V (32 bit)"},
	{26, ARCH_HTTP, NULL, "HTTP Boot, UEFI RISC-V (32 bit)"},
	{27, ARCH_UEFI, "ipxe-riscv64.efi", "UEFI RISC-V (64 bit)"},
	{28, ARCH_HTTP, "ipxe-riscv64.efi", "HTTP Boot, UEFI RISC-V (64 bit)"},
	{37, ARCH_UEFI, NULL, "UEFI LoongArch (32 bit)"},
	{38, ARCH_HTTP, NULL, "HTTP Boot, UEFI LoongArch (32 bit)"},
	{39, ARCH_UEFI, "ipxe-loong64.efi", "UEFI LoongArch (64 bit)"},
	{40, ARCH_HTTP, "ipxe-loong64.efi", "HTTP Boot, UEFI LoongArch (64 bit)"},
	{41, ARCH_PI, NULL, "Raspberry Pi boot ROM"},
};
const size_t archs_count = sizeof(archs) / sizeof(*archs);

const struct arch *
arch_find(uint16_t number)
{
	for (size_t i = 0; i < archs_count; i++)
		if (archs[i].number == number)
			return &archs[i];
	return NULL;
}
