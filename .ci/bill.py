"""Writes the bill of materials of an image as it is: OS packages, Python packages, licences.

Promises: CycloneDX 1.6 as JSON; every component is read from the image's own files, with version,
package URL and licence; the bill names the image by digest, so that it belongs to that image only.
Does not do: vulnerabilities (`audit.py`).
"""

import re
import sys
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL


def operating_system(root: Path) -> Iterator[Component]:
    """Debian's packages, from dpkg's list; their licences as their copyright files name them."""
    release = (root / "etc/os-release").read_text()
    codename = (re.findall(r"^VERSION_CODENAME=(\w+)", release, re.MULTILINE) or ["unknown"])[0]
    for paragraph in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        package = HeaderParser().parsestr(paragraph)
        if "installed" not in (package["Status"] or "").split()[-1:]:
            continue
        name, version = package["Package"], package["Version"]
        qualifiers = {"arch": package["Architecture"], "distro": f"debian-{codename}"}
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            purl=PackageURL("deb", "debian", name, version, qualifiers),
            licenses=[DisjunctiveLicense(name=word) for word in licences_of(root, name)],
        )


def licences_of(root: Path, package: str) -> list[str]:
    """The licences that a package's copyright file names; none where it is only prose."""
    path = root / "usr/share/doc" / package / "copyright"
    if not path.is_file():
        return []
    text = path.read_text(errors="replace")
    return sorted(set(re.findall(r"^License: *(\S.*?) *$", text, re.MULTILINE)))


def python_packages(root: Path) -> Iterator[Component]:
    """What is installed for Python, from each package's own metadata."""
    for path in sorted((root / "opt/venv/lib").glob("python*/site-packages/*.dist-info/METADATA")):
        told = HeaderParser().parsestr(path.read_text(errors="replace"))
        name, version = str(told["Name"]), str(told["Version"])
        classified = re.findall(r"License :: .*:: (.+)", "\n".join(told.get_all("Classifier", [])))
        licence = told["License-Expression"] or ", ".join(classified) or told["License"]
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            purl=PackageURL("pypi", None, name.lower().replace("_", "-"), version),
            licenses=[DisjunctiveLicense(name=licence.splitlines()[0])] if licence else [],
        )


def bill(root: Path, *, image: str) -> str:
    """The bill of an unpacked image; `image` is NAME@sha256:DIGEST."""
    name, _, digest = image.partition("@sha256:")
    content = HashType(alg=HashAlgorithm.SHA_256, content=digest)
    whole = Component(
        type=ComponentType.CONTAINER,
        name=name,
        version=f"sha256:{digest}",
        bom_ref=image,
        hashes=[content],
        purl=PackageURL("oci", None, name.rsplit("/", 1)[-1], f"sha256:{digest}"),
    )
    told = Bom(components=[*operating_system(root), *python_packages(root)])
    told.metadata.component = whole
    told.register_dependency(whole, told.components)
    return JsonV1Dot6(told).output_as_string(indent=1)


if __name__ == "__main__":
    sys.stdout.write(bill(Path(sys.argv[1]), image=sys.argv[2]))
