"""What all passes keep to: names, what is said of nodes, what the user named."""

from rewritten import becomes, program_of, stays

from graphgen.passes.algebra import algebra
from graphgen.passes.prune import prune
from graphgen.passes.rewriting import Draft
from graphgen.program import Why


def test_a_results_own_name_is_kept_before_any_other():
    becomes(
        algebra,
        """
        x = input((3,))
        w = param((3,))
        d_s: reverse = negative(x)
        d_z: reverse = identity(d_s)
        d_w: reverse = identity(d_z)
        return gradient(w=d_w)
        """,
        """
        x = input((3,))
        w = param((3,))
        d_w: reverse = negative(x)
        return gradient(w=d_w)
        """,
    )


def test_two_results_share_the_earlier_ones_node():
    becomes(
        algebra,
        """
        x = input(())
        y = input(())
        d_s: reverse = constant(2.0)
        d_x: reverse = identity(d_s)
        d_y: reverse = identity(d_s)
        return gradient(x=d_x, y=d_y)
        """,
        """
        x = input(())
        y = input(())
        d_x: reverse = constant(2.0)
        return gradient(x=d_x, y=d_x)
        """,
    )


def test_the_gradient_of_a_named_value_is_kept_before_that_of_an_unnamed_one():
    becomes(
        algebra,
        """
        x = input((3,))
        part: unnamed = exp(x)
        hidden = sin(part)
        d_part: reverse = negative(hidden)
        d_hidden: reverse = identity(d_part)
        d_x: reverse = exp(d_hidden)
        return gradient(x=d_x)
        """,
        """
        x = input((3,))
        part: unnamed = exp(x)
        hidden = sin(part)
        d_hidden: reverse = negative(hidden)
        d_x: reverse = exp(d_hidden)
        return gradient(x=d_x)
        """,
    )


def test_a_tangents_name_is_found_as_a_gradients_is():
    becomes(
        algebra,
        """
        x = input((3,))
        part: unnamed = exp(x)
        part_dot: tangent = negative(x)
        hidden = sin(x)
        hidden_dot: tangent = identity(part_dot)
        last_dot: tangent = exp(hidden_dot)
        return output_dot(x=last_dot)
        """,
        """
        x = input((3,))
        part: unnamed = exp(x)
        hidden_dot: tangent = negative(x)
        hidden = sin(x)
        last_dot: tangent = exp(hidden_dot)
        return output_dot(x=last_dot)
        """,
    )


def test_declared_values_are_not_called_after_gradients():
    becomes(
        algebra,
        """
        x = input(())
        z = param(())
        f_add: unnamed = exp(x)
        d_z: reverse = identity(f_add)
        return gradient(z=d_z)
        """,
        """
        x = input(())
        z = param(())
        f_add: unnamed = exp(x)
        return gradient(z=f_add)
        """,
    )


def test_what_the_user_named_keeps_its_node():
    stays(
        algebra,
        """
        x = input(())
        y = identity(x)
        return output(y=y)
        """,
    )
    becomes(
        algebra,
        """
        x = input(())
        one: unnamed = constant(1.0)
        y = multiply(x, one)
        return output(y=y)
        """,
        """
        x = input(())
        one: unnamed = constant(1.0)
        y = identity(x)
        return output(y=y)
        """,
    )


def test_an_unnamed_value_takes_the_users_name_for_it():
    found = becomes(
        algebra,
        """
        x = input(())
        y_exp: unnamed = exp(x)
        y = identity(y_exp)
        z = identity(y_exp)
        w = add(y, z)
        return output(w=w)
        """,
        """
        x = input(())
        y = exp(x)
        z = identity(y)
        w = add(y, z)
        return output(w=w)
        """,
    )
    assert found.nodes["y"].named


def test_what_is_said_of_values_that_become_one_is_joined():
    program = program_of(
        """
        x = input(())
        d_a: reverse = exp(x)
        d_b: reverse = identity(d_a)
        d_x: reverse = negative(d_b)
        return gradient(x=d_x)
        """
    )
    first = Why("model.py:3", "", answers=("a",), notes=("one",))
    second = Why("model.py:4", "b = 2*a", answers=("b", "a"), notes=("two", "one"))
    nodes = program.nodes | {"d_a": program.nodes["d_a"]._replace(why=first), "d_b": program.nodes["d_b"]._replace(why=second)}
    found = algebra(type(program)(program.name, nodes=nodes, results=program.results))
    assert found.nodes["d_a"].why == Why("model.py:3", "b = 2*a", "", ("a", "b"), ("one", "two"))


def test_what_a_node_answers_is_known_by_its_new_name():
    program = program_of(
        """
        x = input(())
        one: unnamed = exp(x)
        y = identity(one)
        d_x: reverse = negative(y)
        return gradient(x=d_x)
        """
    )
    nodes = program.nodes | {"d_x": program.nodes["d_x"]._replace(why=Why(answers=("one", "y")))}
    assert algebra(type(program)("p", nodes=nodes, results=program.results)).nodes["d_x"].why.answers == ("y",)


def test_new_nodes_are_called_after_the_reader_they_serve():
    draft = Draft(program_of("y = input(())\ny_constant = input(())\nreturn output(y=y)"))
    for node in draft.program.nodes.values():
        draft.put(node)
    assert [draft.constant(draft.nodes["y"], 1.0) for _ in range(3)] == ["y_constant_2", "y_constant_3", "y_constant_4"]


def test_prune_keeps_leaves_alone():
    becomes(
        prune,
        """
        x = input((3,))
        unused = param((2,))
        y = exp(x)
        z = sin(y)
        d_x: reverse = negative(y)
        return output(y=y)
        """,
        """
        x = input((3,))
        unused = param((2,))
        y = exp(x)
        return output(y=y)
        """,
    )
    stays(prune, "x = input(())\nreturn output(x=x)")
