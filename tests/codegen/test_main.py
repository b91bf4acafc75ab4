"""The command says what went wrong, in a sentence, and writes nothing then."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyopenai_codegen import facts, record
from anyopenai_codegen.__main__ import main


@pytest.fixture(autouse=True)
def _nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def put(*_: object) -> list[str]:
        raise AssertionError("written")

    monkeypatch.setattr(record, "put", put)


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "openapi.json")]) == 1
    assert "openapi.json" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"openapi": "3.1.0"}'])
def test_a_file_that_is_no_description_is_refused(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(text)
    assert main([str(path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_a_description_without_an_operation_we_write_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "openapi.json"
    path.write_text('{"info": {"version": "1"}, "paths": {}, "components": {"schemas": {}}}')
    assert main([str(path)]) == 1
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["OVERLAY", "FACTS"])
def test_a_table_with_the_marks_of_a_merge_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "operations.json"
    table.write_text("<<<<<<< HEAD\n{}\n")
    monkeypatch.setattr(facts, name, table if name == "OVERLAY" else tmp_path)
    assert main([str(tmp_path / "openapi.json")]) == 1
    assert "error: operations.json cannot be read: " in capsys.readouterr().err


def test_neither_a_path_nor_a_check_is_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "--check" in capsys.readouterr().err


def test_the_check_tells_what_it_finds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(record, "problems", lambda: ["types/model.py was edited by hand"])
    assert main(["--check"]) == 1
    assert capsys.readouterr().err == "types/model.py was edited by hand\n"
