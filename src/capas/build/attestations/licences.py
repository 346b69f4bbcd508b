"""Licences as SPDX writes them: package managers' own words become expressions, and unknown ones are named and kept.

Spec: SPDX 2.3, annex D "SPDX license expressions", section 10 "Other licensing information".
"""

from __future__ import annotations

import re
from typing import NamedTuple

_IDS = (  # the usual ones: any other name is kept as a LicenseRef
    "0BSD AFL-2.1 AFL-3.0 Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-1.0-Perl Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause"
    " BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSD-4-Clause-UC BSL-1.0 bzip2-1.0.6"
    " CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CPL-1.0 curl ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.2"
    " FSFAP FSFUL FSFULLR FTL GPL-1.0-only GPL-1.0-or-later HPND ICU IJG ISC JSON Libpng libpng-2.0 libtiff MIT MIT-0"
    " MIT-CMU MIT-Modern-Variant MPL-1.1 MPL-2.0 MS-PL NCSA NTP OFL-1.1 OpenLDAP-2.8 OpenSSL PHP-3.01 PostgreSQL"
    " PSF-2.0 Python-2.0 QPL-1.0 Ruby Sleepycat SMLNJ SSPL-1.0 TCL Unicode-3.0 Unicode-DFS-2016 Unlicense UPL-1.0"
    " Vim W3C WTFPL X11 Xfig XFree86-1.1 Zend-2.0 Zlib ZPL-2.1"
)
_EXCEPTIONS = (
    "Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Classpath-exception-2.0 Font-exception-2.0"
    " GCC-exception-2.0 GCC-exception-3.1 Libtool-exception Linux-syscall-note LLVM-exception"
    " OCaml-LGPL-linking-exception OpenSSL-exception openvpn-openssl-exception"
)
_OTHER_NAMES = {
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0", "apache-2": "Apache-2.0", "asl 2.0": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl", "boost": "BSL-1.0", "bsd-2-clause-netbsd": "BSD-2-Clause", "bsd-3": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "expat": "MIT", "isc license (iscl)": "ISC",
    "mit license": "MIT", "the mit license": "MIT", "mit/x11": "MIT", "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mplv2.0": "MPL-2.0", "mplv1.1": "MPL-1.1", "psf": "PSF-2.0", "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0", "the unlicense (unlicense)": "Unlicense", "zlib/libpng": "Zlib",
}  # fmt: skip
_BY_LOWER = {one.lower(): one for one in _IDS.split()}
_BY_LOWER_EXCEPTION = {one.lower(): one for one in _EXCEPTIONS.split()}
_GNU_VERSIONS = {
    "gpl": ("1.0", "2.0", "3.0"), "lgpl": ("2.0", "2.1", "3.0"), "agpl": ("1.0", "3.0"), "gfdl": ("1.1", "1.2", "1.3"),
}  # fmt: skip
_GNU = re.compile(r"(?P<kind>[al]?gpl|gfdl)[-_ ]?v?(?P<version>[123](?:\.[0-9])?)(?P<end>\+|-only|-or-later)?")
_WORDS = re.compile(r"[(),]|\b(?:and|or|AND|OR|And|Or)\b|(?:(?!\b(?:and|or|AND|OR|And|Or)\b)[^(),])+")


class Licence(NamedTuple):
    """An expression that SPDX knows, empty for nothing known, and the texts of the names in it that are no SPDX ids."""

    expression: str = ""
    others: tuple[tuple[str, str], ...] = ()  # LicenseRef-… and the name it stands for


def parse_licence(text: str) -> Licence:
    """What a package's database says of its licence, as SPDX writes it. Any text gives a valid expression.

    >>> parse_licence("GPL-2+ and (Expat or Own)").expression
    'GPL-2.0-or-later AND (MIT OR LicenseRef-Own)'
    """
    text = " ".join(text.split())
    if not text or text.upper() in ("NONE", "UNKNOWN", "NOASSERTION"):
        return Licence()
    whole = _find_id(text)
    if whole:
        return Licence(whole)
    others: dict[str, str] = {}
    words = [
        _word(word.strip(), others) for word in _WORDS.findall(re.sub(r",\s*(and|or)\b", r" \1", text)) if word.strip()
    ]
    if not _is_well_formed(words):
        name = _reference(text)
        return Licence(name, ((name, text),))
    return Licence(" ".join(words).replace("( ", "(").replace(" )", ")"), tuple(others.items()))


def _word(word: str, others: dict[str, str]) -> str:
    if word in "()":
        return word
    if word == "," or word.upper() in ("AND", "OR"):
        return "AND" if word == "," else word.upper()
    found = _find_id(word)
    if not found:
        found = _reference(word)
        others[found] = word
    return found


def _find_id(word: str) -> str:
    """The SPDX id (with its exception) that a name means, empty for none."""
    name, space, exception = re.sub(r"(?i)\s+with\s+", " with ", word).partition(" with ")
    if space:
        known = _BY_LOWER_EXCEPTION.get(exception.lower(), "")
        base = _find_id(name)
        return f"{base} WITH {known}" if base and known else ""
    lowered = name.lower()
    gnu = _GNU.fullmatch(lowered)
    if gnu:
        version = gnu["version"] if "." in gnu["version"] else gnu["version"] + ".0"
        end = "or-later" if gnu["end"] in ("+", "-or-later") else "only"
        return f"{gnu['kind'].upper()}-{version}-{end}" if version in _GNU_VERSIONS[gnu["kind"]] else ""
    return _OTHER_NAMES.get(lowered) or {one.lower(): one for one in _IDS.split()}.get(lowered, "")


def _reference(text: str) -> str:
    return "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")[:100] or "unknown")


def _is_well_formed(words: list[str]) -> bool:
    """Whether operands and operators take turns, and brackets close."""
    depth, wants_operand = 0, True
    for word in words:
        if word in ("AND", "OR", ")"):
            if wants_operand:
                return False
            wants_operand = word != ")"
            depth -= word == ")"
        else:
            if not wants_operand:
                return False
            wants_operand = word == "("
            depth += word == "("
        if depth < 0:
            return False
    return depth == 0 and not wants_operand
