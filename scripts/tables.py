#!/usr/bin/env python3
"""Writes the generated tables of crates/outlook-msg/src/mapi/tables from the specification's TSV files.

Usage: scripts/tables.py [SPEC_DIR] [--check]

SPEC_DIR (default: ../shared/spec beside the project) is not part of the repository, but the
tables are. Run this script when the files of SPEC_DIR change. --check compares without writing and
fails on a difference; it prints SKIPPED where there is no SPEC_DIR.
"""

import argparse
import csv
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLES = ROOT / "crates" / "outlook-msg" / "src" / "mapi" / "tables"
LINE_WIDTH = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("spec", nargs="?", type=pathlib.Path, default=ROOT.parent / "shared" / "spec")
    parser.add_argument("--check", action="store_true", help="compare without writing")
    arguments = parser.parse_args()
    if not arguments.spec.is_dir():
        if arguments.check:
            print(f"SKIPPED: no specification at {arguments.spec}")
            return 0
        print(f"tables.py: no specification at {arguments.spec}", file=sys.stderr)
        return 1
    stale = [name for name, text in tables(arguments.spec) if not settle(name, text, arguments.check)]
    for name in stale:
        print(f"tables.py: {TABLES.relative_to(ROOT) / name} is not what the script makes", file=sys.stderr)
    return 1 if stale else 0


def settle(name, text, check):
    """Writes a table; with `check`, only compares the file with it. False if they differ."""
    path = TABLES / name
    if check:
        return path.is_file() and path.read_text(encoding="utf-8") == text
    path.write_text(text, encoding="utf-8")
    return True


def tables(spec):
    """The name and the text of every table."""
    yield "property_tags.rs", property_tags(rows(spec / "property-tags.tsv"))
    sets = property_sets(rows(spec / "property-sets.tsv"))
    yield "property_sets.rs", property_sets_file(sets)
    yield "named_properties.rs", named_properties(rows(spec / "named-properties.tsv"), sets)
    yield "code_pages.rs", code_pages(rows(spec / "codepages.tsv"))
    yield "locales.rs", locales(rows(spec / "lcid.tsv"))


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


# The names become file names in the mount, so they must not have other characters.
NAME = re.compile(r"[A-Za-z0-9_.-]+")

FIRST_NAMED_ID = 0x8000

# The types of MS-OXCDATA 2.11.1 that a property can have; 8-bit strings count as Unicode ones.
TYPES = {int(code, 16) for code in (
    "0001 0002 0003 0004 0005 0006 0007 000A 000B 000D 0014 001F 0040 0048 00FB 00FD 00FE 0102 "
    "1002 1003 1004 1005 1006 1007 1014 101F 1040 1048 1102").split()}
UNICODE_OF = {0x001E: 0x001F, 0x101E: 0x101F}

# Tags whose MAPI name belongs to another property of the same tag, one that messages do not have
# (property-tag-conflicts.tsv): PR_INTERNET_RETURN_PATH, PR_OAB_SEQUENCE.
MAPI_NAME_OF_ANOTHER = {0x1046001F, 0x68010003}


def property_tags(spec_rows):
    spec_rows = documented_or_alone(spec_rows)
    # If two properties could have one name, the better known one gets it: by rank, then by use in
    # samples.
    candidates = sorted(
        (row["rank"], -int(row["seen"]), tag, names)
        for row in spec_rows
        if (tag := property_tag(row)) and (names := property_names(tag, row))
    )
    names_of_tags = {}
    taken = set()
    for _, _, tag, names in candidates:
        name = next((name for name in names if name.lower() not in taken), None)
        if name is not None and tag not in names_of_tags:
            names_of_tags[tag] = name
            taken.add(name.lower())
    ordered = sorted(names_of_tags.items())
    return rust_file(
        "property-tags.tsv",
        "Names of the properties with ids below 0x8000.",
        "",
        ("Tag, with the Unicode type where a string can be either, and name; sorted.", "PROPERTY_TAGS",
         "(u32, &str)", [f'(0x{tag:08X}, "{name}")' for tag, name in ordered]),
        by_name("PROPERTY_TAGS", [name for _, name in ordered]),
    )


def documented_or_alone(spec_rows):
    """Without the undocumented properties whose id is a documented property of another type.

    They belong to profiles and address books; in a message such a tag is damage.
    """
    documented = {row["tag_id"] for row in spec_rows if row["rank"] in ("1", "2")}
    return [row for row in spec_rows if row["rank"] in ("1", "2") or row["tag_id"] not in documented]


def property_tag(row):
    """The tag of a row, or None if no message can have it under a name of its own."""
    property_id, property_type = int(row["tag_id"], 16), int(row["type"] or "0", 16)
    property_type = UNICODE_OF.get(property_type, property_type)
    # Rank 4: properties that only Exchange has; MAPI does not define them.
    if row["rank"] == "4" or property_id >= FIRST_NAMED_ID or property_type not in TYPES:
        return None
    return property_id << 16 | property_type


def property_names(tag, row):
    """The names a property could have, best first."""
    names = []
    if row["mapi_name"].startswith("PR_") and tag not in MAPI_NAME_OF_ANOTHER:
        # PR_HOME2_TELEPHONE_NUMBER_A_MV: the letter stands for the string type (8-bit or Unicode)
        # and is left out.
        names.append(re.sub(r"_[AW](_MV)?$", r"\1", row["mapi_name"]))
    if row["canonical"]:
        names.append(row["canonical"])
    return [name for name in names if NAME.fullmatch(name)]


