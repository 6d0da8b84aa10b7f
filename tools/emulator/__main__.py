"""`python -m tools.emulator`: fetch AWS's interface emulator and runtime client.

If this host cannot have them, it prints why and exits with 0. Tests that need them are skipped with the same reason.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.build import install, lambda_python, say
from tools.emulator import FOLDER, PROGRAM, RUNTIME, architecture, missing

PINNED = Path(__file__).with_name("requirements.txt")
CLIENT = Path(__file__).parents[1] / "sam" / "image.txt"


def fetch_program(processor: str) -> None:
    """Copy aws-lambda-rie out of the SAM command line's wheel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", folder, "--requirement", str(PINNED)], check=True)  # noqa: S603 - a fixed command
        [wheel] = Path(folder).glob("*.whl")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as content:
            PROGRAM.write_bytes(content.read(f"samcli/local/rapid/aws-lambda-rie-{processor}"))
    PROGRAM.chmod(0o755)


def main() -> None:
    """Fetch both unless they are there in the pinned versions."""
    processor, stamp = architecture(), FOLDER / "stamp"
    if processor is None or lambda_python() is None:
        say(f"no emulator: {missing()}")
        return
    versions = PINNED.read_text("utf-8") + CLIENT.read_text("utf-8")
    if not (stamp.exists() and stamp.read_text("utf-8") == versions):
        shutil.rmtree(FOLDER, ignore_errors=True)
        fetch_program(processor)
        install(RUNTIME, processor, CLIENT)
        stamp.write_text(versions, "utf-8")


if __name__ == "__main__":
    main()
