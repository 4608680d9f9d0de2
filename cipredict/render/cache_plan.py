"""A cache plan for the workflow (GitHub's outputs, GitLab's YAML, JSON) and for people. Pure."""

from __future__ import annotations

import json

from cipredict.plans.cache_plan import CachePlan, Expected
from cipredict.plans.document import canonical_json
from cipredict.render.github import render_outputs
from cipredict.render.plain import percent

FORMATS = ("json", "github", "gitlab")


def render_keys(plan: CachePlan, *, output_format: str) -> str:
    """Give what the workflow reads.

    `github` sets the outputs key, restore-keys, path and predicted; `gitlab` is a `cache:` block for a child pipeline.
    """
    if output_format == "github":
        return render_outputs(
            {
                "key": plan.primary,
                "restore-keys": "\n".join(plan.restore_keys),
                "path": "\n".join(plan.paths),
                "predicted": plan.expected.outcome,
            }
        )
    if output_format == "gitlab":
        return _gitlab(plan)
    return canonical_json(plan.to_document())


def _gitlab(plan: CachePlan) -> str:
    """Give a `cache:` block; JSON texts are YAML texts."""
    lines = ["cache:", f"  key: {json.dumps(plan.primary)}"]
    for name, values in (("fallback_keys", plan.restore_keys), ("paths", plan.paths)):
        if values:
            lines += [f"  {name}:", *(f"    - {json.dumps(value)}" for value in values)]
    return "\n".join(lines) + "\n"


def say_keys(plan: CachePlan) -> str:
    """Say the key, what else will do and what is expected, in a few lines."""
    others = [f"  else {key}" for key in plan.restore_keys]
    notes = [f"  {note}" for note in plan.notes]
    return "\n".join([f"{plan.stage}: {plan.primary}", *others, f"Expected: {_say(plan.expected)}", *notes, ""])


def _say(expected: Expected) -> str:
    how = "certain unless it expired" if expected.is_deterministic else expected.basis
    chance = "" if expected.p_exact is None or expected.is_deterministic else f", {percent(expected.p_exact)} exact"
    return f"{expected.outcome.value} ({how}{chance}): {expected.reason}"
