"""Which GPUs there are, without a library."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.act.gpus import visible_gpus


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("0,2", ("0", "2")),
        ("GPU-8932f937, MIG-1", ("GPU-8932f937", "MIG-1")),
        ("", ()),
        ("-1", ()),
        ("1,-1,2", ("1",)),
    ],
)
def test_the_variable_decides(tmp_path: Path, said: str, expected: tuple[str, ...]) -> None:
    (tmp_path / "nvidia0").touch()
    assert expected == visible_gpus({"CUDA_VISIBLE_DEVICES": said}, devices=tmp_path)


def test_without_it_the_devices_of_the_driver_count(tmp_path: Path) -> None:
    for name in ("nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert ("2", "10") == visible_gpus({}, devices=tmp_path)
    assert () == visible_gpus({}, devices=tmp_path / "nowhere")
