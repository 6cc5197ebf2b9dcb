"""A postern whose disk or clock does what a test says (faults.c). None where there is no compiler."""

import os
import shutil
import subprocess

from .proxy import SANITIZER

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.c")


class Faults:
    def __init__(self, folder):
        """Builds the library into the folder; `env` is for postern."""
        self.words, library = os.path.join(str(folder), "faults"), os.path.join(str(folder), "faults.so")
        subprocess.run([compiler(), "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self.env = {"POSTERN_FAULTS": self.words, "LD_PRELOAD": library,
                    "ASAN_OPTIONS": SANITIZER["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}
        self.say("")

    def say(self, words):
        with open(self.words + ".new", "w") as f:
            f.write(words)
        os.rename(self.words + ".new", self.words)


def compiler():
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
