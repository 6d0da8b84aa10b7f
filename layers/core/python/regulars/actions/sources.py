"""Where each action's effect comes from: the catalogue's own assumption, or a folder of learnt effects."""

from pathlib import Path

from regulars.actions.catalogue import Catalogue, Learnt
from regulars.actions.effects import EffectSource
from regulars.actions.uplift import Uplift
from regulars.errors import CatalogueError


def effect_sources(catalogue: Catalogue, folder: Path) -> dict[str, EffectSource]:
    """Return the source of each action's effect; folders of learnt ones are seen from `folder`, the catalogue's own.

    CatalogueError when learnt effects do not hold an action; BundleError when their files are absent or changed.
    """
    opened: dict[str, Uplift] = {}
    sources: dict[str, EffectSource] = {}
    for action in catalogue.action:
        if not isinstance(action.effect, Learnt):
            sources[action.name] = action.effect.source(catalogue.plan.minor_units)
            continue
        where = action.effect.learnt
        if where not in opened:
            opened[where] = Uplift.open(folder / where)
        if action.name not in opened[where]:
            raise CatalogueError(
                f'[[action]] "{action.name}": {where} has learnt no effect of it, only of {", ".join(opened[where])}; '
                "assume one, or learn from an experiment with it"
            )
        sources[action.name] = opened[where][action.name]
    return sources
