"""Machines and boots for the mock, as the API describes them."""
import datetime
import random

NOW = datetime.datetime(2026, 11, 23, 10, 0, tzinfo=datetime.timezone.utc)


def at(seconds):
    """A time so many seconds after NOW, as the API writes it."""
    moment = NOW + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def verdict(code, text, next_step=""):
    return {"code": code, "text": text, "next": next_step}


def boot(outcome="booted", began=-60, ended=None, number=1, says=None):
    return {"number": number, "began": at(began), "ended": None if ended is None else at(ended),
            "outcome": outcome, "verdict": says}


def machine(ident, **fields):
    mac = ident if "-" in ident else None
    return {"id": ident, "mac": mac, "macs": [mac] if mac else [], "uuid": None, "serial": None,
            "product": None, "vendor": None, "arch": 7, "arch_name": "x64 UEFI", "firmware": "UEFI",
            "address": "192.168.0.150", "first_seen": at(-86400), "last_seen": at(-5),
            "state": "boot", "state_by": "", "once_used": False, "script": None, "boot": None, "transfers": [], **fields}


def mac(n):
    return "52-54-00-%02x-%02x-%02x" % (n >> 16 & 255, n >> 8 & 255, n & 255)


def events(ident, number, *rows, seq=1):
    """Rows are (seconds, kind, via, name, more…) with `more` a dictionary."""
    found = []
    for i, (seconds, kind, via, name, more) in enumerate(rows):
        found.append({"seq": seq + i, "time": at(seconds), "id": ident, "boot": number, "kind": kind,
                      "via": via, "name": name, **more})
    return found


def sent(seconds, via, name, size, ms, **more):
    return (seconds, "sent", via, name, {"bytes": size, "total": size, "ms": ms, "say":
            f"It fetched {name} by {via.upper()}.", **more})


def good_boot(ident, number=1, began=-30):
    """An EFI machine that boots Debian's installer, event by event."""
    rows = [
        (began, "boot", "", None, {"say": "A boot begins."}),
        (began + .01, "discover", "dhcp", None, {"arch": 7, "text": "PXEClient:Arch:00007",
                                                "say": "It asks what to boot: x64 UEFI."}),
        (began + .012, "offer", "dhcp", "snponly64.efi",
         {"say": "It was offered snponly64.efi, on port 4011."}),
        (began + 1.9, "ack", "dhcp", "snponly64.efi", {"say": "It asked port 4011 and was told snponly64.efi."}),
        (began + 2.0, "probed", "tftp", "snponly64.efi", {"say": "It asked how long snponly64.efi is."}),
        sent(began + 2.1, "tftp", "snponly64.efi", 284672, 41),
        sent(began + 4.4, "tftp", "autoexec.ipxe", 393, 1),
        sent(began + 4.6, "http", "chain.ipxe", 1010, 1),
        (began + 7.9, "script", "http", f"{ident}.ipxe", {"bytes": 130, "say": f"It got its script, {ident}.ipxe."}),
        sent(began + 9.1, "http", "extra/vmlinuz", 14149568, 1180),
        (began + 9.2, "asked", "http", "extra/initrd.img", {"total": 61028036, "say": "It asked for extra/initrd.img."}),
        sent(began + 14.4, "http", "extra/initrd.img", 61028036, 5190),
    ]
    return events(ident, number, *rows, seq=number * 1000)


def crowd(n, seed=3):
    """Many machines, of all fates."""
    rng, found = random.Random(seed), []
    makers = [("Dell Inc.", "PowerEdge R640"), ("HPE", "ProLiant DL360 Gen10"), ("Supermicro", "SYS-1029P"),
              ("Lenovo", "ThinkSystem SR630"), ("QEMU", "Standard PC (Q35 + ICH9, 2009)")]
    for i in range(n):
        outcome = rng.choices(["booted", "local", "failed", "running", None], [60, 15, 5, 5, 15])[0]
        vendor, product = rng.choice(makers)
        says = verdict("rom-then-silence", "It fetched the ROM and then nothing more came.",
                       "Look whether Secure Boot is on.") if outcome == "failed" else None
        seen = -rng.randrange(3, 90000)
        found.append(machine(mac(i), vendor=vendor, product=product, serial=f"SN{i:06}",
                             address=f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", last_seen=at(seen),
                             boot=outcome and boot(outcome, seen - 30, seen, says=says)))
    return found
