"""Write a bundle: models, learnt constants and frozen SQL, with a manifest of every file's hash."""

import hashlib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from regulars.data.atomic_files import atomic_folder
from regulars.data.sql import SqlFolder
from regulars.features.cut_points import CutPoints
from regulars.features.relations import LABELS
from regulars.models.bundle import MANIFEST, Bundle, FileEntry, Manifest
from regulars.models.purchase_process import Process
from regulars_training.export.onnx_export import Exported, as_json

LIBRARIES = ("duckdb", "numpy", "onnxruntime", "onnx", "scikit-learn", "xgboost-cpu")

SERVED = ("staging", "features")
"""Folders of SQL that scoring needs."""


def contents(exports: Iterable[Exported], cut_points: CutPoints, process: Process, sql: SqlFolder) -> dict[str, bytes]:
    """Return every file of a bundle except its manifest, by name."""
    files = {
        "constants/rfm_cut_points.json": as_json([list(row) for row in cut_points]),
        "constants/process.json": as_json(process.model_dump()),
    }
    for relation in sql.relations.values():
        if relation.folder in SERVED or relation.name == LABELS:  # a batch can make training sets with them
            files[f"sql/{relation.folder}/{relation.name}.sql"] = relation.text.encode()
    for exported in exports:
        files |= exported.files
    return dict(sorted(files.items()))


def fingerprint(lake: Path, tables: Sequence[str]) -> str:
    """Return a SHA-256 of the lake's Parquet files of the named tables."""
    total = hashlib.sha256()
    for table in tables:
        for file in sorted((lake / table).glob("**/*.parquet")):
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def write(out: Path, files: dict[str, bytes], facts: dict[str, Any]) -> Bundle:
    """Write the bundle folder atomically and return the verified bundle; `facts` are the manifest's other fields."""
    libraries = {name: version(name) for name in LIBRARIES}
    return rewrite(out, files, Manifest(bundle="0000-00-00.000000", libraries=libraries, files={}, **facts))


def rewrite(out: Path, files: dict[str, bytes], manifest: Manifest) -> Bundle:
    """Write these files atomically, with the other fields of `manifest`, and return the verified bundle."""
    entries = {
        name: FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for name, content in sorted(files.items())
    }
    manifest = manifest.model_copy(update={"files": entries})
    manifest = manifest.model_copy(update={"bundle": manifest.identity()})
    with atomic_folder(out, MANIFEST) as partial:
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
        (partial / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        Bundle(partial).verify()
    return Bundle(out)
