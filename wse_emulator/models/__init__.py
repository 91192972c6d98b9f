"""Models: their shapes by name or file, and as layers built on the meta device, never trained.

The layers have the parameters of the published models, tensor for tensor, and the operations that
decide what backward needs. Attention is written out (scores, softmax, weighted sum), as on a
machine without a fused kernel.
"""
