"""badcable.py CARD WIRE WHAT: a cable between two interfaces that loses frames.

WHAT: a number (percent, of every kind of frame) or "4011" (those of that UDP port).
"""
import random
import select
import sys

from otherrom import ETHER, IP, VNET, open_end


def loses(what):
    if what != "4011":
        dice = random.Random(30)  # the same losses each time
        return lambda frame: dice.random() * 100 < int(what)
    port, at = (4011).to_bytes(2, "big"), VNET + ETHER + IP
    return lambda frame: frame[VNET + 23:VNET + 24] == b"\x11" and \
        port in (frame[at:at + 2], frame[at + 2:at + 4])


def main(card, wire, what):
    ends = open_end(card), open_end(wire)
    lost = loses(what)
    print("ready", flush=True)
    while True:
        for end in select.select(ends, [], [])[0]:
            frame = end.recv(70000)
            if lost(frame):
                continue
            try:
                ends[end is ends[0]].send(frame)
            except OSError as error:
                print(error, len(frame), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
