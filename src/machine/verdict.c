/*
 * The rules. Each is a row: a code, when it speaks, and the words for the one who
 * looks after the machine: what was seen, and what to do. Order matters: what is
 * certain stands before what silence suggests.
 */
#include "machine/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/registry.h"
#include "machine/say.h"
#include "machine/story.h"

/* Milliseconds of silence. Firmware waits 4, 8, 16 s for an answer, and EDK2 takes 6 s
 * from an offer to its next step; iPXE needs up to 15 to get its card going; a person
 * looks at a menu for longer. */
#define SOON 20000
#define A_WHILE 30000
#define LONG 60000
/* Three installations in less are no day's work, but a loop. */
#define LOOP_OF_INSTALLS INT64_C(7200000)

static const char *
name_of(const struct event *e)
{
	return e && e->name ? e->name : "a file";
}

__attribute__((format(printf, 2, 3))) static void
text(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void
next(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->next, sizeof(v->next), fmt, ap);
	va_end(ap);
}

/* How it turned out for a machine that something is wrong with, but not fatally. */
static const char *
so_far(const struct story *s)
{
	if (s->booted != NULL ||
		(s->file_sent != NULL && s->asked == NULL && s->silent >= A_WHILE))
		return "booted";
	return s->silent >= A_WHILE ? "failed" : "running";
}

/* The ends. */

static bool
is_reinstall_loop(const struct story *s, struct verdict *v)
{
	const struct earlier *b = s->before;

	if (s->done == NULL || !event_is_install(s->done) || b->installs[1] == 0 ||
		s->done->wall_ms - b->installs[1] > LOOP_OF_INSTALLS)
		return false;
	text(v, "It installs itself again and again: three times within two hours its "
		"installer reported that it is done, and its script does it at every "
		"boot.");
	next(v, "Set its state to \"once\", or, where nobody set one, write \"# pixie: "
		"once\" into its script: one more installation, and its local disk from "
		"then on. In state \"local\" it boots that at once.");
	return true;
}

static bool
is_done(const struct story *s, struct verdict *v)
{
	if (s->done == NULL)
		return false;
	text(v, "The installer on it reported that it is done.");
	next(v, "Nothing. A machine in state \"once\" boots its local disk from now on.");
	return true;
}

static bool
is_local(const struct story *s, struct verdict *v)
{
	if (s->local == NULL)
		return false;
	text(v, "It was told to boot its local disk, as its state asks.");
	next(v, "To boot its script again, set its state to \"once\" or \"boot\".");
	return true;
}

static bool
is_ignored(const struct story *s, struct verdict *v)
{
	if (s->silence == NULL || s->offer != NULL || s->reached > STEP_ASK ||
		s->silence->text == NULL || strstr(s->silence->text, "ignore") == NULL)
		return false;
	text(v, "It asked what to boot and got no answer: its state is \"ignore\".");
	next(v, "To boot it from here, set its state to \"boot\" or \"once\".");
	return true;
}

/* Asking for a boot file. */

static bool
is_not_answered(const struct story *s, struct verdict *v)
{
	if (s->silence == NULL || s->offer != NULL || s->reached > STEP_ASK)
		return false;
	text(v, "It asked what to boot and we had no answer: %s.",
		s->silence->text ? s->silence->text : "nothing to boot it with");
	next(v, "Give it a script, or put the missing ROM into a directory named by "
		"--roms.");
	return true;
}

/* A boot file of another server that is not ours. */
static bool
is_rival(const struct story *s)
{
	if (s->other == NULL)
		return false;
	if (s->other_before != NULL)
		return true;
	return s->offer != NULL && s->offer->name != NULL && *s->offer->name != '\0' &&
	       strcmp(s->other->name, s->offer->name) != 0;
}

static bool
is_two_servers(const struct story *s, struct verdict *v)
{
	if (!is_rival(s) || s->reached >= STEP_MENU || s->silent < SOON)
		return false;
	text(v, "Two servers told it what to boot: %s said \"%s\", %s said \"%s\".",
		s->other->text ? s->other->text : "another", s->other->name,
		s->other_before
			? (s->other_before->text ? s->other_before->text : "another")
			: "pixie",
		s->other_before ? s->other_before->name : name_of(s->offer));
	next(v,
		"Take next-server, filename and options 43, 60, 66, 67 out of %s, or end "
		"pixie's "
		"--proxy-dhcp.",
		s->other->text ? s->other->text : "the other DHCP server");
	return true;
}

