"""Packages of the wheel: lines_core and lines_cli, and inside lines_cli.explorer a copy of the app.

The app's own packages have everyday names (ui, serving, app), which site-packages should not hold;
`lines_cli.app_folder` makes them importable. Everything else about the distribution is in pyproject.toml.
"""

from setuptools import find_packages, setup

APP = "lines_cli.explorer"

setup(
    packages=[
        *find_packages(include=["lines_core*", "lines_cli*"]),
        *(
            f"{APP}.{package}"
            for package in find_packages(include=["evaluators*", "serving*", "static*", "ui*"])
        ),
        f"{APP}.assets",
    ],
    py_modules=[f"{APP}.app"],
    package_dir={APP: "."},
    package_data={
        "lines_core": ["py.typed"],
        "lines_cli": ["py.typed"],
        f"{APP}.evaluators": ["**/*.json"],
        f"{APP}.static": ["**/*.css", "**/*.js", "**/*.md"],
        f"{APP}.ui": ["**/*.css", "**/*.js", "**/*.json", "**/*.md", "**/*.svg"],
        f"{APP}.assets": ["**/*"],
    },
)
