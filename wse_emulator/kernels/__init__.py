"""Kernels: plain functions from the sizes of an operation and a machine to activities.

A step and ``wse validate`` time an operation with the same kernel. A kernel knows no record; what
no rule of the machine explains is a coefficient of ``WaferSpec.kernels``.
"""