static bool
is_no_request(const struct story *s, struct verdict *v)
{
	char often[24] = "";

	if (s->offer == NULL || s->reached > STEP_ASK || s->ack != NULL ||
		(s->silent < SOON && s->offers < 3))
		return false;
	if (s->offers > 1)
		snprintf(often, sizeof(often), " (%u times)", s->offers);
	text(v,
		"It was offered \"%s\"%s and did not fetch it: nothing came to port "
		"4011, "
		"TFTP or HTTP.",
		name_of(s->offer), often);
	next(v, "Let UDP 4011 and 69 and TCP 80 through the firewall of this host and "
		"what stands "
		"between; see that the DHCP server gives it an address and names no boot "
		"file.");
	return true;
}

static bool
is_no_request_4011(const struct story *s, struct verdict *v)
{
	if (s->ack == NULL || s->reached > STEP_ASK || s->silent < SOON)
		return false;
	text(v, "Port 4011 told it to fetch \"%s\", and it did not ask for that.",
		name_of(s->ack));
	next(v, "Let UDP 69 and the ports of --tftp-ports (or use --tftp-single-port) "
		"through "
		"the firewall; a pixie behind NAT needs --advertise.");
	return true;
}

/* The ROM. */

static bool
is_loop(const struct story *s, struct verdict *v)
{
	unsigned n = s->roms;

	if (s->rom_sent == NULL || s->reached >= STEP_MENU)
		return false;
	for (size_t i = 0; i < s->before->n_roms; i++, n++)
		if (strcmp(s->before->roms[i], s->rom_sent->name) != 0)
			break;
	if (n < 3)
		return false;
	text(v, "It goes round in circles: it fetched %s %u times and came no further.",
		name_of(s->rom_sent), n);
	next(v, "If the DHCP server names the boot file, it must give iPXE (user class "
		"\"iPXE\") chain.ipxe and not the ROM again. Else the ROM does not run "
		"there: "
		"Secure Boot, or another ROM (ipxe.efi in place of snponly.efi).");
	return true;
}

static bool
is_wrong_arch(const struct story *s, struct verdict *v)
{
	if (s->alien_rom == NULL || s->reached > STEP_ROM)
		return false;
	text(v, "It is a %s machine and asked for %s, which is for %s.",
		rom_arch_text(s->arch), name_of(s->alien_rom),
		rom_arch_text(rom_arch(s->alien_rom->name)));
	next(v, "Let the DHCP server choose the file by option 93 (see the README), or "
		"leave "
		"that to pixie's --proxy-dhcp.");
	return true;
}

static bool
is_rom_missing(const struct story *s, struct verdict *v)
{
	if (s->rom_missing == NULL || s->reached > STEP_ASK)
		return false;
	text(v, "It asked for %s, which is not here.", name_of(s->rom_missing));
	next(v, "See 'pixie roms' for the names there are; put a ROM of that name into "
		"the --roms "
		"directory, or let the DHCP server name another.");
	return true;
}

static bool
is_probe_only(const struct story *s, struct verdict *v)
{
	if (s->probed == NULL || s->rom_sent != NULL || s->reached > STEP_ROM ||
		s->asked != NULL || s->silent < SOON)
		return false;
	if (s->rom_asked != NULL && s->rom_asked > s->probed)
		return false;
	text(v, "It asked how large %s is, was told, and never fetched it.",
		name_of(s->probed));
	next(v, "Often a firewall: the answer to the first question went through, the "
		"transfer's "
		"own port does not; try --tftp-single-port. Or the file is too large for "
		"it.");
	return true;
}

