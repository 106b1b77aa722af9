# SPDX-License-Identifier: Apache-2.0
"""Measurements that anyone can repeat: speed, memory, exactness; device and versions beside every figure."""