def property_sets(spec_rows):
    """GUID as a number and name of each set that has a name, not merely a description."""
    return sorted(
        (int(re.sub("[{}-]", "", row["guid"]), 16), row["name"])
        for row in spec_rows if NAME.fullmatch(row["name"])
    )


def property_sets_file(sets):
    return rust_file(
        "property-sets.tsv",
        "Names of the property sets.",
        "",
        ("GUID as it is written, and name; sorted.", "PROPERTY_SETS", "(u128, &str)",
         [f'({guid_literal(guid)}, "{name}")' for guid, name in sets]),
    )


def guid_literal(guid):
    text = f"{guid:032X}"
    return "0x" + "_".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def named_properties(spec_rows, sets):
    indices = {guid: index for index, (guid, _) in enumerate(sets)}
    candidates = sorted(
        (row["rank"], indices[guid], int(row["lid_or_name"], 16), row["canonical"])
        for row in spec_rows
        if row["kind"] == "LID" and NAME.fullmatch(row["canonical"])
        and (guid := int(re.sub("[{}-]", "", row["guid"]), 16)) in indices
    )
    lids = {}
    for _, index, lid, name in candidates:
        lids.setdefault((index, name), lid)
    ordered = sorted((index, lid, name) for (index, name), lid in lids.items())
    return rust_file(
        "named-properties.tsv",
        "Names of the named properties that files know by a number (LID).",
        "",
        ("Index of the set in `PROPERTY_SETS`, LID, name; sorted.", "NAMED_PROPERTIES", "(u8, u16, &str)",
         [f'({index}, 0x{lid:04X}, "{name}")' for index, lid, name in ordered]),
        by_name("NAMED_PROPERTIES", [(name, index) for index, _, name in ordered]),
    )


def by_name(table, names):
    order = sorted(range(len(names)), key=lambda index: names[index])
    return (f"The indices of [`{table}`] in the order of the names.", f"{table}_BY_NAME", "u16",
            [str(index) for index in order])


def code_pages(spec_rows):
    decoders = {}
    charsets = {}
    for row in spec_rows:
        number = int(row["code_page"])
        decoder = code_page_decoder(row)
        if decoder is None:
            continue
        decoders[number] = decoder
        for label in (row["windows_name"], row["mime_charset"]):
            # "_autodetect" and "iso-2022-jp (SO/SI)" are descriptions.
            if label and not label.startswith("_") and "(" not in label:
                # Several code pages have one charset name. Windows uses the name for one of them,
                # which wins.
                rank = (label.lower() != row["windows_name"].lower(), number)
                charsets[label.lower()] = min(rank, charsets.get(label.lower(), rank))
    return rust_file(
        "codepages.tsv",
        "Code pages that can be decoded, and the charset names of MIME.",
        "use super::Decoding::{self, Iso2022Kr, Johab, Oem, Standard, Utf7};\n",
        ("Code page number, decoding; sorted.", "CODE_PAGES", "(u32, Decoding)",
         [f"({number}, {decoder})" for number, decoder in sorted(decoders.items())]),
        ("Charset name in lower case, code page number; sorted.", "CHARSETS", "(&str, u32)",
         [f'("{label}", {number})' for label, (_, number) in sorted(charsets.items())]),
    )


# Pages with a decoder of the project's own.
KOREAN = {1361: "Johab", 50225: "Iso2022Kr"}


def code_page_decoder(row):
    if int(row["code_page"]) in KOREAN:
        return KOREAN[int(row["code_page"])]
    label = row["encoding_rs_label"]
    if label not in ("none", "replacement"):
        return f"Standard(encoding_rs::{label.upper().replace('-', '_')})"
    if "oem_cp" in row["other_decoder"]:
        return "Oem"
    return "Utf7" if row["other_decoder"] == "charset" else None


# Former locales of Serbia and Montenegro, whose ANSI page lcid.tsv lacks: Latin, Cyrillic.
LOCALES_ADDED = {0x081A: 1250, 0x0C1A: 1251}


def locales(spec_rows):
    pages = dict(LOCALES_ADDED)
    for row in spec_rows:
        # Empty: a locale of Unicode only. A list: 0x1000, a locale without a number of its own.
        if row["ansi_code_page"].isdigit():
            pages[int(row["lcid_hex"], 16)] = int(row["ansi_code_page"])
    return rust_file(
        "lcid.tsv",
        "ANSI code pages of the locales.",
        "",
        ("Locale identifier without its sort order, ANSI code page; sorted.", "LOCALES", "(u16, u16)",
         [f"(0x{lcid:04X}, {page})" for lcid, page in sorted(pages.items())]),
    )


def rust_file(source, subject, uses, *statics):
    """A Rust file of sorted slices, as many items a line as fit."""
    text = f"//! {subject}\n//!\n//! Generated by scripts/tables.py from {source}; do not edit.\n"
    if uses:
        text += "\n" + uses
    for doc, name, item_type, items in statics:
        text += f"\n/// {doc}\n#[rustfmt::skip]\n"
        text += f"pub(in crate::mapi) static {name}: &[{item_type}] = &[\n"
        text += "".join(f"    {line}\n" for line in filled(items)) + "];\n"
    return text


def filled(items):
    line = ""
    for item in items:
        if line and 4 + len(line) + 2 + len(item) > LINE_WIDTH:
            yield line
            line = ""
        line += (" " if line else "") + item + ","
    if line:
        yield line


if __name__ == "__main__":
    sys.exit(main())
