"""Arrays and the functions of numbers that training and serving share."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
