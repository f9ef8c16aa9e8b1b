"""How tightly texts hold together, for all who write spellings or fill them.

A text may stand bare where its own precedence is at least the one asked for. The scale is Python's, but for @: on a par
with * to Python, a step below it to the reader, who gets `a * (b @ c)`.
"""

ATOM = 100  # names, literals, calls, subscripts
POWER = 90
UNARY = 80  # -a, ~a, negative literals
MULTIPLY = 70  # * and /
MATMUL = 65
ADD = 60  # + and -
BIT_AND = 50
BIT_OR = 45
COMPARE = 40
NOT = 35
AND = 30
OR = 25
TERNARY = 20  # a if c else b
ANY = 0  # an argument of a call
