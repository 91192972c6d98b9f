"""Models by name or file: their shapes, and their layers on the meta device, which holds no data.

The layers have the parameters of the published models, tensor for tensor, and the operations that
decide what the backward pass needs. Attention is written out (scores, softmax, weighted sum), since
the machine has no fused kernel for it.
"""
