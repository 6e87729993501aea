"""The files of a data set's split on the Hub, at one commit."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.hf_api import RepoFile

from evaluators.errors import HubError
from evaluators.hub.transfer.hub_cache import COMMIT
from evaluators.hub.transfer.hub_errors import hub_errors
from evaluators.hub.transfer.repository_listing import token_for


@dataclass(frozen=True)
class SplitFile:
    """A file of a split.

    Args:
        repo: "owner/name" of the data set.
        path: in its repository.
        url: to read it from.
        size: in bytes.
        public: whether it is read as anybody may, without this machine's token.
    """

    repo: str
    path: str
    url: str
    size: int
    public: bool = False


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit, not a branch or tag."""
    return COMMIT.fullmatch(revision) is not None


def find_commit(repo: str, revision: str, public: bool = False) -> str:
    """The commit that a branch, tag or reference of a data set points to.

    Args:
        public: ask as anybody may, without this machine's token.
    Raises: HubError. Cost: one request, none for a commit.
    """
    if is_commit(revision):
        return revision
    with hub_errors(repo, kind="dataset", revision=revision):
        commit = HfApi(token=token_for(public)).dataset_info(repo, revision=revision).sha
    if commit is None or not is_commit(commit):
        raise HubError(f"The Hub names no commit for {repo} at {revision!r}, but {commit!r}.")
    return commit


def list_split(
    repo: str, config: str | None, split: str, commit: str, public: bool = False
) -> tuple[SplitFile, ...]:
    """The files of a split by path, resolved by ``datasets`` from the repository's card and file names.

    No script is run: ``datasets`` 5 refuses them.

    Args:
        repo: of the data set.
        config: its name; None for the only one or the default.
        split: as the data set calls it.
        commit: 40 hexadecimal digits.
        public: as for ``find_commit``.
    Raises: HubError if there is no such configuration or split, or the Hub cannot be asked.
    Cost: half a dozen small requests.
    """
    found = data_files(repo, config, commit, public)
    if split not in found:
        raise HubError(f"{repo} has no split {split!r}, but {', '.join(map(str, found)) or 'none'}.")
    with hub_errors(repo, kind="dataset", revision=commit):
        root = f"hf://datasets/{repo}@{commit}/"
        foreign = [name for name in found[split] if not name.startswith(root)]
        if foreign:
            raise HubError(f"{repo} keeps {foreign[0]} outside itself, where no commit says what it holds.")
        paths = sorted(name.removeprefix(root) for name in found[split])
        api = HfApi(token=token_for(public))
        infos = api.get_paths_info(repo, paths, revision=commit, repo_type="dataset")
    sizes = {info.path: info.size for info in infos if isinstance(info, RepoFile)}
    absent = [path for path in paths if path not in sizes]
    if absent:
        raise HubError(f"{repo} lists {absent[0]} but has no such file at {commit[:7]}.")
    urls = {path: hf_hub_url(repo, path, repo_type="dataset", revision=commit) for path in paths}
    return tuple(SplitFile(repo, path, url, sizes[path], public) for path, url in urls.items())


def data_files(
    repo: str, config: str | None, commit: str, public: bool = False
) -> Mapping[str, Sequence[str]]:
    """Addresses of the files of each split. Args, Raises: as ``list_split``."""
    import datasets

    # Otherwise it also asks two other hosts, for unused features and for statistics: behind a firewall, or
    # with a mirror of the Hub, every data set would wait 7 seconds for nothing.
    datasets.config.USE_PARQUET_EXPORT = False
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    with hub_errors(repo, kind="dataset", revision=commit), tempfile.TemporaryDirectory() as folder:
        try:
            # a cache folder of its own: only the list is needed, and a cache shared by threads needs locks
            builder = datasets.load_dataset_builder(
                repo, config, revision=commit, cache_dir=folder, token=token_for(public)
            )
        except LocalEntryNotFoundError:
            raise  # no answer from the Hub
        except (ValueError, RuntimeError, FileNotFoundError) as error:
            # datasets hides the Hub's error: the same request without it raises the right one
            if isinstance(error, datasets.exceptions.DatasetNotFoundError):
                url = hf_hub_url(repo, "README.md", repo_type="dataset", revision=commit)
                get_hf_file_metadata(url, token=token_for(public))
            raise HubError(f"{repo} at {commit[:7]} cannot be read as a data set: {error}") from error
    return {
        str(split): [str(file) for file in files]
        for split, files in (builder.config.data_files or {}).items()
    }


def list_tars(repo: str, split: str, commit: str) -> tuple[SplitFile, ...]:
    """The tar files in the folder of a split by path, in the layout of clip-benchmark.

    ``datasets`` cannot resolve it: because of the ``nshards.txt`` beside it, it takes a split of one tar file
    for text.

    Raises: HubError if there is no such folder, no tar file in it, or the Hub cannot be asked.
    Cost: one request for 1,000 files.
    """
    with hub_errors(repo, split, kind="dataset", revision=commit):
        entries = list(HfApi().list_repo_tree(repo, split, revision=commit, repo_type="dataset"))
    tars = [entry for entry in entries if isinstance(entry, RepoFile) and entry.path.endswith(".tar")]
    if not tars:
        raise HubError(f"{repo} has no tar files in its folder {split!r} at {commit[:7]}.")
    return tuple(
        SplitFile(repo, tar.path, hf_hub_url(repo, tar.path, repo_type="dataset", revision=commit), tar.size)
        for tar in sorted(tars, key=lambda tar: tar.path)
    )
