"""JSON answers of the local Hub's API."""

import hashlib
from typing import Any

from tests.hub.served_files import DATE, Repository, pointer_of


def flag(query: dict[str, list[str]], name: str) -> bool:
    """A boolean parameter of a query."""
    return query.get(name, ["false"])[0].lower() == "true"


def info(repository: Repository, blobs: bool, gated: bool) -> dict[str, Any]:
    """Information on a repository, with its files."""
    siblings: list[dict[str, Any]] = []
    for file in repository.files.values():
        sibling: dict[str, Any] = {"rfilename": file.name}
        if blobs:
            sibling |= {"size": file.size, "blobId": file.blob}
            if file.large:
                pointer = len(pointer_of(file.sha256, file.size))
                sibling["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": pointer}
        siblings.append(sibling)
    info: dict[str, Any] = {
        "id": repository.repo,
        "author": repository.repo.partition("/")[0],
        "sha": repository.commit,
        "private": False,
        "disabled": False,
        "gated": "manual" if gated else False,
        "lastModified": DATE,
        "createdAt": DATE,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": siblings,
    }
    return info | ({"modelId": repository.repo} if repository.kind == "model" else {})


def entries(repository: Repository, xet: bool) -> list[dict[str, Any]]:
    """Folders and files as in a tree listing, by path."""
    folders = [
        {"type": "directory", "oid": hashlib.sha1(name.encode()).hexdigest(), "size": 0, "path": name}
        for name in repository.folders()
    ]
    files = [file.entry(xet) for file in repository.files.values()]
    return sorted([*folders, *files], key=lambda entry: str(entry["path"]))
