"""Write a new bundle with a plan's shadow prices, for POST /recommend. The old bundle stays unchanged."""

import hashlib
from pathlib import Path

from regulars.actions.advice import FOLDER, PRICES
from regulars.actions.catalogue import Learnt
from regulars.actions.shadow_prices import read_shadow_prices
from regulars.errors import CatalogueError
from regulars.models.bundle import Bundle
from regulars_training.export.package import rewrite


def publish(bundle: Bundle, prices: Path, out: Path) -> Bundle:
    """Write `bundle`, the shadow prices and the learnt effects they name to `out`; return the verified bundle.

    Paths of learnt effects are relative to the folder of `prices`. Shadow prices already in the bundle are replaced.

    CatalogueError: the shadow prices are for another horizon than the bundle.
    """
    listed = read_shadow_prices(prices)
    if listed.horizon_days != bundle.manifest.horizon_days:
        raise CatalogueError(
            f"{prices} was made for {listed.horizon_days} days, bundle {bundle.manifest.bundle} predicts "
            f"{bundle.manifest.horizon_days}; plan with scores of this bundle"
        )
    files: dict[str, bytes] = {}
    actions = []
    for action in listed.catalogue.action:
        published = action
        if isinstance(action.effect, Learnt):
            folder = prices.parent / action.effect.learnt
            name = f"effects-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:6]}"
            files |= {
                f"{FOLDER}/{name}/{file.relative_to(folder).as_posix()}": file.read_bytes()
                for file in sorted(folder.rglob("*"))
                if file.is_file()
            }
            published = action.model_copy(update={"effect": Learnt(learnt=name)})
        actions.append(published)
    catalogue = listed.catalogue.model_copy(update={"action": tuple(actions)})
    text = listed.model_copy(update={"catalogue": catalogue}).model_dump_json(indent=1) + "\n"
    kept = {name: bundle.file(name).read_bytes() for name in bundle.manifest.files if not name.startswith(f"{FOLDER}/")}
    return rewrite(out, {**kept, **files, PRICES: text.encode()}, bundle.manifest)
