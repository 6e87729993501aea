"""Repository rules: file sizes, pinned requirements, the Space's header, documents that match the code."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.__main__ import BENCHMARKS
from lines_cli.__main__ import COMMANDS
from serving.version import VERSION
from tests.test_layering import imported_modules
from tests.test_requirements import pins

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted(f"{file.relative_to(ROOT)}" for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
FOLDERS = "assets|benchmarks|docs|evaluators|lines_cli|lines_core|serving|static|tests|training|ui"
SEARCHED = (ROOT, ROOT / "lines_core/checkpoints")
"""Where files lie that documents name: SECURITY.md names those of the checkpoint reader alone."""
MIB = 2**20
REQUIREMENTS = sorted(
    file.name for pattern in ("requirements*", "constraints*") for file in ROOT.glob(pattern)
)

MACHINE_PATH = re.compile(r"(?<![\w.:/~*-])/(?:home|root|work|Users|opt|tmp|mnt|var)/[\w.]|[A-Z]:\\+Users\b")

SPACE_KEYS = frozenset(  # https://huggingface.co/docs/hub/spaces-config-reference, those of a Gradio Space
    "title emoji colorFrom colorTo sdk python_version sdk_version suggested_hardware app_file base_path "
    "fullWidth header short_description models datasets tags thumbnail pinned license hf_oauth "
    "hf_oauth_scopes hf_oauth_expiration_minutes hf_oauth_authorized_org disable_embedding "
    "startup_duration_timeout custom_headers preload_from_hub".split()
)
SPACE_COLOURS = frozenset("red yellow green blue indigo purple pink gray".split())


def listed(*options: str) -> list[str]:
    """Lines of ``git ls-files``; skips where the checkout is no git repository, as in an exported archive."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z", *options],
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [line for line in listing.stdout.decode().split("\0") if line]


def tracked() -> list[Path]:
    """Files git tracks."""
    return [file for file in (ROOT / name for name in listed()) if file.is_file()]


def read(name: str) -> str:
    """Text of a file of the repository."""
    return (ROOT / name).read_text("utf-8")


def text_of(file: Path) -> str:
    """The file's text, empty for a binary one."""
    raw = file.read_bytes()
    return "" if b"\0" in raw else raw.decode("utf-8", errors="ignore")


def front_matter() -> dict[str, str]:
    """The Space's settings, the flat ``key: value`` header of the README."""
    header = re.match(r"---\n(.*?)\n---\n", README, re.DOTALL)
    assert header, "README.md does not begin with a Space's header"
    return {key: value.strip("\"' ") for key, value in re.findall(r"^(\w+): *(.*)$", header[1], re.MULTILINE)}


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_no_path_of_a_machine() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in tracked()
        for match in MACHINE_PATH.finditer(text_of(file))
    ]
    assert found == []


@pytest.mark.parametrize("folder", ["home/anna", "root", "work/main", "Users/anna", "tmp"])
def test_a_machine_path_would_be_found(folder: str) -> None:
    assert MACHINE_PATH.search(f'open("/{folder}/weights.pt")')


@pytest.mark.parametrize(
    "text", ["example.org/home/x", "assets/work/a", "~/root/a", "a / b", "/evaluate", "/usr/bin/env"]
)
def test_other_paths_are_left_alone(text: str) -> None:
    assert not MACHINE_PATH.search(f"see {text}")


def test_no_package_index_is_named() -> None:
    for name in (*REQUIREMENTS, "Makefile", ".ci/run", "pyproject.toml"):
        text = (ROOT / name).read_text("utf-8")
        assert not re.search(r"index-url|find-links|--index|https?://(?!arxiv\.org)", text), name


def test_no_file_is_large() -> None:
    sizes = {str(file.relative_to(ROOT)): file.stat().st_size for file in tracked()}
    assert {name: size for name, size in sizes.items() if size > 10 * 2**20} == {}


def test_no_link_is_tracked() -> None:
    """A link to an environment, once committed, replaced the environment itself in every other checkout."""
    assert [line for line in listed("--stage") if line.startswith("120000 ")] == []


