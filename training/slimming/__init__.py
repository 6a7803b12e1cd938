"""Slimming: channels whose normalisation says that they hardly matter are taken out of a network.

Reference: Liu et al., Learning Efficient Convolutional Networks through Network Slimming,
https://arxiv.org/abs/1708.06519
"""
