"""otherrom.py CARD WIRE: a cable between two interfaces on which the iPXE in QEMU's
network card passes for another vendor's PXE ROM.

QEMU has no other BIOS PXE ROM. Its DHCP requests lose what they are known by: user
class and option 175 get numbers nobody reads. undionly.kpxe, which that ROM then
starts, says in 175 that it can do HTTPS (feature 20) and is left alone.
"""
import select
import socket
import sys

SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 15, 23, 3
VNET, ETHER, IP, UDP, BOOTP = 10, 14, 20, 8, 240
UNREAD = {77: 224, 175: 225}


def open_end(name):
    """With the header that says what the sender left to hardware: it is handed on."""
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    end.bind((name, ETH_P_ALL))
    return end


def is_request(frame):
    ip = frame[VNET + ETHER:]
    return frame[VNET + 12:VNET + 14] == b"\x08\x00" and ip[:1] == b"\x45" and ip[9:10] == b"\x11" \
        and int.from_bytes(ip[22:24], "big") in (67, 4011)


def options(frame, at):
    while at < len(frame) and frame[at] != 255:
        if frame[at] == 0:
            at += 1
            continue
        yield at, frame[at], frame[at + 2:at + 2 + frame[at + 1]]
        at += 2 + frame[at + 1]


def disguise(frame):
    frame, begin = bytearray(frame), VNET + ETHER + IP + UDP + BOOTP
    if any(code == 175 and b"\x14\x01\x01" in value for _, code, value in options(frame, begin)):
        return bytes(frame)
    for at, code, _ in list(options(frame, begin)):
        frame[at] = UNREAD.get(code, code)
    udp = VNET + ETHER + IP
    frame[0] = 0  # no checksum left to do ...
    frame[udp + 6:udp + 8] = b"\0\0"  # ... and none said, as UDP allows
    return bytes(frame)


def main():
    card, wire = map(open_end, sys.argv[1:])
    print("ready", flush=True)
    while True:
        for end in select.select([card, wire], [], [])[0]:
            frame = end.recv(70000)
            try:
                if end is card:
                    wire.send(disguise(frame) if is_request(frame) else frame)
                else:
                    card.send(frame)
            except OSError as error:  # a lost frame, as on any cable
                print(error, len(frame), flush=True)


if __name__ == "__main__":
    main()
