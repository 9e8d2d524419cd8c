"""What an actor asks of a node, and what is said where none has it: without Ray."""

from __future__ import annotations

import pytest

from gunicorn.dirty import DirtyAppError
from gunicorn.tasks.ray_options import amounts_of, check_options, missing, together


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "ray_options is a dict, not list"),
        ({"max_restarts": 1}, "ray_options has no 'max_restarts'; there are num_cpus, num_gpus, memory"),
        ({"num_gpus": -1}, "num_gpus of ray_options is a number that is not negative, not -1"),
        ({"num_cpus": True}, "num_cpus of ray_options is a number"),
        ({"num_cpus": "2"}, "num_cpus of ray_options is a number"),
        ({"resources": {"a": "b"}}, "resources of ray_options is a dict of numbers"),
        ({"resources": {1: 2}}, "resources of ray_options is a dict of numbers that are not negative, with texts for"),
        ({"label_selector": {"a": 1}}, "label_selector of ray_options is a dict of texts"),
        ({"enable_task_events": 1}, "enable_task_events of ray_options is True or False, not 1"),
        ({"accelerator_type": 4}, "accelerator_type of ray_options is a text"),
    ],
)
def test_options_that_are_none(options: object, problem: str) -> None:
    with pytest.raises(DirtyAppError) as caught:
        check_options("m:C", options)
    assert f"m:C: {problem}" in caught.value.message
    assert caught.value.app_path == "m:C"


def test_options_that_are_some() -> None:
    assert check_options("m:C", None) == {}
    options = {"num_cpus": 0.5, "num_gpus": 1, "memory": 10, "resources": {"a": 1}, "scheduling_strategy": "DEFAULT",
               "accelerator_type": "A100", "label_selector": {"zone": "a"}, "enable_task_events": True}
    assert check_options("m:C", options) == options


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], {"num_cpus": 1}),
        ([{}], {"num_cpus": 1}),
        ([{"num_cpus": 0}], {"num_cpus": 0}),
        # By turns they use processors, at the same time what they keep.
        ([{"num_cpus": 4, "num_gpus": 0.5}, {"num_gpus": 0.25, "memory": 3}, {"memory": 4}],
         {"num_cpus": 4, "num_gpus": 0.75, "memory": 7}),
        ([{"resources": {"a": 1, "b": 1}}, {"resources": {"a": 2}}],
         {"num_cpus": 1, "resources": {"a": 3, "b": 1}}),
        ([{"enable_task_events": True}, {}], {"num_cpus": 1, "enable_task_events": True}),
        ([{}, {"enable_task_events": True}], {"num_cpus": 1, "enable_task_events": True}),
        ([{"enable_task_events": False}], {"num_cpus": 1}),
        ([{"label_selector": {"zone": "a"}}, {"label_selector": {"disk": "b"}}],
         {"num_cpus": 1, "label_selector": {"zone": "a", "disk": "b"}}),
    ],
)
def test_applications_that_share_an_actor(options: list[dict[str, object]], found: dict[str, object]) -> None:
    assert together(options) == {"scheduling_strategy": "SPREAD", "enable_task_events": False, **found}


def test_a_strategy_of_one_s_own() -> None:
    assert together([{"scheduling_strategy": "DEFAULT"}])["scheduling_strategy"] == "DEFAULT"


def test_what_no_node_has() -> None:
    nodes = [{"CPU": 4.0, "GPU": 1.0}, {"CPU": 8.0, "disk": 2.0}]
    options = {"num_cpus": 2, "num_gpus": 2, "resources": {"tpu": 1}}
    assert amounts_of(options) == {"CPU": 2, "GPU": 2, "tpu": 1}
    assert missing(options, nodes) == "GPU 2 (the most of a node is 1), tpu 1 (the most of a node is 0)"
    assert missing({"num_cpus": 8}, nodes) == ""
    assert missing({"num_cpus": 0}, nodes) == ""
    # Each is there, and nowhere all of them.
    assert missing({"num_cpus": 8, "num_gpus": 1}, nodes) == "CPU 8, GPU 1 on one node"
    assert missing({"num_cpus": 1}, []) == "CPU 1 (the most of a node is 0)"
