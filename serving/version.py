"""Which version of the explorer this is; `CHANGELOG.md` says what is in it."""

VERSION = "0.10.0"
