"""The student's loss, in Keras operations that run on any of its backends.

loss = weight · (1 - cosine) + KL(teacher's similarity distribution ‖ student's)

The targets are the teachers' embeddings, centred, whitened and of unit length: regression to raw
embeddings learns their large common mean and little else.
"""

from __future__ import annotations

from typing import Any, Final

TEMPERATURE: Final = 0.07
COSINE_WEIGHT: Final = 3.0
TINY: Final = 1e-12


def unit_rows(x: Any) -> Any:  # noqa: ANN401  Keras has no types
    """Return the rows (n, dim) scaled to unit length; a row of zeros stays zeros."""
    from keras import ops

    return x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + TINY)


def cosine_loss(targets: Any, embeddings: Any) -> Any:  # noqa: ANN401  Keras has no types
    """Return the mean of 1 - cosine similarity over unit rows, (n, dim) and (n, dim) -> ()."""
    from keras import ops

    return 1.0 - ops.mean(ops.sum(targets * embeddings, axis=-1))


def distribution_loss(
    targets: Any,  # noqa: ANN401  Keras has no types
    embeddings: Any,  # noqa: ANN401
    bank: Any,  # noqa: ANN401
    *,
    temperature: float = TEMPERATURE,
) -> Any:  # noqa: ANN401
    """Return how far the student's similarities to a bank are from the teacher's.

    With p = softmax(targets bankᵀ / t) and q = softmax(embeddings bankᵀ / t), the mean over rows of
    KL(p ‖ q): CompRess (Koohpayegani et al. 2020, https://arxiv.org/abs/2010.14713) and SEED (Fang
    et al. 2021, https://arxiv.org/abs/2101.04731).

    Args:
        targets: unit rows, shape (n, dim).
        embeddings: the student's, unit rows, shape (n, dim).
        bank: other crops' targets, unit rows, shape (m, dim).
        temperature: t; the smaller, the more weight the nearest have.
    """
    from keras import ops

    # (n, dim) @ (dim, m) -> (n, m)
    log_p = ops.log_softmax(ops.matmul(targets, ops.transpose(bank)) / temperature, axis=-1)
    log_q = ops.log_softmax(ops.matmul(embeddings, ops.transpose(bank)) / temperature, axis=-1)
    return ops.mean(ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1))


def distillation_loss(targets: Any, embeddings: Any, bank: Any) -> Any:  # noqa: ANN401  as above
    """Return the whole loss for unit targets, the student's raw output, and a bank of targets."""
    from keras import ops

    # On PyTorch, Keras passes the targets unconverted.
    targets, rows = ops.convert_to_tensor(targets), unit_rows(embeddings)
    return COSINE_WEIGHT * cosine_loss(targets, rows) + distribution_loss(targets, rows, bank)
