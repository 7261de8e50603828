/*
 * A machine's script as it is to be given now: by the machine's state the script, or
 * the word to boot from the local disk; with ${pixie-done} filled in.
 *
 * Where the state acts: on ipxe/<mac>.ipxe, which is final, and, so that the menu need
 * not wait first, on chain.ipxe when it is known who asks. A state that somebody set
 * wins over the script's own "# pixie:" line.
 */
#ifndef PIXIE_BOOT_OWN_SCRIPT_H
#define PIXIE_BOOT_OWN_SCRIPT_H

#include "boot/machine_script.h"
#include "boot/resolve.h"
#include "machine/registry.h"

/*
 * Whose script this is: the MAC in the query (?mac=), else whom the registry knows at
 * the address, else the one the asker was identified by. False: nobody knows.
 */
bool own_script_whose(
	const struct site *site, const struct asked *asked, struct mac *mac);

/*
 * `r` holds what was found for "<mac>.ipxe", a script or the reason why there is none.
 * Puts in its place what the machine is to get.
 */
void own_script_give(const struct site *site, const struct asked *asked,
	const struct mac *mac, struct resolution *r);

/* The same for the menu; `r` is filled, and true returned, only when it is not to come.
 */
bool own_script_skips_menu(
	const struct site *site, const struct asked *asked, struct resolution *r);

/* Any other script of the directory: ${pixie-done} is whose machine asks. */
void own_script_fill_in(
	const struct site *site, const struct asked *asked, struct resolution *r);

/*
 * What proxyDHCP has to know before it answers: the state set by somebody, else that of
 * the machine's script, as far as DHCP tells its names.
 */
enum machine_state own_script_state(
	const struct site *site, const struct machine_names *m);

#endif
