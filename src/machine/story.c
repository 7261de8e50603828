#include "machine/story.h"

#include <string.h>
#include <strings.h>

/* Of what pixie wrote before it kept the count of packets: Ethernet's blocks. */
#define USUAL_BLOCK 1468
/* Fewer packets again than this are chance. */
#define LOSSY_PACKETS 8
#define LOSSY_PERCENT 8

static bool
same_name(const struct event *a, const struct event *b)
{
	return a != NULL && a->name != NULL && b->name != NULL &&
	       strcmp(a->name, b->name) == 0;
}

unsigned
story_loss(const struct event *e)
{
	uint64_t once = e->packets ? e->packets : e->bytes / USUAL_BLOCK;

	return once ? (unsigned)(100 * (uint64_t)e->resent / (once + e->resent)) : 0;
}

static void
read_dhcp(struct story *s, const struct event *e)
{
	switch (e->kind) {
	case EV_DISCOVER:
		s->discover = e;
		break;
	case EV_OFFER:
		s->offer = e;
		s->offers++;
		break;
	case EV_SILENT:
		s->silence = e;
		break;
	case EV_ACK:
		s->ack = e;
		break;
	case EV_OTHER_OFFER:
		/* One that answers twice with the same is one. */
		if (e->name == NULL || same_name(s->other, e))
			return;
		s->other_before = s->other;
		s->other = e;
		break;
	default:
		break;
	}
}

/* ROMs as firmware asks for them: what iPXE fetches later is the script's affair. */
static void
read_rom(struct story *s, const struct event *e)
{
	switch (e->kind) {
	case EV_PROBED:
		s->probed = e;
		break;
	case EV_ASKED:
		s->rom_asked = e;
		break;
	case EV_SENT:
		s->roms = same_name(s->rom_sent, e) ? s->roms + 1 : 1;
		s->rom_sent = s->rom_asked = e;
		break;
	case EV_MISSING:
	case EV_REFUSED:
		s->rom_missing = e;
		break;
	default:
		break;
	}
	if (s->reached <= STEP_ROM && !rom_fits(s->arch, rom_arch(e->name)))
		s->alien_rom = e;
}

/* What it fetched before this script, if any, did not do. */
static void
read_again(struct story *s, const struct event *e)
{
	if (s->files > s->files_before)
		s->files_before = s->files;
	s->files = 0;
	if (s->files_before == 0)
		return;
	s->came_back = e;
	s->booted = NULL;
}

static void
read_script(struct story *s, const struct event *e)
{
	if (e->kind == EV_SCRIPT && s->scripts[0] > 0)
		read_again(s, e);
	if (e->kind == EV_SCRIPT || e->kind == EV_SENT) {
		s->scripts[e->kind == EV_SENT]++;
		s->script = e;
		s->script_missing = NULL;
	} else if (e->kind == EV_MISSING || e->kind == EV_REFUSED)
		s->script_missing = e;
}

static void
read_file(struct story *s, const struct event *e)
{
	switch (e->kind) {
	case EV_ASKED:
		if (s->files >= s->files_before)
			s->came_back = NULL;
		break;
	case EV_SENT:
		if (s->kernel == NULL)
			s->kernel = e;
		s->file_sent = e;
		if (++s->files > s->files_before)
			s->came_back = NULL;
		if (same_name(s->bad_file, e))
			s->bad_file = NULL;
		break;
	case EV_MISSING:
	case EV_REFUSED:
	case EV_FAILED:
		s->bad_file = e;
		break;
	default:
		break;
	}
}

static void
read_transfer(struct story *s, const struct event *e)
{
	if (e->kind == EV_ASKED)
		s->asked = e;
	else if (same_name(s->asked, e))
		s->asked = NULL;
	if ((e->kind == EV_FAILED && e->bytes > 0) || e->kind == EV_STALLED)
		s->stalled = e;
	else if (e->kind == EV_SENT && same_name(s->stalled, e))
		s->stalled = NULL;
	if (e->via == VIA_TFTP && e->kind == EV_FAILED && e->bytes == 0)
		s->unanswered = e;
	else if (e->via == VIA_TFTP && e->kind != EV_ASKED)
		s->unanswered = NULL;
	if (e->resent >= LOSSY_PACKETS && story_loss(e) >= LOSSY_PERCENT)
		s->lossy = e;
}

static void
read_turn(struct story *s, const struct event *e)
{
	if (e->kind == EV_DONE)
		s->done = e;
	else if (e->kind == EV_LOCAL)
		s->local = e;
	else if (e->kind == EV_SCRIPT)
		s->local = NULL; /* somebody changed its state meanwhile */
	else if (e->kind == EV_VERDICT && e->name != NULL &&
		 strcmp(e->name, "booted") == 0)
		s->booted = e;
}

static void
read_event(struct story *s, const struct event *e)
{
	enum step step = step_of(e);

	if (e->arch >= 0 && step < STEP_IPXE)
		s->arch = e->arch;
	read_dhcp(s, e);
	read_turn(s, e);
	if (step >= STEP_ROM || e->kind == EV_STALLED)
		read_transfer(s, e);
	if (step == STEP_ROM)
		read_rom(s, e);
	else if (step == STEP_MENU && e->kind == EV_SENT &&
		 strstr(e->name, "chain") != NULL)
		s->menu_sent = e; /* autoexec.ipxe leads to it */
	else if (step == STEP_SCRIPT)
		read_script(s, e);
	else if (step == STEP_FILE)
		read_file(s, e);
	/* A file that is not there is no step: shims and GRUB ask for many. */
	if (step > s->reached && e->kind != EV_MISSING && e->kind != EV_REFUSED)
		s->reached = step;
}

struct story
story_read(const struct event *events, size_t n, const struct earlier *before,
	int64_t silent_ms)
{
	struct story s = {.events = events,
		.n = n,
		.silent = silent_ms,
		.before = before,
		.arch = -1};

	for (size_t i = 0; i < n; i++)
		read_event(&s, &events[i]);
	return s;
}
