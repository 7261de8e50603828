#!/usr/bin/python3
"""Write blob.S and assets.c: the files that pixie carries inside.

A ROM comes from the first of --own DIR and --fetched DIR that has it, under its
name or its alias (src/assets/roms.def); one that neither has stays an empty
slot. Equal files (the arm64 ROM under two names) are embedded once.
"""
import argparse
import hashlib
import pathlib
import re
import sys

ROM = re.compile(r'^ROM\("([^"]+)", "([^"]*)"', re.M)
VERSION = re.compile(rb"iPXE[/ ](\d+\.\d+[\w.+~-]*)")


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--roms-def", type=pathlib.Path, required=True)
    p.add_argument("--own", type=pathlib.Path, help="directory of the user's ROMs")
    p.add_argument("--fetched", type=pathlib.Path, help="directory from fetch-roms.sh")
    p.add_argument("--blob", type=pathlib.Path, required=True)
    p.add_argument("--table", type=pathlib.Path, required=True)
    p.add_argument("--depfile", type=pathlib.Path, required=True)
    p.add_argument("--root", type=pathlib.Path, required=True, help="what names are relative to")
    p.add_argument("files", type=pathlib.Path, nargs="*", help="script templates, the page")
    return p.parse_args()


def rom_version(data, source):
    """What the ROM says of itself (BIOS ROMs are packed: then its source's word)."""
    found = VERSION.search(data)
    if found:
        return found.group(1).decode()
    in_source = re.search(r"\d+\.\d+[\w.+~-]*", source)
    return in_source.group(0) if in_source else ""


def rom_files(args):
    """Yield (name, path, source) for every slot that can be filled."""
    for name, alias in ROM.findall(args.roms_def.read_text()):
        for folder in filter(None, (args.own, args.fetched)):
            paths = [folder / n for n in (name, alias) if n and (folder / n).is_file()]
            if not paths:
                continue
            if folder == args.own:
                yield name, paths[0], "built in by -Droms"
            else:
                yield name, paths[0], (folder / "SOURCE").read_text().strip()
            break


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    args = arguments()
    entries = [(n, p, s, True) for n, p, s in rom_files(args)]
    root = args.root.resolve()
    entries += [(p.resolve().relative_to(root).as_posix(), p, "pixie", False) for p in args.files]
    blob = ['\t.section .rodata,"a",%progbits\n']
    rows, symbols = [], {}
    for name, path, source, is_rom in entries:
        data = path.read_bytes()
        if not data:
            sys.exit(f"{path}: empty file")
        digest = hashlib.sha256(data).hexdigest()
        if digest not in symbols:
            symbols[digest] = f"asset_{len(symbols)}"
            blob.append(
                f"\t.balign 64\n\t.globl {symbols[digest]}\n{symbols[digest]}:\n"
                f"\t.incbin {c_string(str(path.resolve()))}\n"
            )
        version = rom_version(data, source) if is_rom else ""
        rows.append(
            f"\t{{{c_string(name)}, {symbols[digest]}, {len(data)}, \"{digest}\",\n"
            f"\t\t{c_string(version)}, {c_string(source)}}},\n"
        )
    blob.append('\t.section .note.GNU-stack,"",%progbits\n')
    args.blob.write_text("".join(blob))
    externs = "".join(f"extern const uint8_t {s}[];\n" for s in symbols.values())
    args.table.write_text(
        '#include "assets/asset.h"\n\n'
        f"{externs}\n"
        "extern const struct asset assets[];\nextern const size_t assets_count;\n\n"
        f"const struct asset assets[] = {{\n{''.join(rows)}}};\n"
        "const size_t assets_count = sizeof(assets) / sizeof(*assets);\n"
    )
    inputs = " ".join(str(p).replace(" ", "\\ ") for _, p, _, _ in entries)
    args.depfile.write_text(f"{args.blob} {args.table}: {inputs}\n")


if __name__ == "__main__":
    main()
