"""`python -m tools.emulator`: fetch AWS's interface emulator and runtime client, and build the runtime layer.

Where this host cannot have them it says why and ends well: the tests that need them then skip with the same words.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.build import install, lambda_python, say
from tools.emulator import HOME, PROGRAM, RUNTIME, architecture, missing

WANTED = Path(__file__).with_name("requirements.txt")
CLIENT = Path(__file__).parents[1] / "sam" / "image.txt"


def fetch_program(kind: str) -> None:
    """Take aws-lambda-rie out of the SAM command line's wheel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", folder, "--requirement", str(WANTED)], check=True)  # noqa: S603 - our words
        [wheel] = Path(folder).glob("*.whl")
        HOME.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheel) as content:
            PROGRAM.write_bytes(content.read(f"samcli/local/rapid/aws-lambda-rie-{kind}"))
    PROGRAM.chmod(0o755)


def main() -> None:
    """Fetch what is not here or is of another version."""
    kind, stamp = architecture(), HOME / "stamp"
    if kind is None or lambda_python() is None:
        say(f"no emulator: {missing()}")
        return
    identity = WANTED.read_text("utf-8") + CLIENT.read_text("utf-8")
    if not (stamp.exists() and stamp.read_text("utf-8") == identity):
        shutil.rmtree(HOME, ignore_errors=True)
        fetch_program(kind)
        install(RUNTIME, kind, CLIENT)
        stamp.write_text(identity, "utf-8")


if __name__ == "__main__":
    main()
