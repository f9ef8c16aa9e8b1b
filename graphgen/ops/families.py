"""What the families of the op table are called, and where the names of their ops come from."""

from typing import NamedTuple

ARRAY_API = "the array API standard"
NUMPY = "NumPy"
TORCH = "torch.nn.functional"


class Family(NamedTuple):
    """A family for readers.

    Attributes
    ----------
    title : its heading.
    origin : whose names its ops carry, where a row does not say otherwise.
    """

    title: str
    origin: str


# By the name of the file in rows/.
FAMILIES = {
    "arithmetic": Family("Arithmetic", NUMPY),
    "rounding": Family("Rounding and remainders", NUMPY),
    "exponential": Family("Exponentials and logarithms", NUMPY),
    "trigonometric": Family("Trigonometric and hyperbolic functions", ARRAY_API),
    "special": Family("Special functions", "scipy.special"),
    "activations": Family("Activations", TORCH),
    "selection": Family("Choosing, comparing, logic", NUMPY),
    "reduction": Family("Reductions", NUMPY),
    "softmax": Family("Softmax and its logarithms", TORCH),
    "ordering": Family("Sorting", NUMPY),
    "scans": Family("Running sums and products", NUMPY),
    "layout": Family("Layout", NUMPY),
    "repeating": Family("Turning and repeating", NUMPY),
    "joining": Family("Joining and splitting", NUMPY),
    "indexing": Family("Slices and masks", NUMPY),
    "gathering": Family("Picking and scattering", NUMPY),
    "diagonals": Family("Diagonals and triangles", NUMPY),
    "products": Family("Products of arrays", NUMPY),
    "einsum": Family("Sums over named axes", NUMPY),
    "windows": Family("Sliding windows", "an adjoint pair of this table's own"),
    "convolution": Family("Convolutions", TORCH),
    "pooling": Family("Pooling", TORCH),
    "normalisation": Family("Normalisation", TORCH),
    "attention": Family("Attention", TORCH),
    "resampling": Family("Images made larger or smaller", TORCH),
    "losses": Family("Losses of numbers", TORCH),
    "losses_probabilities": Family("Losses of probabilities", TORCH),
    "losses_classes": Family("Losses of classes", TORCH),
    "losses_margins": Family("Losses with a margin", TORCH),
    "losses_sequences": Family("Losses of sequences", TORCH),
    "control": Family("Control of gradients", "this table's own"),
    "random": Family("Random numbers, training and inference", TORCH),
    "discrete": Family("Labels", TORCH),
}
