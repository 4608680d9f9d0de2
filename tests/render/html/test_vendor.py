"""What is shipped of others is what their package holds."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

VENDOR = files("cipredict.render.html").joinpath("vendor")


def test_every_vendored_file_has_the_sum_that_its_provenance_names() -> None:
    stated = {
        name: digest
        for digest, name in re.findall(
            r"^ {4}([0-9a-f]{64}) {2}(\S+)$", VENDOR.joinpath("README.md").read_text("utf-8"), re.M
        )
    }
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.iterdir()
        if file.name.endswith((".js", ".css"))
    }

    assert stated == found


def test_the_licence_is_shipped() -> None:
    assert "MIT License" in VENDOR.joinpath("uPlot.LICENSE").read_text("utf-8")
