from __future__ import annotations

import json
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.plans.document import MadeFrom, write_plan
from cipredict.plans.noise_profile import Noise, NoiseProfile, RuleRate, read_noise_profile

PROFILE = NoiseProfile({"a": Noise(0.01, 30)}, {"a": Noise(None, 3)}, {"paired": RuleRate(1, 50)})


def test_a_profile_comes_back(tmp_path: Path) -> None:
    write_plan(
        tmp_path / "n.json", NoiseProfile(PROFILE.paired, PROFILE.unpaired, PROFILE.rates, MadeFrom("1")).to_document()
    )

    assert read_noise_profile(tmp_path / "n.json") == PROFILE


@pytest.mark.parametrize("change", [{"paired": 3}, {"paired": {"a": {}}}, {"rates": {"x": {}}}, {"unpaired": None}])
def test_a_damaged_profile_is_one_line(tmp_path: Path, change: dict[str, object]) -> None:
    (tmp_path / "n.json").write_text(json.dumps({**PROFILE.to_document(), **change}))
    with pytest.raises(InputError) as caught:
        read_noise_profile(tmp_path / "n.json")

    assert caught.value.slug == "noise-profile"
