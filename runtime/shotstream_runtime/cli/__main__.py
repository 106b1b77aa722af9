# SPDX-License-Identifier: Apache-2.0
"""`python -m shotstream_runtime.cli` is the `shotstream` command."""

from .main import main

main()