def test_assets_stay_small() -> None:
    assert sum(file.stat().st_size for file in tracked() if file.is_relative_to(ROOT / "assets")) < 130e6


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) < 60


def test_ci_runs_exactly_the_two_commands() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111, ".ci/run must be executable"
    assert re.findall(r"^\s*make +(\w+)", script.read_text("utf-8"), re.MULTILINE) == ["check", "test"]
    workflow = read(".github/workflows/ci.yml")
    assert ("- run: .ci/run" in workflow, 'python: ["3.10", "3.11", "3.12"]' in workflow) == (True, True)
    assert "- run: make test-python CONSTRAINTS=constraints-zerogpu.txt\n" in workflow


def test_every_benchmark_of_the_table_is_a_module_with_a_main() -> None:
    """The table starts its entries by name in another process, so only this sees a renamed file."""
    for name in BENCHMARKS:
        module = next(
            path
            for path in (f"benchmarks/{name}.py", f"benchmarks/{name}/__init__.py")
            if (ROOT / path).exists()
        )
        tree = ast.parse((ROOT / module).read_text("utf-8"))
        assert "main" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, module


def test_space_runs_the_pinned_gradio() -> None:
    assert front_matter()["sdk_version"] == dict(pins("requirements.txt"))["gradio"]


# ------------------------------------------------------------------ README


def test_space_header() -> None:
    header = front_matter()
    assert set(header) <= SPACE_KEYS
    assert header["sdk"] == "gradio"
    assert header["app_file"] == "app.py"
    assert header["license"] == "apache-2.0"
    assert {header["colorFrom"], header["colorTo"]} <= SPACE_COLOURS
    assert re.fullmatch(r"3\.1[0-2](\.\d+)?", header["python_version"])
    assert len(header["short_description"]) <= 60


def test_readme_is_short() -> None:
    assert len(README.split()) <= 900


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_name_files_that_exist(document: str) -> None:
    text = read(document)
    mentioned = re.findall(rf"`((?:{FOLDERS})(?:/[\w.]+)*|\w+\.(?:py|md|txt|toml))`", text)
    missing = [name for name in mentioned if not any((root / name).exists() for root in SEARCHED)]
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    missing += [link for link in links if not (ROOT / document).parent.joinpath(link).exists()]
    assert missing == []


def test_each_hop_of_a_slider_move_exists() -> None:
    hops = re.findall(r"`([\w/]+\.(?:py|js)):([\w.]+)`", read("docs/architecture.md"))
    assert len(hops) >= 10
    for file, name in hops:
        for part in name.split("."):
            assert re.search(rf"\b(?:def|class|function) {part}\b", read(file)), f"{file} has no {part}"


def test_documented_commands_exist() -> None:
    text = "\n".join(map(read, {*DOCUMENTS} - {"CHANGELOG.md"}))
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^    |`)make (\w+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"(?:(?:^    |`)lines|-m lines_cli) (\w+)", text, re.MULTILINE)) <= set(COMMANDS)
    steps = set(re.findall(r'^    "(\w+)": \w+,$', read("training/steps.py"), re.MULTILINE))
    assert set(re.findall(r"python -m training (\w+)", text)) <= steps
    modules = set(re.findall(r"python -m (\w+)", text)) - {"pytest"}
    assert [name for name in modules if not (ROOT / name / "__main__.py").exists()] == []


def test_version_is_the_latest_of_the_changelog_and_of_the_citation() -> None:
    released = re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", read("CHANGELOG.md"), re.MULTILINE)
    assert released[0] == VERSION
    assert f"\nversion: {VERSION}\n" in read("CITATION.cff")


# ------------------------------------------------------------------ the map of the paper


def concepts() -> list[list[str]]:
    """Cells of each row of the map: concept, code, test, place on the page."""
    rows = [row.strip("|").split("|") for row in read("docs/paper.md").splitlines() if row.startswith("| ")]
    return [row for row in rows[1:] if len(row) == 4]


