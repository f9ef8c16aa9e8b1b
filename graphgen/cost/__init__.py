"""What a generated function costs: operations by kind, and bytes, as formulas in the sizes.

Counted is the code that is written, in the style that was chosen. `CONVENTION` says how, here and in
``graphgen cost --help``.
"""

CONVENTION = """\
Counted is the code that is written, so that the compact style, which simplifies, may take fewer operations than the
teach style.

Each operation of an elementwise formula counts once for each element of its own result: d_z = d_f * f * (1.0 - f) takes
two multiplications and a subtraction, which is an addition like any other. A square is a multiplication; comparing,
choosing, and, or and not are comparisons; a function (exp, tanh, sigmoid) is one operation, whatever it takes inside. A
change of sign is none.

A product of arrays, (n, k) @ (k, m), takes n * k * m multiplications and as many additions, a contraction accordingly.
A sum of n numbers takes n additions, as it begins with zero like each sum in a product; a maximum of n takes n
comparisons. Operations of a helper are those of the formula in its docstring; those on sizes and literals alone
(1.0 / batch) are not counted.

Bytes are those of the arrays that each operation reads and writes, once each, as NumPy does without a cache: also of
those that stand inside a longer expression. Views (reshape, transpose, slices, broadcasts) move nothing; copies (take,
concat) do, without an operation. Each op counts as one call, whatever happens inside.

In heads of modules flop are additions, multiplications, divisions and comparisons; functions stand beside them."""
