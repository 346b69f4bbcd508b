"""Looking into an image of many files, beside dive on the same archive: the first look, and second ones; as JSON.

python benchmarks/look.py --files 100000 --root /dev/shm
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

from measure import Command, Contender, compare  # noqa: E402  found by the line above

BIN = Path(sys.executable).parent
A_FOLDER = 100


def make_tree(path: Path, files: int) -> None:
    """A tar of files of 0.1 to 4 KB, a hundred in each folder."""
    dice = random.Random(1)
    with tarfile.open(path, "w") as tar:
        for number in range(files):
            data = dice.randbytes(dice.randint(100, 4000))
            member = tarfile.TarInfo(f"srv/data/d{number // A_FOLDER}/file-{number % A_FOLDER}.txt")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def make_archives(work: Path, files: int) -> tuple[Path, Path]:
    """An image of that tree, and of another layer that replaces one file of each folder, as docker saves one.

    The second archive's image has one small file more.
    """
    make_tree(work / "tree.tar", files)
    (work / "context").mkdir()
    for number in range(files // A_FOLDER):
        path = work / "context" / "srv" / "data" / f"d{number}" / "file-0.txt"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"new")
    (work / "context" / "Dockerfile").write_text("FROM base\nCOPY srv /srv\n")
    (work / "small").mkdir()
    (work / "small" / "Dockerfile").write_text("FROM app\nCOPY Dockerfile /\n")
    env = {
        "CAPAS_ROOT": str(work / "made"),
        "CAPAS_RUN_ROOT": str(work / "run"),
        "HOME": str(work),
        "PATH": "/usr/bin:/bin",
    }
    archives = work / "app.tar", work / "changed.tar"
    for words in (
        ["import", str(work / "tree.tar"), "base"], ["build", "-q", "-t", "app", str(work / "context")],
        ["build", "-q", "-t", "changed", str(work / "small")],
        ["save", "-o", str(archives[0]), "app"], ["save", "-o", str(archives[1]), "changed"],
    ):  # fmt: skip
        subprocess.run([BIN / "capas", *words], env=env, check=True, stdout=subprocess.DEVNULL)
    return archives


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=tempfile.gettempdir(), help="where to work")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="capas-look-", dir=given.root) as folder:
        work = Path(folder)
        archive, changed = map(str, make_archives(work, given.files))

        def capas(root: str, *words: str) -> Command:
            env = {"CAPAS_ROOT": str(work / root), "CAPAS_RUN_ROOT": str(work / "run")}
            return Command((str(BIN / "capas"), "image", *words), env)

        def forget() -> None:
            shutil.rmtree(work / "first", ignore_errors=True)

        def look_once() -> None:
            for name in (archive, changed):
                command = capas("second", "waste", name)
                env = {**command.env, "PATH": "/usr/bin:/bin"}
                subprocess.run(command.argv, env=env, check=True, stdout=subprocess.DEVNULL)

        seconds = {
            "waste": ("waste", "--format", "json", archive), "ls-files": ("ls-files", archive),
            "ls-files of a folder": ("ls-files", archive, "/srv/data/d7"),
            "find --name": ("find", archive, "--name", "file-7.txt"),
            "find --type f --size +3k": ("find", archive, "--type", "f", "--size", "+3k"),
            "cat": ("cat", archive, "/srv/data/d7/file-3.txt"), "draw": ("draw", archive),
            "diff with itself": ("diff", archive, archive), "diff with one file more": ("diff", archive, changed),
        }  # fmt: skip
        dive = Command((str(BIN / "dive"), f"docker-archive://{archive}", "--json", str(work / "dive.json")))
        contenders = [
            Contender("capas image waste, first look", [capas("first", *seconds["waste"])], before=forget),
            *(Contender(f"capas image {name}, second look", [capas("second", *words)], once=look_once)
              for name, words in seconds.items()),
            Contender("dive", [dive]),
        ]  # fmt: skip
        found = compare(contenders, rounds=given.rounds, where=work)
    figures = {name: {"seconds": round(one.seconds, 3), "cpu": one.cpu and round(one.cpu, 3),
                      "peak_mb": one.peak and one.peak // 10**6, "all": one.all_seconds}
               for name, one in found.figures.items()}  # fmt: skip
    base = found.figures.get("dive")
    ratios = {name: round(one.seconds / base.seconds, 3) for name, one in found.figures.items()} if base else {}
    document = {"files": given.files, "figures": figures, "ratios to dive": ratios, "missing": dict(found.missing)}
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
