"""Inference of tree models: a booster or a forest is a leaf finder and a leaf table.

The leaf finder is an ONNX graph that gives the number of the leaf that a row falls into, for each tree. The leaf table
holds each leaf's contribution to each feature and to the bias. The sum over a row's leaves and all columns is the
score; the sums by column are its reasons (Saabas 2014; XGBoost calls them approximate contributions).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.arrays import FloatArray
from regulars.models.bundle import Bundle

Leaves = npt.NDArray[np.int64]

ROWS = 128
"""Rows per block, so that the contributions of their leaves fit into a core's cache."""


class TreeModel:
    """A leaf finder and a leaf table, read from `<task>/leaf_finder.onnx` and `<task>/leaf_table.npy`."""

    def __init__(self, bundle: Bundle, task: str, threads: int = 1) -> None:
        import onnxruntime  # noqa: PLC0415 - takes 25-80 ms: only for tasks with trees

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        finder = bundle.file(f"{task}/leaf_finder.onnx").read_bytes()
        self._session: Any = onnxruntime.InferenceSession(finder, options, providers=["CPUExecutionProvider"])
        self._table = np.asarray(bundle.array(f"{task}/leaf_table.npy"))  # in memory: a memory map is slow to index
        self._sums = self._table.sum(axis=1, dtype=np.float64)

    def leaves(self, rows: npt.NDArray[np.float32], order: npt.NDArray[np.intp] | None = None) -> Leaves:
        """Return the number of the leaf that each row falls into; shape (rows, trees).

        `order` is the order in which rows are processed; the result is the same. When similar rows follow each other,
        the processor predicts their branches better (20 % faster).
        """
        ordered = self._session.run(None, {"rows": rows if order is None else rows[order]})[0]
        leaves = np.empty(ordered.shape, dtype=np.int64)
        leaves[slice(None) if order is None else order] = ordered
        return leaves

    def margins(self, leaves: Leaves) -> FloatArray:
        """Return the margins of rows with these leaves; shape (rows,)."""
        margin: FloatArray = self._sums[leaves].sum(axis=1)
        return margin

    def contributions(self, leaves: Leaves) -> FloatArray:
        """Return what each feature and, last, the bias adds to each row's margin; shape (rows, features + 1).

        Sums are in float32, as the table is: they differ from the margin by about 1e-6 of it.
        """
        trees, width = leaves.shape[1], self._table.shape[1]
        out = np.empty((len(leaves), width), dtype=np.float32)
        block = np.empty((trees, min(ROWS, len(leaves)), width), dtype=np.float32)
        for start in range(0, len(leaves), ROWS):
            part = leaves[start : start + ROWS].T
            gathered = block[:, : part.shape[1]]
            np.take(self._table, part, axis=0, out=gathered, mode="clip")
            # Trees are added in order, so that a row alone gives the same bits as among many.
            np.add.reduce(gathered, axis=0, out=out[start : start + ROWS])
        return out.astype(np.float64)
