"""Which names values may have, and what is proposed instead."""

import pytest

from graphgen.names import reason_against, remedy, usable


@pytest.mark.parametrize(
    "name", ["x", "weights", "größe", "x_2", "dot", "d", "self", "match", "type_", "numpy", "float_"]
)
def test_names_that_can_be(name):
    assert reason_against(name) is None and usable(name) == name


@pytest.mark.parametrize(
    ("name", "found", "proposed"),
    [
        ("class", "class_", "choose another name, such as class_"),
        ("None", "None_", "choose another name, such as None_"),
        ("sum", "sum_", "choose another name, such as sum_"),
        ("np", "np_", "choose another name, such as np_"),
        ("forward", "forward_", "choose another name, such as forward_"),
        ("Workspace", "Workspace_", "choose another name, such as Workspace_"),
        ("d_x", "d_x_", "choose another name, such as x"),
        ("x_dot", "x_dot_", "choose another name, such as x"),
        ("_x", "", "choose another name, such as x"),
        ("__", "", "choose another name"),
        ("d_", "d__", "choose another name, such as d"),
        ("loss", "loss", "choose another name, such as loss_"),
        ("3x", "3x_", "choose another name, such as x3x"),
        ("a-b c", "a-b c_", "choose another name, such as a_b_c"),
        ("ﬁt", "ﬁt_", "choose another name, such as fit"),
        ("", "_", "choose another name"),
        ("x\n", "x\n_", "choose another name, such as x"),
    ],
)
def test_names_that_cannot(name, found, proposed):
    assert reason_against(name) is not None
    assert usable(name) == found
    assert remedy(name) == proposed


@pytest.mark.parametrize("name", [None, 5, ("x",), b"x"])
def test_what_is_no_string(name):
    assert (reason_against(name), remedy(name)) == ("a name is a string", "give a string")
