#include "machine/event.h"

const char *
event_kind_text(enum event_kind kind)
{
	static const char *const words[] = {
#define EVENT(symbol, word, boots) [EV_##symbol] = word,
		EVENT_KINDS(EVENT)
#undef EVENT
	};

	return words[kind];
}

bool
event_kind_boots(enum event_kind kind)
{
	static const bool boots[] = {
#define EVENT(symbol, word, part) [EV_##symbol] = part,
		EVENT_KINDS(EVENT)
#undef EVENT
	};

	return boots[kind];
}

const char *
transport_text(enum transport via)
{
	static const char *const words[] = {[VIA_NONE] = "",
		[VIA_DHCP] = "dhcp",
		[VIA_TFTP] = "tftp",
		[VIA_HTTP] = "http"};

	return words[via];
}
