"""Reading a plate writes nothing into the user's folders, and so tells nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_reading_leaves_no_file_in_the_home_folder(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    kept = {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV"}
    env = {name: value for name, value in os.environ.items() if name in kept}
    code = "from chepai import Reader\nfrom chepai.inference.files import sample_pictures\n"
    code += "assert Reader('default', threads=1).read(sample_pictures()[:1])[0].text"
    command = [sys.executable, "-B", "-c", code]
    subprocess.run(command, env=env | {"HOME": str(home)}, check=True, cwd=tmp_path)
    assert not [file for file in home.rglob("*") if file.is_file()]
