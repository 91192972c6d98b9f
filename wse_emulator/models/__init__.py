"""Models as layers, for the memory of their activations: built on the meta device, never trained.

They have the parameters of the published models, tensor for tensor, and the operations that decide
what backward needs. Attention is written out (scores, softmax, weighted sum), as on a machine
without a fused kernel.
"""
