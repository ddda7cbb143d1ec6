import pytest

from service.pipeline.warm_up import compile_kernels
from service.policy.loading import load_policy


def test_nothing_is_said_where_the_kernels_are_compiled_already(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("service.pipeline.warm_up.PATIENCE", 600.0)
    compile_kernels(load_policy())
    assert capsys.readouterr().err == ""