static bool
is_unanswered(const struct story *s, struct verdict *v)
{
	if (s->unanswered == NULL || s->rom_sent != NULL || s->asked != NULL ||
		s->silent < 3000)
		return false;
	text(v,
		"It asked for %s by TFTP, and nothing of what we sent came back "
		"acknowledged.",
		name_of(s->unanswered));
	next(v, "A firewall that lets port 69 through and not the transfer's own port: "
		"open the "
		"ports of --tftp-ports, or use --tftp-single-port.");
	return true;
}

static bool
is_rom_then_silence(const struct story *s, struct verdict *v)
{
	if (s->rom_sent == NULL || s->reached > STEP_ROM || s->asked != NULL ||
		s->silent < A_WHILE)
		return false;
	text(v, "It fetched %s and then nothing more was heard: the ROM did not run.",
		name_of(s->rom_sent));
	if (s->arch < 0)
		next(v, "Is it a ROM for this kind of machine (BIOS, x86-64 or ARM64 "
			"UEFI)? If so, switch Secure Boot off in the firmware: pixie's "
			"own iPXE is not signed (see Secure Boot in the README).");
	else
		next(v, "Switch Secure Boot off in the firmware: pixie's own iPXE is not "
			"signed (see Secure Boot in the README). If it is off, try "
			"another ROM "
			"(ipxe.efi has drivers of its own).");
	return true;
}

static bool
is_ipxe_then_silence(const struct story *s, struct verdict *v)
{
	if (s->reached < STEP_IPXE || s->reached > STEP_MENU || s->menu_sent != NULL ||
		s->silent < A_WHILE)
		return false;
	text(v, "iPXE runs on it and asked DHCP, but never fetched chain.ipxe.");
	next(v, "Let TCP 80 (or the port of --http) through the firewall; see that the "
		"DHCP "
		"server gives iPXE http://THIS-HOST/chain.ipxe as its boot file.");
	return true;
}

static bool
is_menu_then_silence(const struct story *s, struct verdict *v)
{
	if (s->reached != STEP_MENU || s->menu_sent == NULL || s->silent < LONG)
		return false;
	text(v, "It got %s and did not ask for its script.", name_of(s->menu_sent));
	next(v, "Look at its screen: somebody is at the menu or in the shell, or iPXE "
		"could not "
		"open its network card again.");
	return true;
}

/* The script and what it names. */

/* "no script for this machine; looked for a, b": what comes behind "It has no script". */
static const char *
what_was_tried(const struct event *missing)
{
	const char *tried = missing->text ? strstr(missing->text, "looked for ") : NULL;

	return tried ? tried : "was asked for one that is not there";
}

static bool
is_script_missing(const struct story *s, struct verdict *v)
{
	if (s->script_missing == NULL || s->file_sent != NULL)
		return false;
	if (s->script_missing->kind == EV_REFUSED) {
		text(v, "It has a script, which was refused: %s.",
			s->script_missing->text ? s->script_missing->text
						: "it could not be read");
		next(v, "Make the script readable for the user pixie runs as (chmod "
			"a+r).");
		return true;
	}
	text(v, "It has no script: pixie %s.", what_was_tried(s->script_missing));
	next(v, "Write one of these files into the script directory (-d); default.ipxe "
		"serves all "
		"machines that have none of their own.");
	return true;
}

static const char *
what_became(const struct event *e)
{
	if (e->kind == EV_MISSING)
		return "which is not here";
	return e->kind == EV_REFUSED ? "which was refused" : "which did not get through";
}

/*
 * iPXE stops at the first file that fails; GRUB and firmware try many names. One that
 * broke off half-way is not the script's fault: that is_stalled() tells.
 */
static bool
is_bad_file(const struct story *s)
{
	const struct event *bad = s->bad_file;

	if (bad == NULL || s->script == NULL || bad < s->script)
		return false;
	return bad->kind != EV_FAILED || (bad->bytes == 0 && s->silent >= SOON);
}

static void
mend_bad_file(const struct event *bad, struct verdict *v)
{
	if (bad->kind == EV_MISSING)
		next(v, "Correct the name in its script, or put the file there "
			"(directory of -e).");
	else if (bad->kind == EV_REFUSED)
		next(v, "Make the file readable for the user pixie runs as, or correct "
			"the name in its script.");
	else
		next(v, "The file is here. Look at the machine's screen, and at cable "
			"and switch port.");
}

