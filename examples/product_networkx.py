"""The graph of product.py as a plain networkx DAG: nodes with an op each, edges whose key is the operand's place."""

import networkx

dag = networkx.MultiDiGraph(name="product", outputs={"f": "f"})
for name in ("x", "y", "z"):
    dag.add_node(name, op="input", shape=(), dtype="float64")

dag.add_node("q", op="add")
dag.add_edge("x", "q", key=0)
dag.add_edge("y", "q", key=1)

dag.add_node("f", op="multiply")
dag.add_edge("q", "f", key=0)
dag.add_edge("z", "f", key=1)
