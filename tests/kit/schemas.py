"""Where the vendors' own published schemas are, which are not part of this project.

Does not do: reading them. Tests that need one are skipped where it is missing, and say so.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = Path(os.environ.get("VENDOR_SCHEMAS") or ROOT.parent / "shared" / "data")