static bool
is_initrd_missing(const struct story *s, struct verdict *v)
{
	if (!is_bad_file(s) || s->kernel == NULL)
		return false;
	text(v, "It fetched %s, then asked for %s, %s%s%s.", name_of(s->kernel),
		name_of(s->bad_file), what_became(s->bad_file),
		s->bad_file->text ? ": " : "",
		s->bad_file->text ? s->bad_file->text : "");
	mend_bad_file(s->bad_file, v);
	return true;
}

static bool
is_kernel_missing(const struct story *s, struct verdict *v)
{
	if (!is_bad_file(s) || s->kernel != NULL)
		return false;
	text(v, "Its script sent it for %s, %s%s%s.", name_of(s->bad_file),
		what_became(s->bad_file), s->bad_file->text ? ": " : "",
		s->bad_file->text ? s->bad_file->text : "");
	mend_bad_file(s->bad_file, v);
	return true;
}

/*
 * What it takes from other hosts is not seen. A machine that comes back for its script,
 * as our menu does, got nothing there; one that does not may well have booted.
 */
static bool
is_kernel_never_asked(const struct story *s, struct verdict *v)
{
	bool again = s->scripts[0] > 1 || s->scripts[1] > 1;

	if (s->script == NULL || s->file_sent != NULL || s->asked != NULL ||
		s->script_missing != NULL || s->silent < (again ? SOON / 2 : A_WHILE))
		return false;
	text(v, "It got its script (%s)%s and asked us for nothing after that.",
		name_of(s->script), again ? " again and again" : "");
	if (again)
		next(v, "Its script takes the kernel from another host, and that fails: "
			"is the "
			"address right, does the name resolve, is it reachable from the "
			"machine? "
			"Its screen shows iPXE's error.");
	else
		next(v, "If the script takes its kernel from another host, that is all "
			"we see. If "
			"it does not boot: is that address right, does the name resolve, "
			"is it "
			"reachable? Its screen shows iPXE's error.");
	v->outcome = again ? "failed" : "quiet";
	return true;
}

/* A machine that is away for longer than our menu takes to try again has booted. */
static bool
is_back_for_script(const struct story *s, struct verdict *v)
{
	if (s->came_back == NULL || s->script_missing != NULL || s->silent >= LONG)
		return false;
	text(v, "It fetched %s and then came back for its script: it could not go on.",
		name_of(s->file_sent));
	next(v, "Its screen shows iPXE's error. If the script takes its next file from "
		"another host: is that address right, does the name resolve, is it "
		"reachable? Else: is the kernel one for this kind of machine?");
	return true;
}

/* The way there. */

/* "35 % (10.8 MB of 30.0 MB)", or how much, where nobody knows of how much. */
static const char *
how_far(const struct event *e, char buf[static 64])
{
	char some[BYTES_TEXT], all[BYTES_TEXT];

	bytes_say(e->bytes, some);
	if (e->total > 0)
		snprintf(buf, 64, "%u %% (%s of %s)",
			(unsigned)((double)e->bytes * 100 / (double)e->total), some,
			bytes_say(e->total, all));
	else
		snprintf(buf, 64, "%s", some);
	return buf;
}

static bool
is_stalled(const struct story *s, struct verdict *v)
{
	const struct event *e = s->stalled;
	char far[64];

	if (e == NULL || s->silent < SOON / 2)
		return false;
	text(v, "The transfer of %s %s at %s%s%s.", name_of(e),
		e->kind == EV_FAILED ? "broke off" : "stands still", how_far(e, far),
		e->text ? ": " : "", e->text ? e->text : "");
	next(v, "Look whether the machine hangs or was switched off; else at cable and "
		"switch "
		"port, or a firewall that forgets long transfers.");
	return true;
}

static bool
is_lossy(const struct story *s, struct verdict *v)
{
	const struct event *e = s->lossy;

	if (e == NULL)
		return false;
	text(v, "%u %% of the packets of %s had to be sent again (%" PRIu32 ").",
		story_loss(e), name_of(e), e->resent);
	next(v, "Look at the cable, and at the switch port: speed and duplex must be the "
		"same on "
		"both ends (errors are counted there).");
	v->outcome = so_far(s);
	return true;
}

