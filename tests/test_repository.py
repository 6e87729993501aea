"""What a visitor of the repository relies on: sizes, pins, the Space's header, and a README that is true."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.__main__ import BENCHMARKS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MIB = 2**20
REQUIREMENTS = ("requirements.txt", "requirements-ray.txt", "requirements-dev.txt")

MACHINE_PATH = re.compile(r"(?<![\w.:/~*-])/(?:home|root|work|Users|opt|tmp|mnt|var)/[\w.]|[A-Z]:\\+Users\b")

SPACE_KEYS = frozenset(  # https://huggingface.co/docs/hub/spaces-config-reference, those of a Gradio Space
    "title emoji colorFrom colorTo sdk python_version sdk_version suggested_hardware app_file base_path "
    "fullWidth header short_description models datasets tags thumbnail pinned license hf_oauth "
    "hf_oauth_scopes hf_oauth_expiration_minutes hf_oauth_authorized_org disable_embedding "
    "startup_duration_timeout custom_headers preload_from_hub".split()
)
SPACE_COLOURS = frozenset("red yellow green blue indigo purple pink gray".split())


def tracked() -> list[Path]:
    """Files git tracks; skips where the checkout is not a git repository, as in an exported archive."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file()]


def text_of(file: Path) -> str:
    """The file's text, empty for a binary one."""
    raw = file.read_bytes()
    return "" if b"\0" in raw else raw.decode("utf-8", errors="ignore")


def pins(name: str) -> Iterator[tuple[str, str]]:
    """Project and version of each line of a requirements file."""
    for line in (ROOT / name).read_text("utf-8").splitlines():
        requirement = line.partition("#")[0].partition(";")[0].strip()
        if requirement and not requirement.startswith("-r "):
            project, separator, version = requirement.partition("==")
            assert separator, f"{name}: {requirement!r} is not pinned with =="
            yield re.sub(r"[-_.]+", "-", project).lower(), version


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
    assert {name: size for name, size in sizes.items() if size > 10 * MIB} == {}


def test_assets_stay_small() -> None:
    assert sum(file.stat().st_size for file in tracked() if file.is_relative_to(ROOT / "assets")) < 100e6


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) < 60


def test_ci_runs_exactly_the_two_commands() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111, ".ci/run must be executable"
    assert re.findall(r"^\s*make +(\w+)", script.read_text("utf-8"), re.MULTILINE) == ["check", "test"]


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


# ------------------------------------------------------------------ requirements


def imports_of(*folders: str) -> set[str]:
    """Top-level names that the sources of some folders or files import, the repository's own left out."""
    files = [file for folder in folders for file in [ROOT / folder, *(ROOT / folder).rglob("*.py")]]
    names: set[str] = set()
    for file in files:
        if file.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    own = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"}
    return names - own - sys.stdlib_module_names


def projects_by_import() -> dict[str, set[str]]:
    """Top-level name -> projects that install it (3.10's `packages_distributions` misses most of them)."""
    found: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions():
        project = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        for file in distribution.files or []:
            found.setdefault(file.parts[0].removesuffix(".py"), set()).add(project)
    return found


@pytest.mark.parametrize(
    ("folders", "files"),
    [
        (("app.py", "lines_cli", "serving", "ui", "evaluators", "lines_core"), ["requirements.txt"]),
        (("setup.py", "tests", "benchmarks", "training"), ["requirements.txt", "requirements-dev.txt"]),
    ],
    ids=["app", "dev"],
)
def test_every_import_is_pinned(folders: tuple[str, ...], files: list[str]) -> None:
    pinned = {project for file in files for project, _ in pins(file)}
    project_of = projects_by_import()
    for name in sorted(imports_of(*folders)):
        projects = project_of.get(name, set())
        assert projects & pinned, f"{name} (of {sorted(projects)}) is imported, but {files} do not pin it"


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


def test_readme_names_files_that_exist() -> None:
    mentioned = re.findall(r"`((?:[\w.]+/)+[\w.]+\.\w+|\w+\.(?:py|md|txt))`", README)
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert [name for name in [*mentioned, *linked] if not (ROOT / name).exists()] == []


def test_readme_places_are_words_of_the_page() -> None:
    """The last column of the table of ideas names charts, controls and tabs as the page does."""
    words = (ROOT / "ui/shell/text.py").read_text("utf-8")
    rows = [row.split("|") for row in README.splitlines() if row.startswith("| ") and row.count("|") == 5]
    places = [place for row in rows for place in re.findall(r"\*([^*]+)\*", row[4])]
    assert len(places) >= 10
    assert [place for place in places if f'"{place}"' not in words] == []


def test_readme_commands_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"(?:^    |`)make (\w+)", README, re.MULTILINE)
    assert {"app", "check", "test", "bench", "assets"} <= set(named) <= targets


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
