"""Sobel's edge detector before a squared error: the gradient of a convolution is one with the rotated kernel.

Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4. With this loss the gradient
of the edges is `error`. The gradient of the image is its full convolution with the kernel turned by 180 degrees, and that
of the kernel is the image seen through windows as large as the edges: both are also computed here by hand. What the
compiled module derives from windows alone is equal to them.
"""

from graphgen import Graph, ops

g = Graph("convolution")
image = g.input("image", shape=(1, 1, 6, 6))
target = g.input("target", shape=(1, 1, 4, 4))
kernel = g.param("kernel", shape=(1, 1, 3, 3), init=[[[[1, 0, -1], [2, 0, -2], [1, 0, -1]]]])

edges = ops.conv2d(image, kernel)
error = edges - target
g.loss((error**2).sum() / 2)

# What value_and_grad gives for image and kernel, as the textbooks write it.
rotated = ops.flip(kernel, axis=(2, 3))
image_by_hand = ops.conv2d(error, rotated, padding=2)
kernel_by_hand = ops.conv2d(image, error)
g.output(edges=edges, image_by_hand=image_by_hand, kernel_by_hand=kernel_by_hand)
