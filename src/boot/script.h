/*
 * The scripts pixie writes itself: the menu (chain.ipxe) and what an EFI iPXE
 * runs first (autoexec.ipxe), with the address in them that the client reached
 * us by. ${next-server} would be the DHCP server's when we are not it.
 */
#ifndef PIXIE_BOOT_SCRIPT_H
#define PIXIE_BOOT_SCRIPT_H

#include "boot/content.h"
#include "boot/resolve.h"
#include "machine/registry.h"

/*
 * The template asset with every @BASE@ replaced by "http://ADDR:PORT". NULL
 * without memory.
 */
struct content *script_from_template(
	const char *asset, const struct site *site, const struct asked *asked);

/*
 * What a machine gets in place of menu and script when its state says so: it boots from
 * its local disk in the way its firmware takes. NULL without memory.
 */
struct content *script_local(enum machine_state state);

/*
 * `text` with every `what` (not empty) replaced by `with`, from malloc; its length in
 * `*out_len`. NULL without memory.
 */
char *script_replace(const char *text, size_t len, const char *what, const char *with,
	size_t *out_len);

/* "http://ADDR:PORT" as it goes into scripts; returns `buf`. */
#define BASE_TEXT (NETADDR_TEXT + 8)
const char *script_base(
	const struct site *site, const struct asked *asked, char buf[static BASE_TEXT]);

#endif
