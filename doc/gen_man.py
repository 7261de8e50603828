#!/usr/bin/python3
"""gen_man.py PROGRAM VERSION DOCDIR PIXIE.8.IN README OUT: fills in the man page.

@OPTIONS@ is what PROGRAM prints, @DNSMASQ@ the README's configuration.
"""
import pathlib
import re
import subprocess
import sys


def main(program, version, docdir, template, readme, out):
    options = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    block = re.search(r"```dnsmasq\n(.*?)```", pathlib.Path(readme).read_text(), re.S)
    if not block:
        sys.exit(f"{readme}: no ```dnsmasq block")
    # mdoc would take a line that begins with a dot for a macro
    dnsmasq = re.sub(r"^([.'])", r"\\&\1", block.group(1).rstrip(), flags=re.M)
    page = pathlib.Path(template).read_text()
    page = page.replace("@OPTIONS@\n", options).replace("@DNSMASQ@", dnsmasq)
    page = page.replace("@VERSION@", version).replace("@DOCDIR@", docdir)
    pathlib.Path(out).write_text(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
