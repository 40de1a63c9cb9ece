#!/usr/bin/env python3
"""Fetch the JavaScript of the page from the npm registry, at fixed versions, with its licences.

It needs `npm`. Each package is checked against the SHA-512 written here before a file of it is
taken; MANIFEST.json says where each file came from and what its SHA-256 is, which a test checks.
"""

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "src" / "varbench" / "reporting" / "page" / "vendor"
# Of each package: version, licence, what the registry says its SHA-512 is, and the files taken.
PACKAGES = {
    "vega": (
        "6.4.0",
        "BSD-3-Clause",
        "rHXCq2LpEWCLMjXBEj7hocY9G0/i5TGYRayGGSj06VTF4+l2IG2Z7oeZKCjWbUh/7hTE/mVhbaOPB72wCElh6g==",
        ["build/vega.min.js"],
    ),
    "vega-lite": (
        "6.5.0",
        "BSD-3-Clause",
        "fMXF6s0MrIg0UTWnLIfeFtgSLzVhyzSKobzGrh5rhS+mL6FOYFG3m7ouJ4U23gj65EK+gl9FIIT5w7wLNaAzkA==",
        ["build/vega-lite.min.js"],
    ),
    "vega-embed": (
        "7.3.0",
        "BSD-3-Clause",
        "wQ8s5GaSzqoKgmRfbRolgBrjE2CP7ZKHXqH7NijxMqPjpdWxSs4Dn8tvp9g0giQvh2cK+3p56sxjWWM0wNngGw==",
        ["build/vega-embed.min.js"],
    ),
    "tabulator-tables": (
        "6.5.3",
        "MIT",
        "nJ2QaqZzQvd9B4rf4LBnRxfb6sSqA/BX2OsXnSJ2d8k21oXDSTtFtOUrDap04a/6BDGivC/MByCxy43ugadJIg==",
        ["dist/js/tabulator.min.js", "dist/css/tabulator_simple.min.css"],
    ),
    "photoswipe": (
        "5.4.4",
        "MIT",
        "WNFHoKrkZNnvFFhbHL93WDkW3ifwVOXSW3w1UuZZelSmgXpIGiZSNlZJq37rR8YejqME2rHs9EhH9ZvlvFH2NA==",
        ["dist/umd/photoswipe.umd.min.js", "dist/photoswipe.css"],
    ),
}


def main() -> None:
    """Write the folder anew."""
    manifest = {}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name, (version, licence, sha512, files) in PACKAGES.items():
            command = ["npm", "pack", "--silent", f"{name}@{version}"]
            packed = subprocess.run(command, cwd=temporary, check=True, stdout=subprocess.PIPE)
            archive = Path(temporary) / packed.stdout.decode().split()[-1]
            found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
            if found != sha512:
                raise SystemExit(f"{name}@{version}: SHA-512 is {found}, not {sha512}")
            with tarfile.open(archive) as package:
                for file in [*files, "LICENSE"]:
                    taken = Path(file).name if file != "LICENSE" else f"{name}.LICENSE"
                    member = package.extractfile(f"package/{file}")
                    assert member is not None
                    # Maps of sources are not taken, so a browser must not look for them.
                    lines = member.read().decode().splitlines(keepends=True)
                    kept = [line for line in lines if not line.startswith("//# sourceMappingURL")]
                    data = "".join(kept).encode()
                    (FOLDER / taken).write_bytes(data)
                    manifest[taken] = {
                        "package": name,
                        "version": version,
                        "licence": licence,
                        "sha256": hashlib.sha256(data).hexdigest(),
                    }
    text = json.dumps(manifest, indent=2, sort_keys=True)
    (FOLDER / "MANIFEST.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
