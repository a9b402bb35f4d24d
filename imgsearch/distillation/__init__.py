"""Distillation: a small student learns the geometry of larger networks' embeddings.

architecture.py    the student's one definition, plain values
weights.py         folding, and the file that students ship in
student.py         the student in Keras 3
losses.py          what the student is held to
targets.py         teachers, whitening, the cache of crops
training.py        the loop, its checkpoints, its figures
torch_training.py  the same student in PyTorch, for development's long runs
"""
