#!/usr/bin/env python3
"""Holds the SBOM of layers against CycloneDX's own JSON schema and against the layers themselves.

usage: check-sbom.py [--released] ZIP...

With --released every part must have a name that scanners know it by, as what is built from pinned sources has.

It needs the packages of sbom-requirements.txt beside this file, which carry the schemas, the list of
SPDX licences and the grammar of package URLs. It reports everything that is wrong, then exits with 1.
"""

import hashlib
import json
import re
import sys
import zipfile

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing
from packageurl import PackageURL

# A formatted string of CPE 2.3 for one version of a program: what is special in a part has a backslash before it.
PART = r"(?:[A-Za-z0-9_.~-]|\\[!-/:-@\[-`{-~])+"
CPE = re.compile(rf"cpe:2\.3:a:{PART}:{PART}:{PART}(?::(?:[*-]|{PART})){{7}}")

# The kinds of package URL that lists of vulnerabilities go by. Those of Python go by nothing else.
PYTHON = "pkg:pypi/"
GITHUB = "pkg:github/"


def components(of):
    """Every component below `of`, nested ones included."""
    for component in of.get("components", []):
        yield component
        yield from components(component)


def check_terms(component):
    """Package URL and licence of one component: the schema takes any text for both."""
    name = component["bom-ref"]
    if "purl" in component:
        try:
            canonical = PackageURL.from_string(component["purl"]).to_string()
        except ValueError as error:
            yield f"{name}: {error}"
        else:
            # The library leaves `/` in a qualifier as it is, the specification lets it be encoded.
            if canonical.replace("/", "%2F") != component["purl"].replace("/", "%2F"):
                yield f"{name}: `{component['purl']}` is canonically `{canonical}`"
    for cpe in cpes(component):
        if not CPE.fullmatch(cpe):
            yield f"{name}: `{cpe}` is not a CPE 2.3 of one version"
        elif cpe.split(":")[5].replace("\\", "") != component["version"]:
            yield f"{name}: `{cpe}` is of another version"
    for choice in component.get("licenses", []):
        text = choice.get("expression") or choice["license"]["id"]
        for error in get_spdx_licensing().validate(text).errors:
            yield f"{name}: licence `{text}`: {error}"


def cpes(component):
    """The names of a component in the dictionary of CPEs: CycloneDX has room for one, the others are properties."""
    aliases = [each["value"] for each in component.get("properties", []) if each["name"] == "syft:cpe23"]
    return [component["cpe"], *aliases] if "cpe" in component else aliases


def check_known(component):
    """Scanners know a part of a layer by its package URL or its CPE."""
    name, purl = component["bom-ref"], component.get("purl", "")
    if {"name": "media-layers:pinned", "value": "true"} not in component["properties"]:
        yield f"{name}: it was built from a local tree"
    elif not purl.startswith((PYTHON, GITHUB)):
        yield f"{name}: no scanner knows the package URL `{purl}`"
    elif not purl.startswith(PYTHON) and not cpes(component):
        yield f"{name}: it has no CPE"


def check_files(sbom, layer, documents):
    """The files that the SBOM lists are those of the zip, save itself and the manifest."""
    listed = {
        component["name"]: component["hashes"][0]["content"]
        for component in components(sbom)
        if component["type"] == "file"
    }
    for name in layer.namelist():
        if name in documents:
            continue
        if name not in listed:
            yield f"`{name}` is in the zip and not in the SBOM"
        elif hashlib.sha256(layer.read(name)).hexdigest() != listed.pop(name):
            yield f"`{name}` has another digest in the SBOM"
    yield from (f"`{name}` is in the SBOM and not in the zip" for name in listed)


def check(path, released):
    """All that is wrong with the SBOM in the zip at `path`."""
    with zipfile.ZipFile(path) as layer:
        found = [name for name in layer.namelist() if name.endswith("/sbom.cdx.json")]
        if len(found) != 1:
            yield f"it holds {len(found)} SBOMs, and it should hold one"
            return
        text = layer.read(found[0]).decode("utf-8")
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
        if error is not None:
            yield f"not CycloneDX 1.6: {error}"
            return
        sbom = json.loads(text)
        for component in components(sbom):
            yield from check_terms(component)
        recipes = [each for each in sbom["components"] if each["bom-ref"].startswith("recipe:")]
        for component in recipes if released else []:
            yield from check_known(component)
        manifest = found[0].rsplit("/", 1)[0] + "/manifest.json"
        yield from check_files(sbom, layer, {found[0], manifest})


def main(arguments):
    released = arguments[:1] == ["--released"]
    paths = arguments[released:]
    if not paths:
        sys.exit(__doc__)
    wrong = [f"{path}: {finding}" for path in paths for finding in check(path, released)]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
