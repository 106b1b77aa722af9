# SPDX-License-Identifier: Apache-2.0
"""Stories on one machine: the service behind the bridge, story files and takes."""
