"""`python -m imagebot`."""

import sys

from imagebot.cli.main import main

sys.exit(main())