static bool
is_booted(const struct story *s, struct verdict *v)
{
	bool was = s->booted != NULL && s->bad_file == NULL;

	if (s->file_sent == NULL || s->kernel == NULL)
		return false;
	if (!was && (s->asked != NULL || s->silent < SOON))
		return false;
	if (s->script == NULL && !name_is_kernel(s->file_sent->name) &&
		!name_is_initrd(s->file_sent->name))
		return false;
	text(v, "It fetched all it asked for, %s last, and is on its own now.",
		name_of(s->file_sent));
	next(v, "Nothing. If it does not come up, its console says why: from here on the "
		"kernel "
		"has the word.");
	return true;
}

static bool
is_quiet(const struct story *s, struct verdict *v)
{
	if (s->silent < 2 * LONG || s->asked != NULL || s->reached == STEP_NONE)
		return false;
	text(v, "Nothing was heard from it any more.");
	next(v, "Look at its screen; switch it on again and follow its story here.");
	return true;
}

static const struct rule {
	const char *code, *outcome;
	bool (*fits)(const struct story *s, struct verdict *v);
} rules[] = {
	{"reinstall-loop", "failed", is_reinstall_loop},
	{"done", "done", is_done},
	{"local", "local", is_local},
	{"loop", "failed", is_loop},
	{"script-missing", "failed", is_script_missing},
	{"kernel-missing", "failed", is_kernel_missing},
	{"initrd-missing", "failed", is_initrd_missing},
	{"kernel-then-script", "failed", is_back_for_script},
	{"stalled", "failed", is_stalled},
	{"retransmissions", "running", is_lossy}, /* and its own word on the outcome */
	{"booted", "booted", is_booted},
	{"kernel-never-asked", "quiet", is_kernel_never_asked}, /* or failed */
	{"two-dhcp-servers", "failed", is_two_servers},
	{"wrong-arch-rom", "failed", is_wrong_arch},
	{"rom-then-silence", "failed", is_rom_then_silence},
	{"transfer-unanswered", "failed", is_unanswered},
	{"size-probe-only", "failed", is_probe_only},
	{"rom-missing", "failed", is_rom_missing},
	{"ipxe-then-silence", "failed", is_ipxe_then_silence},
	{"menu-then-silence", "quiet", is_menu_then_silence},
	{"ignored", "quiet", is_ignored},
	{"not-answered", "quiet", is_not_answered},
	{"boot-file-not-fetched", "failed", is_no_request_4011},
	{"offer-no-request", "failed", is_no_request},
	{"quiet", "quiet", is_quiet},
};
#define RULES (sizeof(rules) / sizeof(*rules))

bool
event_is_install(const struct event *e)
{
	const char *always = machine_state_text(STATE_BOOT);

	return e->kind == EV_DONE && e->name != NULL && strcmp(e->name, always) == 0;
}

void
earlier_note_install(struct earlier *before, const struct event *e)
{
	if (!event_is_install(e))
		return;
	before->installs[1] = before->installs[0];
	before->installs[0] = e->wall_ms;
}

bool
verdict_of(const struct event *events, size_t n, const struct earlier *before,
	int64_t silent_ms, struct verdict *out)
{
	static const struct earlier nothing;
	struct story s = story_read(events, n, before ? before : &nothing, silent_ms);

	for (size_t i = 0; i < RULES; i++) {
		*out = (struct verdict){
			.code = rules[i].code, .outcome = rules[i].outcome};
		if (rules[i].fits(&s, out))
			return true;
	}
	return false;
}

const char *
verdict_code(const char *word)
{
	for (size_t i = 0; i < RULES; i++)
		if (strcmp(rules[i].code, word) == 0)
			return rules[i].code;
	return NULL;
}

const char *
verdict_code_at(size_t i)
{
	return i < RULES ? rules[i].code : NULL;
}

const char *
verdict_outcome(const char *word)
{
	static const char *const words[] = {
		"running", "booted", "done", "local", "failed"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], word) == 0)
			return words[i];
	return "quiet";
}
