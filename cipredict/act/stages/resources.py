"""What stages hold while they run: amounts, and for some resources which of the devices."""

from __future__ import annotations

from collections.abc import Sequence

from cipredict.act.stages.interface import Limits, Stage
from cipredict.errors import UsageError


class Pool:
    """Hands out what the limits allow; one loop uses it."""

    def __init__(self, limits: Limits) -> None:
        self._devices = limits.devices
        self._free = dict(limits.resources)
        self._names = {name: list(devices.names) for name, devices in limits.devices.items()}
        self._held: dict[str, dict[str, list[str]]] = {}

    def fits(self, stage: Stage) -> bool:
        """Tell whether a stage may start now."""
        return all(self._free.get(name, 0) >= amount for name, amount in stage.resources.items())

    def take(self, stage: Stage) -> dict[str, str]:
        """Give a stage what it needs; the environment says which devices it got."""
        for name, amount in stage.resources.items():
            self._free[name] -= amount
        held = {name: self._take_names(name, stage.resources.get(name, 0)) for name in self._names}
        self._held[stage.name] = held
        return {self._devices[name].variable: ",".join(names) for name, names in held.items()}

    def release(self, stage: Stage) -> None:
        """Take back what a stage held."""
        for name, amount in stage.resources.items():
            self._free[name] += amount
        for name, names in self._held.pop(stage.name).items():
            self._names[name] = sorted([*self._names[name], *names], key=self._devices[name].names.index)

    def _take_names(self, name: str, amount: int) -> list[str]:
        names, self._names[name] = self._names[name][:amount], self._names[name][amount:]
        return names


def refuse_impossible(stages: Sequence[Stage], limits: Limits) -> None:
    """Raise UsageError where a stage that would run needs more than there is."""
    for stage in stages:
        for name, amount in stage.resources.items():
            there = limits.resources.get(name, 0)
            if amount > there and not stage.skip:
                message = f"Stage '{stage.name}' needs {amount} {name}, and there are {there}."
                raise UsageError(message, slug="stage-resources")