def source_of(name: str) -> Path | None:
    """The file that defines a dotted name, looked up in the ``__init__`` of a package that re-exports it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:end])
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
        package = path / "__init__.py"
        if package.is_file():
            exported = [] if end == len(parts) else runtime_imports(package)
            found = [known for known in exported if known.endswith(f".{parts[end]}") and known != name]
            return source_of(found[0]) if found else package
    return None


@cache
def runtime_imports(file: Path) -> tuple[str, ...]:
    """Dotted names that a source imports when it runs, those under ``TYPE_CHECKING`` left out."""
    tree = ast.parse(file.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    return tuple(name for _, name in imported_modules(tree, PurePosixPath(file.relative_to(ROOT).as_posix())))


def running_sources() -> set[str]:
    """Every source that the app, the command or the training code imports, directly or not.

    A package counts with the names that are taken from it, not with everything that its ``__init__`` lists.
    """
    waiting = [ROOT / "app.py", *(ROOT / "lines_cli").glob("*.py"), ROOT / "training/__main__.py"]
    running: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in running:
            running.add(file)
            waiting += filter(None, map(source_of, runtime_imports(file)))
    return {file.relative_to(ROOT).as_posix() for file in running}


def test_the_code_of_each_concept_runs_in_the_app() -> None:
    files = [file for row in concepts() for file in re.findall(r"`([^`]+)`", row[1])]
    assert len(files) >= 15
    assert set(files) - running_sources() == set()


def test_a_module_that_only_tests_import_is_not_running() -> None:
    running = running_sources()
    assert "benchmarks/edit.py" not in running
    assert "lines_core/__init__.py" not in running, "its list of exports runs nothing by itself"
    assert {"lines_core/schedules.py", "evaluators/service/studio.py", "ui/layout.py"} <= running


def test_the_place_of_each_concept_is_named_on_the_page() -> None:
    words = "".join(file.read_text("utf-8") for file in (ROOT / "ui").rglob("*.py"))
    places = [place for row in concepts() for place in re.findall(r"\*([^*]+)\*", row[3])]
    assert len(places) >= 15
    assert [place for place in places if f'"{place}"' not in words] == []


# ------------------------------------------------------------------ the method as printed


def vision_tower(seed: int) -> dict[str, Tensor]:
    """Three blocks' worth of named weights, with one parameter before and one after the blocks."""
    generator = torch.Generator().manual_seed(seed)
    names = [
        "visual.conv1.weight",
        *(f"visual.transformer.resblocks.{block}.mlp.c_fc.weight" for block in range(3)),
        "visual.ln_post.weight",
    ]
    return {name: torch.randn(2, 3, generator=generator) for name in names}


def test_readme_method_runs_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's first block, run on three small blocks in place of the shipped weights, is Eq. 1."""
    method = python_blocks()[0]
    assert len([line for line in method.splitlines() if line.strip()]) <= 10
    pretrained, finetuned = vision_tower(0), vision_tower(1)
    text_tower = {"logit_scale": torch.tensor([2.0])}
    (tmp_path / "assets/tiny_clip/finetuned").mkdir(parents=True)
    save_file(pretrained | text_tower, tmp_path / "assets/tiny_clip/open_clip_model.safetensors")
    save_file(finetuned, tmp_path / "assets/tiny_clip/finetuned/digits.safetensors")
    monkeypatch.chdir(tmp_path)

    scope: dict[str, dict[str, Tensor]] = {}
    exec(compile(method, "README.md, first block", "exec"), scope)

    expected_scales = [0.4, 0.4, 0.7, 1.0, 0.4]  # alpha outside; 0.4 + 0.6 * {0, 1/2, 1} in the blocks
    for name, scale in zip(pretrained, expected_scales, strict=True):
        expected = pretrained[name] + scale * (finetuned[name] - pretrained[name])
        torch.testing.assert_close(scope["theta"][name], expected)
    assert torch.equal(scope["theta"]["logit_scale"], text_tower["logit_scale"])


def test_readme_method_runs_on_the_shipped_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    scope: dict[str, dict[str, Tensor]] = {}
    exec(compile(python_blocks()[0], "README.md, first block", "exec"), scope)
    deepest = "visual.transformer.resblocks.11.mlp.c_fc.weight"
    torch.testing.assert_close(scope["theta"][deepest], scope["theta_t"][deepest].float())
    assert scope["theta"].keys() == scope["theta_0"].keys()
