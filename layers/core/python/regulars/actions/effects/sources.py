"""Where each action's effect comes from: an assumption of the catalogue, or a folder of learnt effects."""

from pathlib import Path

from regulars.actions.catalogue import Assumed, Catalogue, Learnt
from regulars.actions.effects.effect import AssumedEffect, EffectSource
from regulars.actions.effects.uplift import Uplift
from regulars.errors import CatalogueError


def effect_sources(catalogue: Catalogue, folder: Path) -> dict[str, EffectSource]:
    """Return the source of each action's effect. Folders of learnt effects are relative to the catalogue's `folder`.

    CatalogueError: the learnt effects lack an action. BundleError: their files are absent or changed.
    """
    opened: dict[str, Uplift] = {}
    sources: dict[str, EffectSource] = {}
    for action in catalogue.action:
        if not isinstance(action.effect, Learnt):
            sources[action.name] = assumed_effect(action.effect, catalogue.plan.minor_units)
            continue
        name = action.effect.learnt
        if name not in opened:
            opened[name] = Uplift.open(folder / name)
        if action.name not in opened[name]:
            raise CatalogueError(
                f"{action.label}: {name} has no learnt effect of it, only of {', '.join(opened[name])}; "
                "assume an effect, or learn one from an experiment with this action"
            )
        sources[action.name] = opened[name][action.name]
    return sources


def assumed_effect(assumed: Assumed, minor_units: int) -> AssumedEffect:
    """Return an assumption with money in minor units."""
    scale = 10.0**minor_units if (assumed.on, assumed.how) == ("value", "absolute") else 1.0
    ends = (scale * end for end in (assumed.low, assumed.likely, assumed.high))
    return AssumedEffect(assumed.on, assumed.how, *ends)
